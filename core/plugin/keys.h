/* Declarations of keys: checking them, and saying them in words. */
#ifndef TSR_PLUGIN_KEYS_H
#define TSR_PLUGIN_KEYS_H

#include "base/text.h"

#include <tessera/key.h>
#include <tessera/status.h>

/* Lower case letters, digits and _, a letter first: what plugins and keys are called. */
bool tsr_name_valid(const char *name);

/* Something to read on one line: not empty, no control characters, UTF-8. */
bool tsr_line_valid(const char *line);

/* The line, to be shown in a message, or a word for one that is not fit to be. */
const char *tsr_line_shown(const char *line);

/* Checks what a plugin declares; `where` names it in messages. Used by the loader and by tests. */
TSR_MUST_CHECK tsr_status *tsr_keys_check(const tsr_key *keys, size_t instance_size, const char *where);

/* "int", "real_list": what `tessera describe` calls a type. */
const char *tsr_key_type_name(tsr_key_type type);

/* How many declarations stand before TSR_KEY_END. */
size_t tsr_keys_count(const tsr_key *keys);

/* NULL where no key has the name. */
const tsr_key *tsr_keys_find(const tsr_key *keys, const char *key);

/* Whether a value is finite and in range, for the field as well as for the declaration. */
bool tsr_key_takes_int(const tsr_key *key, int64_t value);
bool tsr_key_takes_real(const tsr_key *key, double value);
/* Whether an integer field can hold the value, whatever the range. */
bool tsr_field_holds_int(const tsr_key *key, int64_t value);

/* The value of an integer or real field; whether an integer of 4 bytes has a sign, its range tells. */
int64_t tsr_field_int(const tsr_key *key, const void *field);
double tsr_field_real(const tsr_key *key, const void *field);

/* Whether its values are lists. */
bool tsr_key_is_list(const tsr_key *key);

/* The index of a word among the choices, -1 where it is none. */
int tsr_key_choice(const tsr_key *key, const char *word);

/* What a value must be: "an integer from 1 to 9", "one of \"a\", \"b\"". One element of a list: `element`. */
void tsr_key_expected(const tsr_key *key, bool element, tsr_text *out);

#endif
