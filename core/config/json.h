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

#endif
