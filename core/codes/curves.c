/* The curves that a probing gives: checked, and written as arrays beside what else the probe keeps. */
#include "base/memory.h"
#include "base/text.h"
#include "codes/metrics.h"
#include "plugin/announced.h"

#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

/* Fails unless n values are finite, and with `ascends` each larger than the one before. */
static tsr_status *check_values(const char *label, const char *name, const char *what, size_t n,
                                const double *values, bool ascends)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return tsr_fail(TSR_FAILED,
                            "probe %s: the curve '%s': %s number %zu is %g, expected a finite one", label,
                            name, what, i, values[i]);
        if (ascends && i && !(values[i] > values[i - 1]))
            return tsr_fail(
                TSR_FAILED,
                "probe %s: the curve '%s': %s number %zu is %g, after %g; expected them to ascend", label,
                name, what, i, values[i], values[i - 1]);
    }
    return NULL;
}

static tsr_status *check_head(const tsr_probing *probing, const char *name, const char *what, size_t least,
                              size_t n)
{
    const char *label = tsr_metrics_label(probing->metrics);
    if (!tsr_metric_name_valid(name))
        return tsr_fail(
            TSR_FAILED,
            "probe %s: the curve's name '%s' is not made of lower case, digits, _ and single dots", label,
            name);
    if (n < least || n > TSR_MOST_CURVE_POINTS)
        return tsr_fail(TSR_FAILED, "probe %s: the curve '%s' has %zu %s, expected %zu to %d", label, name, n,
                        what, least, TSR_MOST_CURVE_POINTS);
    return NULL;
}

/* Notes the curve, and writes its rows where there is a folder. */
static tsr_status *keep(const tsr_probing *probing, const char *name, tsr_given_curve curve, size_t n,
                        size_t columns, const double *rows)
{
    const tsr_metrics *metrics = probing->metrics;
    curve.digest = XXH3_64bits(rows, n * columns * sizeof(*rows));
    if (!(curve.name = tsr_format("%s%s", tsr_metrics_prefix(metrics), name)))
        return tsr_no_memory("curves");
    char *path = tsr_format("%s/%s_%s.npy", probing->folder ? probing->folder : "",
                            tsr_metrics_label(metrics), curve.name);
    tsr_status *status = tsr_metrics_add_curve(probing->metrics, curve);
    if (!status && !path)
        status = tsr_no_memory("a path");
    if (!status && probing->folder)
        status = tsr_npy_write(path, TSR_ELEMENT_FLOAT64, 2, (const size_t[]){ n, columns }, rows);
    free(path);
    return status;
}

tsr_status *tsr_save_curve(const tsr_probing *probing, const char *name, size_t n, const double *x,
                           const double *y)
{
    const char *label = tsr_metrics_label(probing->metrics);
    TSR_TRY(check_head(probing, name, "points", 2, n));
    TSR_TRY(check_values(label, name, "x", n, x, true));
    TSR_TRY(check_values(label, name, "y", n, y, false));
    double *rows = tsr_alloc(2 * n, sizeof(*rows));
    if (!rows)
        return tsr_no_memory("a curve");
    tsr_given_curve curve = {
        .shape = TSR_CURVE_LINE, .x_low = x[0], .x_high = x[n - 1], .y_low = y[0], .y_high = y[0]
    };
    for (size_t i = 0; i < n; i++) {
        rows[2 * i] = x[i];
        rows[2 * i + 1] = y[i];
        curve.y_low = fmin(curve.y_low, y[i]);
        curve.y_high = fmax(curve.y_high, y[i]);
    }
    tsr_status *status = keep(probing, name, curve, n, 2, rows);
    free(rows);
    return status;
}

tsr_status *tsr_save_histogram(const tsr_probing *probing, const char *name, size_t n, const double *edges,
                               const uint64_t *counts)
{
    TSR_TRY(check_head(probing, name, "bins", 1, n));
    TSR_TRY(check_values(tsr_metrics_label(probing->metrics), name, "edge", n + 1, edges, true));
    double *rows = tsr_alloc(3 * n, sizeof(*rows));
    if (!rows)
        return tsr_no_memory("a histogram");
    tsr_given_curve curve = { .shape = TSR_CURVE_HISTOGRAM,
                              .x_low = edges[0],
                              .x_high = edges[n],
                              .y_low = (double)counts[0],
                              .y_high = (double)counts[0] };
    for (size_t i = 0; i < n; i++) {
        rows[3 * i] = edges[i];
        rows[3 * i + 1] = edges[i + 1];
        rows[3 * i + 2] = (double)counts[i];
        curve.y_low = fmin(curve.y_low, rows[3 * i + 2]);
        curve.y_high = fmax(curve.y_high, rows[3 * i + 2]);
    }
    tsr_status *status = keep(probing, name, curve, n, 3, rows);
    free(rows);
    return status;
}
