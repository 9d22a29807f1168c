/* Reading a config: a file's text, parsed by libconfig, becomes a tree of values, and settings of the command
   line are put into it. */
#ifndef TSR_CONFIG_READ_H
#define TSR_CONFIG_READ_H

#include "config/value.h"

/* Reads the config at `path`, once, from a file or a pipe, and then sets each of the n texts "KEY=VALUE" in
   it. A value is what may stand behind "=" in a config; a bare word is a string. Relative paths start from
   the file's folder, those of the texts and of a pipe's config from the working folder. *out is the caller's.
 */
TSR_MUST_CHECK tsr_status *tsr_config_read(const char *path, size_t n, const char *const *overrides,
                                           tsr_value **out);

/* The same with a tree that was made of the file at `path`, which is taken over: all of it is the file's. */
TSR_MUST_CHECK tsr_status *tsr_config_adopt(tsr_value *root, const char *path, size_t n,
                                            const char *const *overrides, tsr_value **out);

/* The same without a file: what the texts set and nothing else. */
TSR_MUST_CHECK tsr_status *tsr_config_make(size_t n, const char *const *overrides, tsr_value **out);

#endif
