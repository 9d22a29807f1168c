/* Probing codes that another program has left in .npy files. */
#ifndef TSR_HOST_FOREIGN_H
#define TSR_HOST_FOREIGN_H

#include "codes/metrics.h"
#include "config/value.h"
#include "plugin/registry.h"

/* The files, and how their arrays hold codes. */
typedef struct tsr_foreign_files {
    const char *codes[2], *labels[2]; /* training and test; no labels: NULL, both */
    size_t bits;                      /* of packed rows; 0: not said */
    bool highest_first;               /* in packed bytes */
    bool has_threshold;
    double threshold;
} tsr_foreign_files;

/* Codes with their labels, and the probes that are to measure them. */
typedef struct tsr_foreign {
    tsr_codes *codes[2]; /* without constant columns */
    int32_t *labels[2];
    tsr_registry *registry;
    tsr_instance **probes;
    size_t n_probes;
    uint64_t seed;
    tsr_value *resolved; /* the settings with all defaults */
    /* What they gave: by probe, NULL where one has failed. */
    tsr_metrics **metrics;
    size_t n_failed;
} tsr_foreign;

/* Reads the settings: `probes`, a list as in an experiment's config, `seed`, `plugin_path` and
   `allow_unsafe_plugins`; then the files. Refuses what the probes could not measure. Clear it also after a
   failure. */
TSR_MUST_CHECK tsr_status *tsr_foreign_read(const tsr_foreign_files *files, const tsr_value *settings,
                                            tsr_foreign *out);
void tsr_foreign_clear(tsr_foreign *foreign);

/* Has every probe measure; one that fails is said, as an error, and counted. Files of theirs and results.csv
   go to `folder` (absolute; `shown` in messages), which must be new, empty or Tessera's own and is given a
   config.cfg that says what was measured; NULL: nothing is kept. */
TSR_MUST_CHECK tsr_status *tsr_foreign_measure(tsr_foreign *foreign, const char *folder, const char *shown);

#endif
