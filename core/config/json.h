/* Values to and from JSON: what records and listings are written in. */
#ifndef TSR_CONFIG_JSON_H
#define TSR_CONFIG_JSON_H

#include "config/value.h"

#include <jansson.h>

/* A new reference; NULL without memory, or where a string is not UTF-8. Null members are kept, as null. */
json_t *tsr_value_to_json(const tsr_value *value);

/* A value without origins; NULL without memory. */
tsr_value *tsr_value_from_json(const json_t *json);

/* The value as JSON text: compact, or indented by so many blanks. free() it; NULL as tsr_value_to_json. Reals
   have 17 digits. */
char *tsr_value_json_text(const tsr_value *value, int indent);

/* How many allocations of jansson's have failed in this thread. It does not tell of each: keys are lost as
   JSON is written, characters as it is read, and its setters are called by the dozen. Whoever makes JSON
   compares the number before, and the first call begins to count, with that behind it. [any-thread] */
size_t tsr_json_failures(void);

/* The text of a value as json_dumps writes it, with its flags; NULL without memory. free() it. */
char *tsr_json_dump(const json_t *json, size_t flags);

/* The value that so many bytes spell, as json_loadb reads them, with its flags. NULL where they are no JSON,
   which `error` (or NULL) tells, and without memory, which tsr_json_had_no_memory tells of that. */
json_t *tsr_json_load(const char *text, size_t length, size_t flags, json_error_t *error);
bool tsr_json_had_no_memory(const json_error_t *error);

#endif
