/* The sweep of a config. */
#include "experiment/sweep.h"

#include "base/memory.h"
#include "experiment/schema.h"

#include <stdlib.h>
#include <string.h>

static const char *const unswept[] = { "name",  "replicates", "plugin_path", "allow_unsafe_plugins",
                                       "sweep", "executor",   "output",      "report",
                                       NULL };

static tsr_status *check_entry(const tsr_value *entry)
{
    if (entry->type != TSR_VALUE_GROUP)
        return tsr_value_fail(entry, "sweep: expected { key = \"model.width\"; values = [ ... ]; }");
    for (size_t i = 0; i < entry->n; i++) {
        const char *name = entry->items[i]->key;
        if (strcmp(name, "key") != 0 && strcmp(name, "values") != 0)
            return tsr_value_fail(entry->items[i], "unknown key '%s' in sweep, expected 'key' and 'values'",
                                  name);
    }
    return NULL;
}

static tsr_status *read_axis(const tsr_value *entry, tsr_sweep_axis *out)
{
    TSR_TRY(check_entry(entry));
    const tsr_value *key = tsr_value_member(entry, "key");
    out->values = tsr_value_member(entry, "values");
    out->key = tsr_value_text(key);
    if (!out->key)
        return tsr_value_fail(key ? key : entry, "sweep: expected key = \"...\", such as \"model.width\"");
    if (!tsr_value_is(out->values, TSR_VALUE_LIST) || out->values->n == 0)
        return tsr_value_fail(out->values ? out->values : entry,
                              "sweep: expected values = [ ... ] or ( ... ) with at least one value");
    size_t first = strcspn(out->key, ".");
    for (const char *const *word = unswept; *word; word++)
        if (strlen(*word) == first && strncmp(out->key, *word, first) == 0)
            return tsr_value_fail(key, "sweep: '%s' does not change what a run does, expected another key",
                                  out->key);
    return NULL;
}

tsr_status *tsr_sweep_read(const tsr_value *root, size_t replicates, tsr_sweep *out)
{
    const tsr_value *list;
    *out = (tsr_sweep){ .n_points = 1 };
    TSR_TRY(tsr_config_list(root, "sweep", &list));
    size_t n = tsr_value_length(list);
    out->axes = tsr_alloc(n, sizeof(*out->axes));
    if (!out->axes)
        return tsr_no_memory("the sweep");
    for (size_t i = 0; i < n; i++) {
        const tsr_value *entry = list->items[i];
        TSR_TRY(read_axis(entry, &out->axes[i]));
        out->n_axes = i + 1;
        for (size_t j = 0; j < i; j++)
            if (strcmp(out->axes[i].key, out->axes[j].key) == 0)
                return tsr_value_fail(entry, "sweep: '%s' is swept twice, expected once", out->axes[i].key);
        size_t runs;
        if (!tsr_checked_multiply(out->n_points, out->axes[i].values->n, &out->n_points) ||
            !tsr_checked_multiply(out->n_points, replicates, &runs))
            return tsr_value_fail(list, "too many runs: expected at most %d", TSR_MAX_RUNS);
        if (runs > TSR_MAX_RUNS)
            return tsr_value_fail(list, "too many runs: %zu, expected at most %d", runs, TSR_MAX_RUNS);
    }
    return NULL;
}

void tsr_sweep_clear(tsr_sweep *sweep)
{
    free(sweep->axes);
    *sweep = (tsr_sweep){ 0 };
}

/* Which of an axis' values a point of the product has. */
static size_t value_number(const tsr_sweep *sweep, size_t point, size_t axis)
{
    for (size_t j = axis + 1; j < sweep->n_axes; j++)
        point /= sweep->axes[j].values->n;
    return point % sweep->axes[axis].values->n;
}

static const tsr_value *value_of(const tsr_sweep *sweep, size_t point, size_t axis)
{
    return sweep->axes[axis].values->items[value_number(sweep, point, axis)];
}

/* Messages about the value then name where it stands: "FILE:LINE (sweep of KEY)". */
static tsr_status *set_value(tsr_value *root, const char *key, const tsr_value *value)
{
    tsr_value *copy = tsr_value_copy(value);
    tsr_origin *origin = copy ? tsr_origin_of_sweep(tsr_value_origin(value), key) : NULL;
    if (!origin) {
        tsr_value_free(copy);
        return tsr_no_memory("the sweep");
    }
    tsr_value_give_origin(copy, origin);
    tsr_origin_release(origin);
    return tsr_value_set(root, key, copy);
}

tsr_status *tsr_sweep_point(const tsr_sweep *sweep, const tsr_value *root, size_t point, tsr_value **out)
{
    tsr_value *copy = tsr_value_copy(root);
    tsr_status *status = copy ? NULL : tsr_no_memory("the sweep");
    for (size_t i = 0; i < sweep->n_axes && !status; i++)
        status = set_value(copy, sweep->axes[i].key, value_of(sweep, point, i));
    if (status)
        tsr_value_free(copy);
    else
        *out = copy;
    return status;
}

tsr_status *tsr_sweep_values(const tsr_sweep *sweep, const tsr_value *resolved, size_t point, tsr_value **out)
{
    tsr_value *swept = tsr_value_group();
    tsr_status *status = swept ? NULL : tsr_no_memory("the sweep");
    for (size_t i = 0; i < sweep->n_axes && !status; i++) {
        const tsr_value *written = value_of(sweep, point, i),
                        *value = tsr_value_is_number(written) ? tsr_value_at(resolved, sweep->axes[i].key)
                                                              : written;
        status = tsr_value_put(swept, sweep->axes[i].key, value ? tsr_value_copy(value) : tsr_value_null());
    }
    if (status)
        tsr_value_free(swept);
    else
        *out = swept;
    return status;
}

static tsr_status *add_axis(const tsr_sweep_axis *axis, tsr_value *list)
{
    tsr_value *entry = tsr_value_group();
    TSR_TRY(tsr_value_append(list, entry));
    TSR_TRY(tsr_value_put(entry, "key", tsr_value_string(axis->key)));
    return tsr_value_put(entry, "values", tsr_value_copy(axis->values));
}

tsr_status *tsr_sweep_resolved(const tsr_sweep *sweep, tsr_value **out)
{
    tsr_value *list = tsr_value_list();
    tsr_status *status = list ? NULL : tsr_no_memory("the sweep");
    for (size_t i = 0; i < sweep->n_axes && !status; i++)
        status = add_axis(&sweep->axes[i], list);
    if (status)
        tsr_value_free(list);
    else
        *out = list;
    return status;
}

/* Replaces the texts in `written` that `resolved` has as absolute paths: two texts of one key differ in
   nothing else. */
static tsr_status *take_paths(tsr_value *written, const tsr_value *resolved)
{
    if (tsr_value_is(resolved, TSR_VALUE_GROUP) && written->type == TSR_VALUE_STRING) /* a plugin's name */
        resolved = tsr_value_member(resolved, "plugin");
    if (!resolved || (written->type != TSR_VALUE_STRING && written->type != resolved->type))
        return NULL;
    if (written->type == TSR_VALUE_STRING && resolved->type == TSR_VALUE_STRING)
        return tsr_value_set_text(written, resolved->string);
    if (written->type == TSR_VALUE_LIST && written->n != resolved->n)
        return NULL;
    for (size_t i = 0; i < tsr_value_length(written); i++) {
        tsr_value *item = written->items[i];
        TSR_TRY(take_paths(item, item->key ? tsr_value_member(resolved, item->key) : resolved->items[i]));
    }
    return NULL;
}

tsr_status *tsr_sweep_resolve_paths(const tsr_sweep *sweep, const tsr_value *resolved, size_t point,
                                    tsr_value *list)
{
    for (size_t i = 0; i < sweep->n_axes; i++) {
        const tsr_value *values = tsr_value_member(list->items[i], "values");
        TSR_TRY(take_paths(values->items[value_number(sweep, point, i)],
                           tsr_value_at(resolved, sweep->axes[i].key)));
    }
    return NULL;
}
