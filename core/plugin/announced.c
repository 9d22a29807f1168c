/* The metrics that probes announce. */
#include "plugin/announced.h"

#include "plugin/keys.h"

#include <string.h>

enum { MAX_METRICS = 1024 }; /* a list without its end is noticed here */

bool tsr_metric_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == length && name[0] != '.' &&
           name[length - 1] != '.' && !strstr(name, "..");
}

static tsr_status *check_one(const tsr_metric_info *metric, const char *where)
{
    if (!tsr_metric_name_valid(metric->name))
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
    return NULL;
}

tsr_status *tsr_announced_check(const tsr_metric_info *metrics, const char *where)
{
    for (size_t i = 0; metrics && metrics[i].name; i++) {
        if (i == MAX_METRICS)
            return tsr_fail(TSR_REFUSED,
                            "%s: announces more than %d metrics; is the NULL name at the end missing?", where,
                            MAX_METRICS);
        TSR_TRY(check_one(&metrics[i], where));
        for (size_t j = 0; j < i; j++)
            if (strcmp(metrics[i].name, metrics[j].name) == 0)
                return tsr_fail(TSR_REFUSED, "%s: announces metric '%s' twice; expected once", where,
                                metrics[i].name);
    }
    return NULL;
}
