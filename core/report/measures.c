/* The table of results: from the runs' rows, which each have their own form, to columns and cells. */
#include "base/memory.h"
#include "config/describe.h"
#include "report/results.h"
#include "report/rows.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Columns. */

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
    const json_t *before = NULL;
    for (size_t i = 0; !measure->info.doc && i < results->n_runs; i++) {
        const json_t *metrics = json_object_get(results->runs[i].record, "metrics");
        if (metrics == before) /* shared, and asked already */
            continue;
        tsr_announced_read(tsr_announced_of(metrics, measure->name), &measure->info);
        alone = json_object_get(metrics, measure->name) != NULL;
        before = metrics;
    }
    measure->detail = is_detail(measure, alone);
}

/* Gives the names of a form that have no column yet the next ones. */
static tsr_status *add_columns(tsr_results *results, const tsr_row_form *form, size_t *column_of)
{
    const struct tsr_rows *rows = results->rows;
    for (size_t i = 0; i < form->n; i++) {
        size_t name = form->names[i];
        if (column_of[name] != SIZE_MAX)
            continue;
        tsr_measure *measure = &results->measures[results->n_measures];
        if (!(measure->name = strdup(rows->names[name])))
            return tsr_no_memory("the results");
        measure->counts = true;
        find_info(results, measure);
        column_of[name] = results->n_measures++;
    }
    return NULL;
}

/* In order of first appearance. */
static tsr_status *make_measures(tsr_results *results, size_t *column_of)
{
    bool *seen = tsr_alloc(results->rows->n_forms, sizeof(*seen));
    tsr_status *status = seen ? NULL : tsr_no_memory("the results");
    for (size_t i = 0; i < results->n_runs && !status; i++)
        for (size_t j = 0; j < results->runs[i].n_snapshots && !status; j++) {
            size_t form = results->runs[i].forms[j];
            if (!seen[form])
                status = add_columns(results, &results->rows->forms[form], column_of);
            seen[form] = true;
        }
    free(seen);
    return status;
}

/* A value that is a real makes its column one of reals. */
static void find_reals(tsr_results *results, const size_t *column_of)
{
    for (size_t i = 0; i < results->n_runs; i++)
        for (size_t name = 0; name < results->runs[i].n_real; name++)
            if (results->runs[i].real[name] && column_of[name] != SIZE_MAX)
                results->measures[column_of[name]].counts = false;
}

/* Rows. */

static tsr_status *lay_out(const tsr_results *results, tsr_result *run, const size_t *column_of)
{
    size_t cells, used = 0;
    if (!tsr_checked_multiply(run->n_snapshots, results->n_measures, &cells))
        return tsr_no_memory("the results");
    double *table = tsr_alloc(cells, sizeof(*table));
    if (!table)
        return tsr_no_memory("the results");
    for (size_t i = 0; i < cells; i++)
        table[i] = NAN;
    for (size_t i = 0; i < run->n_snapshots; i++) {
        const tsr_row_form *form = &results->rows->forms[run->forms[i]];
        for (size_t c = 0; c < form->n; c++)
            table[i * results->n_measures + column_of[form->names[c]]] = run->cells[used + c];
        used += form->n;
    }
    free(run->cells);
    free(run->forms);
    free(run->real);
    run->cells = table;
    run->forms = NULL;
    run->real = NULL;
    run->n_real = 0;
    return NULL;
}

tsr_status *tsr_results_tabulate(tsr_results *results)
{
    size_t n = results->rows->n_names;
    size_t *column_of = tsr_alloc(n, sizeof(*column_of));
    results->measures = tsr_alloc(n, sizeof(*results->measures));
    tsr_status *status = column_of && results->measures ? NULL : tsr_no_memory("the results");
    for (size_t i = 0; i < n && !status; i++)
        column_of[i] = SIZE_MAX;
    if (!status)
        status = make_measures(results, column_of);
    if (!status)
        find_reals(results, column_of);
    for (size_t i = 0; i < results->n_runs && !status; i++)
        status = lay_out(results, &results->runs[i], column_of);
    free(column_of);
    return status;
}
