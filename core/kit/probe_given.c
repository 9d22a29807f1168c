/* What a probe gives against what it announces. */
#include "kit/probe_given.h"

#include "codes/metrics.h"
#include "kit/kit.h"
#include "plugin/announced.h"

#include <string.h>

uint64_t tsr_kit_digest_of_given(const tsr_metrics *metrics)
{
    uint64_t digest = 0;
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value metric = tsr_metrics_get(metrics, i);
        tsr_kit_stir(&digest, metric.name, strlen(metric.name) + 1);
        tsr_kit_stir(&digest, &metric.value, sizeof(metric.value));
    }
    for (size_t i = 0; i < tsr_metrics_count_curves(metrics); i++) {
        const tsr_given_curve *curve = tsr_metrics_curve(metrics, i);
        tsr_kit_stir(&digest, curve->name, strlen(curve->name) + 1);
        tsr_kit_stir(&digest, &curve->digest, sizeof(curve->digest));
    }
    return digest;
}

tsr_status *tsr_kit_check_metrics(const tsr_probe_ops *ops, const tsr_metrics *metrics)
{
    size_t known = 0;
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value given = tsr_metrics_get(metrics, i);
        const tsr_metric_info *metric = tsr_announced_find(ops->metrics, given.name);
        known += metric != NULL;
        if (metric && !tsr_announced_allows(metric, given.value))
            return tsr_fail(TSR_FAILED, "the metric '%s' is %g, and announced to be %g to %g", given.name,
                            given.value, metric->minimum, metric->maximum);
    }
    if (known)
        return NULL;
    return tsr_fail(TSR_FAILED, "none of the metrics that it announces is among those that it gives; are the "
                                "names spelt alike?");
}

/* Along one axis. */
static tsr_status *check_range(const tsr_given_curve *given, char axis, double low, double high,
                               double minimum, double maximum)
{
    if (tsr_announced_range_allows(minimum, maximum, low, high))
        return NULL;
    return tsr_fail(TSR_FAILED, "the curve '%s' has %c from %g to %g, and announced are %g to %g",
                    given->name, axis, low, high, minimum, maximum);
}

static tsr_status *check_curve(const tsr_curve_info *curve, const tsr_given_curve *given)
{
    static const char *const functions[] = {
        [TSR_CURVE_LINE] = "tsr_save_curve", [TSR_CURVE_HISTOGRAM] = "tsr_save_histogram"
    };
    if (given->shape != curve->shape)
        return tsr_fail(TSR_FAILED, "the curve '%s' is given by %s, and announced as one that %s gives",
                        given->name, functions[given->shape], functions[curve->shape]);
    TSR_TRY(check_range(given, 'x', given->x_low, given->x_high, curve->x_minimum, curve->x_maximum));
    TSR_TRY(check_range(given, 'y', given->y_low, given->y_high, curve->y_minimum, curve->y_maximum));
    bool zero = given->x_low >= 0 && curve->shape == TSR_CURVE_HISTOGRAM;
    if (curve->x_logarithmic && !(given->x_low > 0 || zero))
        return tsr_fail(TSR_FAILED, "the curve '%s' begins at %g, where a logarithmic x cannot", given->name,
                        given->x_low);
    return NULL;
}

tsr_status *tsr_kit_check_curves(const tsr_probe_ops *ops, const tsr_metrics *metrics)
{
    size_t known = 0;
    for (size_t i = 0; i < tsr_metrics_count_curves(metrics); i++) {
        const tsr_given_curve *given = tsr_metrics_curve(metrics, i);
        const tsr_curve_info *curve = tsr_announced_find_curve(ops->curves, given->name);
        known += curve != NULL;
        if (curve)
            TSR_TRY(check_curve(curve, given));
    }
    if (known)
        return NULL;
    if (!ops->curves)
        return tsr_fail(TSR_FAILED,
                        "it gives the curve '%s' and announces none: the report would not draw it; "
                        "give the operations TSR_CURVES(list)",
                        tsr_metrics_curve(metrics, 0)->name);
    return tsr_fail(TSR_FAILED, "none of the curves that it announces is among those that it gives; are the "
                                "names spelt alike?");
}
