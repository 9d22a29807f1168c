/* Tables as CSV. Null is empty. */
#include "report/csv.h"

#include "config/print.h"
#include "report/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fields. */

void tsr_csv_add_text(const char *text, tsr_text *csv)
{
    if (!strpbrk(text, ",\"\n\r")) {
        tsr_text_add(csv, "%s", text);
        return;
    }
    tsr_text_add(csv, "\"");
    for (const char *c = text; *c; c++)
        tsr_text_add(csv, *c == '"' ? "\"\"" : "%c", *c);
    tsr_text_add(csv, "\"");
}

void tsr_csv_add_real(double real, tsr_text *csv)
{
    char digits[32];
    if (!isfinite(real))
        return;
    tsr_format_real(real, digits, sizeof(digits));
    tsr_text_add(csv, "%s", digits);
}

void tsr_csv_add_value(const tsr_value *value, tsr_text *csv)
{
    if (!value || value->type == TSR_VALUE_NULL)
        return;
    if (value->type == TSR_VALUE_REAL) {
        tsr_csv_add_real(value->real, csv);
        return;
    }
    tsr_text text = { 0 };
    tsr_print_label(value, &text);
    csv->failed = csv->failed || text.failed;
    if (text.chars)
        tsr_csv_add_text(text.chars, csv);
    free(text.chars);
}

static void add_field(double value, tsr_text *out)
{
    tsr_text_add(out, ",");
    tsr_csv_add_real(value, out);
}

/* results.csv. */

/* The one key that every row tells anyway. */
static bool has_own_column(const tsr_swept_key *key)
{
    return strcmp(key->name, "seed") == 0;
}

static void write_heading(const tsr_results *results, tsr_text *out)
{
    tsr_text_add(out, "run,replicate,seed");
    for (size_t k = 0; k < results->n_keys; k++)
        if (!has_own_column(&results->keys[k])) {
            tsr_text_add(out, ",");
            tsr_csv_add_text(results->keys[k].name, out);
        }
    tsr_text_add(out, ",epoch");
    for (size_t m = 0; m < results->n_measures; m++) {
        tsr_text_add(out, ",");
        tsr_csv_add_text(results->measures[m].name, out);
    }
    tsr_text_add(out, "\n");
}

static void write_snapshot(const tsr_results *results, const tsr_result *run, size_t i, tsr_text *out)
{
    const char *id = json_string_value(json_object_get(run->record, "run"));
    tsr_text_add(out, "%s,%zu,%lld", id ? id : "", run->replicate,
                 json_integer_value(json_object_get(run->record, "seed")));
    for (size_t k = 0; k < results->n_keys; k++)
        if (!has_own_column(&results->keys[k])) {
            tsr_text_add(out, ",");
            tsr_csv_add_value(tsr_value_member(run->swept, results->keys[k].name), out);
        }
    tsr_text_add(out, ",%.0f", run->epochs[i]);
    const double *cells = run->cells + i * results->n_measures;
    for (size_t m = 0; m < results->n_measures; m++)
        if (results->measures[m].counts && isfinite(cells[m]))
            tsr_text_add(out, ",%.0f", cells[m]);
        else
            add_field(cells[m], out);
    tsr_text_add(out, "\n");
}

void tsr_results_write_csv(const tsr_results *results, tsr_text *out)
{
    write_heading(results, out);
    for (size_t i = 0; i < results->n_runs; i++)
        for (size_t j = 0; j < results->runs[i].n_snapshots; j++)
            write_snapshot(results, &results->runs[i], j, out);
}

/* summary.csv. */

static void write_point(const tsr_summary *summary, size_t point, size_t epoch, tsr_text *out)
{
    const tsr_point *p = &summary->points[point];
    for (size_t k = 0; k < summary->results->n_keys; k++) {
        tsr_csv_add_value(tsr_summary_value(summary, point, k), out);
        tsr_text_add(out, ",");
    }
    tsr_text_add(out, "%.0f,%zu", p->epochs[epoch], p->snapshots[epoch]);
    for (size_t m = 0; m < summary->results->n_measures; m++) {
        const tsr_statistic *s = tsr_summary_at(summary, point, epoch, m);
        add_field(s->mean, out);
        add_field(s->deviation, out);
        add_field(s->interval, out);
    }
    tsr_text_add(out, "\n");
}

static void write_names(const tsr_summary *summary, tsr_text *out)
{
    static const char *const kinds[] = { "mean", "sd", "ci95" };
    for (size_t m = 0; m < summary->results->n_measures; m++)
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
            char *name = tsr_format("%s.%s", summary->results->measures[m].name, kinds[i]);
            tsr_text_add(out, ",");
            if (name)
                tsr_csv_add_text(name, out);
            else
                out->failed = true;
            free(name);
        }
}

void tsr_summary_write_csv(const tsr_summary *summary, tsr_text *out)
{
    for (size_t k = 0; k < summary->results->n_keys; k++) {
        tsr_csv_add_text(summary->results->keys[k].name, out);
        tsr_text_add(out, ",");
    }
    tsr_text_add(out, "epoch,n");
    write_names(summary, out);
    tsr_text_add(out, "\n");
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++)
            write_point(summary, p, e, out);
}
