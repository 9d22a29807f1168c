/* Described keys (config/describe.h) as texts. */
#ifndef TSR_CLI_KEY_TEXT_H
#define TSR_CLI_KEY_TEXT_H

#include "base/text.h"

#include <jansson.h>

/* A value as a config writes it; nothing for null. */
void tsr_key_text_value(const json_t *value, tsr_text *out);

/* "(integer, 1 to 9, in bits; default 3)". */
void tsr_key_text_nature(const json_t *key, tsr_text *out);

/* Something of the right type where there is no default: the least value, the first choice, "...". */
void tsr_key_text_example(const json_t *key, tsr_text *out);

#endif
