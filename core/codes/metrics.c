/* What one probing gave. A name is looked for among all that came before, which are few. */
#include "codes/metrics.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/announced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tsr_metrics {
    char *label, *prefix; /* prefix NULL: none */
    size_t n, capacity;
    tsr_metric_value *values; /* each name is its own allocation */
    size_t n_curves;
    tsr_given_curve *curves;
};

tsr_status *tsr_metrics_new(const char *label, tsr_metrics **out)
{
    *out = calloc(1, sizeof(**out));
    if (*out)
        (*out)->label = strdup(label);
    if (*out && (*out)->label)
        return NULL;
    free(*out);
    *out = NULL;
    return tsr_no_memory("metrics");
}

void tsr_metrics_free(tsr_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->n; i++) {
        free((char *)(uintptr_t)metrics->values[i].name);
        free((char *)(uintptr_t)metrics->values[i].reason);
    }
    for (size_t i = 0; i < metrics->n_curves; i++)
        free(metrics->curves[i].name);
    free(metrics->curves);
    free(metrics->values);
    free(metrics->label);
    free(metrics->prefix);
    free(metrics);
}

tsr_status *tsr_metrics_add_prefix(tsr_metrics *metrics, const char *prefix)
{
    char *longer = tsr_format("%s%s", metrics->prefix ? metrics->prefix : "", prefix);
    if (!longer)
        return tsr_no_memory("metrics");
    free(metrics->prefix);
    metrics->prefix = longer;
    return NULL;
}

size_t tsr_metrics_prefix_length(const tsr_metrics *metrics)
{
    return metrics->prefix ? strlen(metrics->prefix) : 0;
}

void tsr_metrics_cut_prefix(tsr_metrics *metrics, size_t length)
{
    if (metrics->prefix)
        metrics->prefix[length] = '\0';
}

const char *tsr_metrics_prefix(const tsr_metrics *metrics)
{
    return metrics->prefix ? metrics->prefix : "";
}

tsr_status *tsr_metrics_add_curve(tsr_metrics *metrics, tsr_given_curve curve)
{
    tsr_status *status = NULL;
    for (size_t i = 0; i < metrics->n_curves && !status; i++)
        if (strcmp(metrics->curves[i].name, curve.name) == 0)
            status =
                tsr_fail(TSR_FAILED, "probe %s: the curve '%s' was given twice", metrics->label, curve.name);
    tsr_given_curve *grown =
        status ? NULL : reallocarray(metrics->curves, metrics->n_curves + 1, sizeof(*grown));
    if (!grown) {
        free(curve.name);
        return status ? status : tsr_no_memory("curves");
    }
    metrics->curves = grown;
    grown[metrics->n_curves++] = curve;
    return NULL;
}

size_t tsr_metrics_count_curves(const tsr_metrics *metrics)
{
    return metrics->n_curves;
}

const tsr_given_curve *tsr_metrics_curve(const tsr_metrics *metrics, size_t i)
{
    return &metrics->curves[i];
}

const char *tsr_metrics_label(const tsr_metrics *metrics)
{
    return metrics->label;
}

size_t tsr_metrics_count(const tsr_metrics *metrics)
{
    return metrics->n;
}

tsr_metric_value tsr_metrics_get(const tsr_metrics *metrics, size_t i)
{
    return metrics->values[i];
}

bool tsr_metrics_find(const tsr_metrics *metrics, const char *name, double *value)
{
    for (size_t i = 0; i < metrics->n; i++) {
        if (strcmp(metrics->values[i].name, name) == 0) {
            *value = metrics->values[i].value;
            return true;
        }
    }
    return false;
}

/* Takes over `name`, and `reason`, which may be NULL. */
static tsr_status *add(tsr_metrics *metrics, char *name, double value, char *reason)
{
    if (metrics->n == metrics->capacity) {
        size_t capacity = metrics->capacity ? 2 * metrics->capacity : 16;
        tsr_metric_value *grown = realloc(metrics->values, capacity * sizeof(*grown));
        if (!grown) {
            free(name);
            free(reason);
            return tsr_no_memory("metrics");
        }
        metrics->values = grown;
        metrics->capacity = capacity;
    }
    metrics->values[metrics->n++] = (tsr_metric_value){ name, value, reason };
    return NULL;
}

/* Copies `reason`, which may be NULL. */
static tsr_status *give(const tsr_probing *probing, const char *name, double value, const char *reason)
{
    tsr_metrics *metrics = probing->metrics;
    double before;
    if (!tsr_metric_name_valid(name))
        return tsr_fail(TSR_FAILED,
                        "probe %s: the metric name '%s' is not made of lower case, digits, _ and single dots",
                        metrics->label, name);
    char *full = tsr_format("%s%s", metrics->prefix ? metrics->prefix : "", name);
    if (!full)
        return tsr_no_memory("metrics");
    if (tsr_metrics_find(metrics, full, &before)) {
        free(full);
        return tsr_fail(TSR_FAILED, "probe %s: the metric '%s' was given twice", metrics->label, name);
    }
    char *copy = reason ? strdup(reason) : NULL;
    if (!reason || copy)
        return add(metrics, full, value, copy);
    free(full);
    return tsr_no_memory("metrics");
}

tsr_status *tsr_metric(const tsr_probing *probing, const char *name, double value)
{
    return give(probing, name, value, NULL);
}

tsr_status *tsr_metric_undefined(const tsr_probing *probing, const char *name, const char *reason)
{
    return give(probing, name, NAN, reason);
}

/* Composes the name. */
TSR_PRINTF(4, 0)
static tsr_status *give_v(const tsr_probing *probing, const char *reason, double value, const char *format,
                          va_list args)
{
    char *name = NULL;
    if (vasprintf(&name, format, args) < 0)
        return tsr_no_memory("metrics");
    tsr_status *status = give(probing, name, value, reason);
    free(name);
    return status;
}

tsr_status *tsr_metric_f(const tsr_probing *probing, double value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = give_v(probing, NULL, value, format, args);
    va_end(args);
    return status;
}

tsr_status *tsr_metric_unless(const tsr_probing *probing, const char *reason, double value,
                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = give_v(probing, reason, reason ? NAN : value, format, args);
    va_end(args);
    return status;
}

/* Of a probe that another one runs, the prefix tells the files apart. NULL without memory. */
static char *path_of(const tsr_probing *probing, const char *name, const char *ending)
{
    const tsr_metrics *metrics = probing->metrics;
    const char *prefix = metrics->prefix ? metrics->prefix : "", *dot = strrchr(prefix, '.');
    return tsr_format("%s/%s_%.*s%s%s", probing->folder, metrics->label, dot ? (int)(dot + 1 - prefix) : 0,
                      prefix, name, ending);
}

static tsr_status *check_name(const tsr_probing *probing, const char *name)
{
    if (tsr_metric_name_valid(name))
        return NULL;
    return tsr_fail(TSR_FAILED,
                    "probe %s: the file name '%s' is not made of lower case, digits, _ and single dots",
                    probing->metrics->label, name);
}

tsr_status *tsr_save_array(const tsr_probing *probing, const char *name, tsr_element element, size_t n_dims,
                           const size_t *dims, const void *values)
{
    TSR_TRY(check_name(probing, name));
    char *path = path_of(probing, name, ".npy");
    tsr_status *status = path ? tsr_npy_write(path, element, n_dims, dims, values) : tsr_no_memory("a path");
    free(path);
    return status;
}

tsr_status *tsr_save_labels(const tsr_probing *probing, const char *name, size_t n, const int32_t *values)
{
    return tsr_save_array(probing, name, TSR_ELEMENT_INT32, 1, &n, values);
}

tsr_status *tsr_save_file(const tsr_probing *probing, const char *name, size_t n, const void *bytes)
{
    TSR_TRY(check_name(probing, name));
    char *path = path_of(probing, name, "");
    tsr_status *status = path ? tsr_write_file(path, bytes, n) : tsr_no_memory("a path");
    free(path);
    return status;
}
