/* Text of a config to values. libconfig is included nowhere else. */
#ifndef TSR_CONFIG_PARSE_H
#define TSR_CONFIG_PARSE_H

#include "config/value.h"

/* The settings of a text that has been checked (config/source.h), as a group in *out. `name` is the file's
   name in messages and origins; included files are looked for in `folder`, which is absolute, as relative
   paths are. */
TSR_MUST_CHECK tsr_status *tsr_parse_config(const char *text, const char *name, const char *folder,
                                            tsr_value **out);

/* The value of a text that may stand behind "="; each value has `origin`. Where libconfig cannot read it,
 *out is NULL and `error` says why: the text may be a word without quotes. Several settings are a failure.
 */
#define TSR_PARSE_ERROR 128 /* bytes */
TSR_MUST_CHECK tsr_status *tsr_parse_value(const char *text, tsr_origin *origin, tsr_value **out,
                                           char error[TSR_PARSE_ERROR]);

#endif
