/* The metrics that probes announce. */
#include "plugin/announced.h"

#include "base/memory.h"
#include "plugin/keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_METRICS = 1024 }; /* a list without its end is noticed here */

bool tsr_metric_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == length && name[0] != '.' &&
           name[length - 1] != '.' && !strstr(name, "..");
}

bool tsr_metric_is_announced(const char *announced, const char *name)
{
    static const char digits[] = "0123456789";
    for (; *announced; announced++) {
        size_t length = *announced == '#' ? strspn(name, digits) : *announced == *name;
        if (!length)
            return false;
        name += length;
    }
    return !*name;
}

const tsr_metric_info *tsr_announced_find(const tsr_metric_info *metrics, const char *name)
{
    for (; metrics && metrics->name; metrics++)
        if (tsr_metric_is_announced(metrics->name, name))
            return metrics;
    return NULL;
}

bool tsr_announced_range_allows(double minimum, double maximum, double low, double high)
{
    bool said = minimum < 0 || minimum > 0 || maximum < 0 || maximum > 0;
    return !said || (low >= minimum && high <= maximum);
}

bool tsr_announced_allows(const tsr_metric_info *metric, double value)
{
    return isnan(value) || tsr_announced_range_allows(metric->minimum, metric->maximum, value, value);
}

/* A name in which a number may stand for any. */
static tsr_status *announced_name_valid(const char *name, bool *valid)
{
    char *plain = strdup(name);
    if (!plain)
        return tsr_no_memory("a metric's name");
    for (char *c = plain; *c; c++)
        if (*c == '#')
            *c = '0';
    *valid = tsr_metric_name_valid(plain);
    free(plain);
    return NULL;
}

static tsr_status *check_one(const tsr_metric_info *metric, const char *where)
{
    bool valid = false;
    TSR_TRY(announced_name_valid(metric->name, &valid));
    if (!valid)
        return tsr_fail(
            TSR_REFUSED,
            "%s: '%s' is not a valid metric name: expected lower case letters, digits, _ and dots", where,
            metric->name);
    if ((unsigned)metric->role >= TSR_N_METRIC_ROLES || (unsigned)metric->part >= TSR_N_METRIC_PARTS)
        return tsr_fail(TSR_REFUSED, "%s: metric '%s': expected one of TSR_METRIC_... as its role and part",
                        where, metric->name);
    if (!tsr_line_valid(metric->doc))
        return tsr_fail(TSR_REFUSED, "%s: metric '%s': its doc is missing or not one line; give one", where,
                        metric->name);
    if (metric->unit && !tsr_line_valid(metric->unit))
        return tsr_fail(TSR_REFUSED, "%s: metric '%s': its unit is not one line; expected such as \"bits\"",
                        where, metric->name);
    if (!(metric->minimum <= metric->maximum))
        return tsr_fail(TSR_REFUSED,
                        "%s: metric '%s': values from %g to %g, expected two numbers that ascend", where,
                        metric->name, metric->minimum, metric->maximum);
    if ((unsigned)metric->better >= TSR_N_METRIC_BETTER)
        return tsr_fail(TSR_REFUSED, "%s: metric '%s': expected one of TSR_BETTER_... as what is better",
                        where, metric->name);
    return NULL;
}

tsr_status *tsr_announced_check(const tsr_metric_info *metrics, const char *where)
{
    for (size_t i = 0; metrics && metrics[i].name; i++) {
        TSR_TRY(check_one(&metrics[i], where));
        for (size_t j = 0; j < i; j++)
            if (strcmp(metrics[i].name, metrics[j].name) == 0)
                return tsr_fail(TSR_REFUSED, "%s: announces metric '%s' twice; expected once", where,
                                metrics[i].name);
    }
    return NULL;
}

static tsr_status *take_metrics(size_t size, tsr_probe_ops *ops, const char *where)
{
    static const size_t least = offsetof(tsr_metric_info, better) + sizeof(((tsr_metric_info *)0)->better);
    const char *bytes = (const char *)ops->metrics;
    tsr_metric_info one = { 0 }, *copy;
    size_t n = 0;
    ops->metrics = NULL;
    if (!bytes)
        return NULL;
    if (size < least || size > sizeof(one))
        return tsr_fail(TSR_REFUSED,
                        "%s: its tsr_metric_info takes %zu bytes, expected %zu to %zu; give it by "
                        "TSR_PROBE_PLUGIN, and rebuild it against this version's headers",
                        where, size, least, sizeof(one));
    for (memcpy(&one, bytes, size); one.name; memcpy(&one, bytes + ++n * size, size))
        if (n == MAX_METRICS)
            return tsr_fail(TSR_REFUSED,
                            "%s: announces more than %d metrics; is the NULL name at the end missing?", where,
                            MAX_METRICS);
    ops->metrics = copy = tsr_alloc(n + 1, sizeof(*copy));
    if (!copy)
        return tsr_no_memory("a plugin's metrics");
    for (size_t i = 0; i < n; i++)
        memcpy(&copy[i], bytes + i * size, size);
    return tsr_announced_check(copy, where);
}

tsr_status *tsr_announced_take(size_t size, tsr_probe_ops *ops, const char *where)
{
    const tsr_curve_info *curves = ops->curves;
    ops->curves = NULL; /* until it is a copy */
    TSR_TRY(take_metrics(size, ops, where));
    return tsr_announced_take_curves(curves, ops, where);
}
