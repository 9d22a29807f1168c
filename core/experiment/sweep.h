/* The sweep of a config: keys, each with the values that it takes in turn. A point of the sweep is the config
   with one value of every key put in, so that a swept value is read exactly as a written one, a plugin's name
   included. */
#ifndef TSR_EXPERIMENT_SWEEP_H
#define TSR_EXPERIMENT_SWEEP_H

#include "config/value.h"

/* One key of the sweep; both are parts of the config. */
typedef struct tsr_sweep_axis {
    const char *key;         /* dotted */
    const tsr_value *values; /* a list of at least one */
} tsr_sweep_axis;

typedef struct tsr_sweep {
    size_t n_axes, n_points; /* points: of the product, at least one */
    tsr_sweep_axis *axes;
} tsr_sweep;

/* Reads and checks the sweep of a config, which must live as long as `out`; clear it also after a failure.
   Points times replicates are refused beyond TSR_MAX_RUNS. */
TSR_MUST_CHECK tsr_status *tsr_sweep_read(const tsr_value *root, size_t replicates, tsr_sweep *out);
void tsr_sweep_clear(tsr_sweep *sweep);

/* A copy of the config with the values of one point put in; the last key changes fastest. */
TSR_MUST_CHECK tsr_status *tsr_sweep_point(const tsr_sweep *sweep, const tsr_value *root, size_t point,
                                           tsr_value **out);

/* What tells a point from others, as a group of the dotted keys: numbers as `resolved`, the config of one of
   its runs, has them, the rest as written, without the defaults that all points share. */
TSR_MUST_CHECK tsr_status *tsr_sweep_values(const tsr_sweep *sweep, const tsr_value *resolved, size_t point,
                                            tsr_value **out);

/* The sweep as the resolved config has it: a list of { key, values }, the values as written. */
TSR_MUST_CHECK tsr_status *tsr_sweep_resolved(const tsr_sweep *sweep, tsr_value **out);

/* Makes the paths in the point's values of such a list absolute, as `resolved` has them: it then means the
   same wherever it is read. */
TSR_MUST_CHECK tsr_status *tsr_sweep_resolve_paths(const tsr_sweep *sweep, const tsr_value *resolved,
                                                   size_t point, tsr_value *list);

#endif
