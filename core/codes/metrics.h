/* What one probing gave: named numbers in the order they were given. */
#ifndef TSR_CODES_METRICS_H
#define TSR_CODES_METRICS_H

#include <tessera/probe.h>

typedef struct tsr_metric_value {
    const char *name;   /* with the prefix, without the label */
    double value;       /* NaN: undefined */
    const char *reason; /* why, or NULL: it was not said */
} tsr_metric_value;

/* `label` is what the probe is called in the results; copied. */
TSR_MUST_CHECK tsr_status *tsr_metrics_new(const char *label, tsr_metrics **out);
/* The names of the metrics given from here on begin with this behind what they began with before; copied. */
TSR_MUST_CHECK tsr_status *tsr_metrics_add_prefix(tsr_metrics *metrics, const char *prefix);
/* How long the prefix is, and cutting it to a length that it had. */
size_t tsr_metrics_prefix_length(const tsr_metrics *metrics);
void tsr_metrics_cut_prefix(tsr_metrics *metrics, size_t length);
void tsr_metrics_free(tsr_metrics *metrics);

const char *tsr_metrics_label(const tsr_metrics *metrics);
size_t tsr_metrics_count(const tsr_metrics *metrics);
tsr_metric_value tsr_metrics_get(const tsr_metrics *metrics, size_t i);
/* Whether there is one of this name; its value in *value. */
bool tsr_metrics_find(const tsr_metrics *metrics, const char *name, double *value);

#endif
