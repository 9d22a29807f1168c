/* The summary as CSV. */
#include "experiment/csv.h"
#include "report/summary.h"

#include <stdlib.h>

static void add_number(double value, tsr_text *out)
{
    tsr_text_add(out, ",");
    tsr_csv_real(out, value);
}

static void write_row(const tsr_summary *summary, size_t point, size_t epoch, tsr_text *out)
{
    const tsr_point *p = &summary->points[point];
    for (size_t k = 0; k < summary->results->n_keys; k++) {
        tsr_csv_value(out, tsr_summary_value(summary, point, k));
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

static void write_names(const tsr_summary *summary, tsr_text *out)
{
    static const char *const kinds[] = { "mean", "sd", "ci95" };
    for (size_t m = 0; m < summary->n_measures; m++)
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
            char *name = tsr_format("%s.%s", summary->measures[m].name, kinds[i]);
            tsr_text_add(out, ",");
            if (name)
                tsr_csv_text(out, name);
            else
                out->failed = true;
            free(name);
        }
}

void tsr_summary_write_csv(const tsr_summary *summary, tsr_text *out)
{
    for (size_t k = 0; k < summary->results->n_keys; k++) {
        tsr_csv_text(out, summary->results->keys[k].name);
        tsr_text_add(out, ",");
    }
    tsr_text_add(out, "epoch,n");
    write_names(summary, out);
    tsr_text_add(out, "\n");
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++)
            write_row(summary, p, e, out);
}
