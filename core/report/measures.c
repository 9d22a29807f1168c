/* The table of results: from the records' snapshots to columns and cells. */
#include "base/memory.h"
#include "config/describe.h"
#include "experiment/record.h"
#include "report/results.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const json_t *snapshots_of(const tsr_result *run)
{
    return tsr_record_is_probed(run->record) ? json_object_get(run->record, "snapshots") : NULL;
}

static const json_t *metrics_of(const json_t *snapshots, size_t i)
{
    return json_object_get(json_array_get(snapshots, i), "metrics");
}

/* Columns. */

/* Adds each metric's name to `columns` with the number of its column. */
static bool add_names(const json_t *metrics, json_t *columns)
{
    const char *name;
    json_t *ignored, *members = json_incref((json_t *)(uintptr_t)metrics); /* the macro wants it mutable */
    bool whole = true;
    json_object_foreach(members, name, ignored)
    {
        if (!json_object_get(columns, name))
            whole = whole && json_object_set_new(columns, name,
                                                 json_integer((json_int_t)json_object_size(columns))) == 0;
    }
    json_decref(members);
    return whole;
}

/* The names of all metrics in order of first appearance, as keys of an object; NULL without memory. */
static json_t *name_columns(const tsr_results *results)
{
    json_t *columns = json_object();
    bool whole = columns != NULL;
    for (size_t i = 0; i < results->n_runs && whole; i++) {
        const json_t *snapshots = snapshots_of(&results->runs[i]);
        for (size_t j = 0; j < json_array_size(snapshots) && whole; j++)
            whole = add_names(metrics_of(snapshots, j), columns);
    }
    if (whole)
        return columns;
    json_decref(columns);
    return NULL;
}

/* One of many of its kind, such as those by layer: announced with others at most, and with a second dot. */
static bool is_detail(const tsr_measure *measure, bool announced_alone)
{
    const char *dot = strchr(measure->name, '.');
    return !announced_alone && dot && strchr(dot + 1, '.');
}

/* What was announced of a metric, by the first run that says. */
static void find_info(const tsr_results *results, tsr_measure *measure)
{
    bool alone = false;
    for (size_t i = 0; !measure->info.doc && i < results->n_runs; i++) {
        const json_t *metrics = json_object_get(results->runs[i].record, "metrics");
        tsr_announced_read(tsr_announced_of(metrics, measure->name), &measure->info);
        alone = json_object_get(metrics, measure->name) != NULL;
    }
    measure->detail = is_detail(measure, alone);
}

static tsr_status *make_measures(tsr_results *results, json_t *columns)
{
    const char *name;
    json_t *ignored;
    results->measures = tsr_alloc(json_object_size(columns), sizeof(*results->measures));
    if (!results->measures)
        return tsr_no_memory("the results");
    json_object_foreach(columns, name, ignored)
    {
        tsr_measure *measure = &results->measures[results->n_measures];
        if (!(measure->name = strdup(name)))
            return tsr_no_memory("the results");
        results->n_measures++;
        measure->counts = true; /* until a value says otherwise */
        find_info(results, measure);
    }
    return NULL;
}

/* Rows. */

static void fill_row(const tsr_results *results, const json_t *metrics, double *row)
{
    for (size_t m = 0; m < results->n_measures; m++) {
        const json_t *value = json_object_get(metrics, results->measures[m].name);
        if (json_is_real(value))
            results->measures[m].counts = false;
        row[m] = json_is_number(value) ? json_number_value(value) : NAN;
    }
}

static tsr_status *fill_run(const tsr_results *results, tsr_result *run)
{
    const json_t *snapshots = snapshots_of(run);
    size_t n = json_array_size(snapshots), cells;
    if (!tsr_checked_multiply(n, results->n_measures, &cells))
        return tsr_no_memory("the results");
    run->epochs = tsr_alloc(n, sizeof(*run->epochs));
    run->cells = tsr_alloc(cells, sizeof(*run->cells));
    if (!run->epochs || !run->cells)
        return tsr_no_memory("the results");
    for (size_t i = 0; i < n; i++) {
        run->epochs[i] = json_number_value(json_object_get(json_array_get(snapshots, i), "epoch"));
        fill_row(results, metrics_of(snapshots, i), run->cells + i * results->n_measures);
    }
    run->n_snapshots = n;
    return NULL;
}

tsr_status *tsr_results_tabulate(tsr_results *results)
{
    json_t *columns = name_columns(results);
    tsr_status *status = columns ? make_measures(results, columns) : tsr_no_memory("the results");
    for (size_t i = 0; i < results->n_runs && !status; i++) {
        status = fill_run(results, &results->runs[i]);
        json_object_del(results->runs[i].record, "snapshots"); /* most of it, and told by the cells */
    }
    json_decref(columns);
    return status;
}
