/* The summary as CSV. */
#include "experiment/csv.h"
#include "report/summary.h"

#include <math.h>
#include <stdlib.h>

static void add_number(double value, tsr_text *out)
{
    json_t *number = isfinite(value) ? json_real(value) : NULL;
    tsr_text_add(out, ",");
    tsr_csv_add(out, number);
    json_decref(number);
}

static void add_text(const char *text, const char *before, tsr_text *out)
{
    json_t *string = json_string(text);
    tsr_text_add(out, "%s", before);
    tsr_csv_add(out, string);
    json_decref(string);
}

static void write_row(const tsr_summary *summary, size_t point, size_t epoch, tsr_text *out)
{
    const tsr_point *p = &summary->points[point];
    for (size_t k = 0; k < summary->results->n_keys; k++) {
        tsr_csv_add(out, tsr_summary_value(summary, point, k));
        tsr_text_add(out, ",");
    }
    tsr_text_add(out, "%.0f,%zu", p->epochs[epoch], p->snapshots[epoch]);
    for (size_t m = 0; m < summary->n_measures; m++) {
        const tsr_statistic *s = tsr_summary_at(summary, point, epoch, m);
        add_number(s->mean, out);
        add_number(s->deviation, out);
        add_number(s->interval, out);
    }
    tsr_text_add(out, "\n");
}

void tsr_summary_write_csv(const tsr_summary *summary, tsr_text *out)
{
    for (size_t k = 0; k < summary->results->n_keys; k++)
        add_text(summary->results->keys[k].name, k ? "," : "", out);
    tsr_text_add(out, "%sepoch,n", summary->results->n_keys ? "," : "");
    for (size_t m = 0; m < summary->n_measures; m++) {
        static const char *const kinds[] = { "mean", "sd", "ci95" };
        for (size_t i = 0; i < 3; i++) {
            char *name = tsr_format("%s.%s", summary->measures[m].name, kinds[i]);
            add_text(name, ",", out);
            free(name);
        }
    }
    tsr_text_add(out, "\n");
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++)
            write_row(summary, p, e, out);
}
