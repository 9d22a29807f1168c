/* What one probing gave: named numbers in the order they were given. */
#ifndef TSR_CODES_METRICS_H
#define TSR_CODES_METRICS_H

#include <tessera/host.h>

/* `label` is what the probe is called in the results; copied. */
TSR_MUST_CHECK tsr_status *tsr_metrics_new(const char *label, tsr_metrics **out);
/* The names of the metrics given from here on begin with this behind what they began with before; copied. */
TSR_MUST_CHECK tsr_status *tsr_metrics_add_prefix(tsr_metrics *metrics, const char *prefix);
/* How long the prefix is, and cutting it to a length that it had. */
size_t tsr_metrics_prefix_length(const tsr_metrics *metrics);
void tsr_metrics_cut_prefix(tsr_metrics *metrics, size_t length);

/* Whether there is one of this name; its value in *value. */
bool tsr_metrics_find(const tsr_metrics *metrics, const char *name, double *value);

/* What a curve that was given is, for who checks it against what was announced. */
typedef struct tsr_given_curve {
    char *name;
    tsr_curve_shape shape;
    double x_low, x_high, y_low, y_high;
    uint64_t digest; /* of all its numbers */
} tsr_given_curve;

/* What the names given from here on begin with; "": nothing. */
const char *tsr_metrics_prefix(const tsr_metrics *metrics);
/* Takes over the curve's name; fails where it was given before, and without memory. */
TSR_MUST_CHECK tsr_status *tsr_metrics_add_curve(tsr_metrics *metrics, tsr_given_curve curve);
size_t tsr_metrics_count_curves(const tsr_metrics *metrics);
const tsr_given_curve *tsr_metrics_curve(const tsr_metrics *metrics, size_t i);

#endif
