/* A config file as the user wrote it: libconfig's tree, with the command line's settings put into it. */
#ifndef TSR_EXPERIMENT_CONFIG_H
#define TSR_EXPERIMENT_CONFIG_H

#include <libconfig.h>
#include <tessera/status.h>

typedef struct tsr_config {
    config_t tree;
    char *path;   /* as given; what messages show */
    char *folder; /* absolute; what relative paths in the file start from */
    char *text;   /* as it was read, once; NULL: there was no file */
    size_t n_origins;
    char **origins; /* the texts that settings made by tsr_config_set show as their place */
} tsr_config;

/* Reads `path` and then sets each of the n texts "KEY=VALUE". A value is what may stand behind "=" in a
   config; a bare word is a string. */
TSR_MUST_CHECK tsr_status *tsr_config_read(const char *path, size_t n, const char *const *overrides,
                                           tsr_config *out);
/* The same text again, which is not read anew: the file may be another by now, or was a pipe. */
TSR_MUST_CHECK tsr_status *tsr_config_again(const tsr_config *first, size_t n, const char *const *overrides,
                                            tsr_config *out);
/* The same without a file: what the texts set and nothing else. Relative paths start from the working folder.
 */
TSR_MUST_CHECK tsr_status *tsr_config_make(size_t n, const char *const *overrides, tsr_config *out);
void tsr_config_clear(tsr_config *config);

/* Puts a copy of `value` at a dotted key ("model.width", "probes.0.k"), in place of what is there; groups on
   the way are made where they are missing. `origin` is shown in messages about it. */
TSR_MUST_CHECK tsr_status *tsr_config_set(tsr_config *config, const char *key, const config_setting_t *value,
                                          const char *origin);

#endif
