/* Comparing what two records of one run tell. */
#include "experiment/record_compare.h"

#include "config/json.h"
#include "experiment/record.h"

#include <stdlib.h>
#include <string.h>

static char *number_text(const json_t *value)
{
    return value ? tsr_json_dump(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) : strdup("missing");
}

static void tell(const json_t *then, const json_t *now, const char *what, size_t epoch, tsr_text *out)
{
    char *before = number_text(then), *after = number_text(now);
    tsr_text_add(out, "%s after epoch %zu was %s and is %s", what, epoch, before ? before : "?",
                 after ? after : "?");
    free(before);
    free(after);
}

/* Whether a probe that was added to the finished run has given the metric. */
static bool is_added(const json_t *record, const char *metric)
{
    const char *label;
    json_t *ignored, *added = json_object_get(record, TSR_ADDED_PROBES);
    json_object_foreach(added, label, ignored)
    {
        size_t length = strlen(label);
        if (strncmp(metric, label, length) == 0 && metric[length] == '.')
            return true;
    }
    return false;
}

/* The first metric of a snapshot of each that differs; false where none does. */
static bool metrics_differ(const json_t *before, const json_t *after, size_t number, size_t epoch,
                           tsr_text *out)
{
    const json_t *records[2] = { before, after };
    json_t *metrics[2];
    for (size_t i = 0; i < 2; i++)
        metrics[i] =
            json_object_get(json_array_get(json_object_get(records[i], "snapshots"), number), "metrics");
    for (size_t i = 0; i < 2; i++) {
        const char *name;
        json_t *value;
        json_object_foreach(metrics[i], name, value)
        {
            json_t *other = json_object_get(metrics[1 - i], name);
            if (other ? json_equal(value, other) : is_added(records[i], name))
                continue;
            tell(i ? other : value, i ? value : other, name, epoch, out);
            return true;
        }
    }
    return false;
}

static bool snapshots_differ(const json_t *before, const json_t *after, tsr_text *out)
{
    const json_t *first = json_object_get(before, "snapshots"), *second = json_object_get(after, "snapshots");
    if (json_array_size(first) != json_array_size(second)) {
        tsr_text_add(out, "it had %zu snapshots and has %zu", json_array_size(first),
                     json_array_size(second));
        return true;
    }
    for (size_t i = 0; i < json_array_size(first); i++) {
        json_int_t epoch = json_integer_value(json_object_get(json_array_get(first, i), "epoch"));
        if (epoch != json_integer_value(json_object_get(json_array_get(second, i), "epoch"))) {
            tsr_text_add(out, "its snapshots are of other epochs");
            return true;
        }
        if (metrics_differ(before, after, i, (size_t)epoch, out))
            return true;
    }
    return false;
}

/* The curve of the training, but for the time that it took. */
static bool training_differs(const json_t *before, const json_t *after, tsr_text *out)
{
    static const char *const names[] = { "loss", "accuracy", NULL };
    const json_t *first = json_object_get(before, "epochs"), *second = json_object_get(after, "epochs");
    if (json_array_size(first) != json_array_size(second)) {
        tsr_text_add(out, "it trained for %zu epochs and trains for %zu", json_array_size(first),
                     json_array_size(second));
        return true;
    }
    for (size_t i = 0; i < json_array_size(first); i++)
        for (const char *const *name = names; *name; name++) {
            const json_t *then = json_object_get(json_array_get(first, i), *name),
                         *now = json_object_get(json_array_get(second, i), *name);
            if (then == now || json_equal(then, now))
                continue;
            char *what = tsr_format("the training's %s", *name);
            tell(then, now, what ? what : *name, i + 1, out);
            free(what);
            return true;
        }
    return false;
}

bool tsr_records_differ(const json_t *before, const json_t *after, tsr_text *out)
{
    return training_differs(before, after, out) || snapshots_differ(before, after, out);
}
