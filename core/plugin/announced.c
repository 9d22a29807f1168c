/* The metrics that probes announce. */
#include "plugin/announced.h"

#include "base/text.h"
#include "plugin/params.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_METRICS = 1024 }; /* a list without its end is noticed here */

static const char *const roles[TSR_N_METRIC_ROLES] = { "other", "redundancy_ratio", "accuracy" };
static const char *const parts[TSR_N_METRIC_PARTS] = { "any", "train", "test" };

bool tsr_metric_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == length && name[0] != '.' &&
           name[length - 1] != '.' && !strstr(name, "..");
}

static tsr_status *check_one(const tsr_metric_info *metric, const char *where)
{
    if (!tsr_metric_name_valid(metric->name))
        return tsr_fail(TSR_REFUSED,
                        "%s: '%s' is no name for a metric: expected lower case letters, digits, _ and dots",
                        where, metric->name);
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
        if (i == MOST_METRICS)
            return tsr_fail(TSR_REFUSED,
                            "%s: announces more than %d metrics; is the NULL name at the end missing?", where,
                            MOST_METRICS);
        TSR_TRY(check_one(&metrics[i], where));
        for (size_t j = 0; j < i; j++)
            if (strcmp(metrics[i].name, metrics[j].name) == 0)
                return tsr_fail(TSR_REFUSED, "%s: announces metric '%s' twice; expected once", where,
                                metrics[i].name);
    }
    return NULL;
}

void tsr_announced_json(const tsr_metric_info *metrics, const char *prefix, json_t *object)
{
    for (; metrics && metrics->name; metrics++) {
        char *name = tsr_format("%s%s", prefix, metrics->name);
        if (name)
            json_object_set_new(object, name,
                                json_pack("{s:s, s:s, s:s}", "role", roles[metrics->role], "part",
                                          parts[metrics->part], "doc", metrics->doc));
        free(name);
    }
}

static int index_of(const json_t *word, const char *const *words, int n)
{
    for (int i = 0; json_is_string(word) && i < n; i++)
        if (strcmp(json_string_value(word), words[i]) == 0)
            return i;
    return 0;
}

void tsr_announced_read(const json_t *object, tsr_metric_info *out)
{
    out->role = (tsr_metric_role)index_of(json_object_get(object, "role"), roles, TSR_N_METRIC_ROLES);
    out->part = (tsr_metric_part)index_of(json_object_get(object, "part"), parts, TSR_N_METRIC_PARTS);
    out->doc = json_string_value(json_object_get(object, "doc"));
}
