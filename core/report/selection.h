/* What is taken out of a summary for a paper: some points, snapshots and metrics, in the form that goes on
   from there. */
#ifndef TSR_REPORT_SELECTION_H
#define TSR_REPORT_SELECTION_H

#include "base/text.h"
#include "report/summary.h"

typedef enum tsr_table_format {
    TSR_TABLE_MARKDOWN,
    TSR_TABLE_LATEX,
    TSR_TABLE_CSV,
    TSR_TABLE_SPREADSHEET, /* CSV in which no text is a formula: a ' before = + - @ */
    TSR_TABLE_JSON,
} tsr_table_format;

/* What is wanted. Metrics are names or patterns of the shell's kind; none: all but details. Conditions are
   texts "KEY=VALUE", KEY being swept or "epoch": those of one key stand for any of their values, those of
   different keys for all of them. Without a condition on the epoch it is each point's last snapshot. */
typedef struct tsr_selection_wish {
    size_t n_metrics, n_conditions;
    const char *const *metrics, *const *conditions;
    bool all_epochs;
} tsr_selection_wish;

typedef struct tsr_selected_row {
    size_t point, epoch; /* as tsr_summary_at takes them */
} tsr_selected_row;

typedef struct tsr_selection {
    const tsr_summary *summary;
    size_t n_rows, n_measures;
    tsr_selected_row *rows;
    size_t *measures; /* in the order in which they were asked for */
} tsr_selection;

/* Refuses a metric or a value that the summary has not, with those that it has. */
TSR_MUST_CHECK tsr_status *tsr_selection_new(const tsr_summary *summary, const tsr_selection_wish *wish,
                                             tsr_selection *out);
void tsr_selection_clear(tsr_selection *selection);

/* A row per point and snapshot: swept values, epoch, n, and of each metric the mean and the half of its 95 %
   interval; for programs also the deviation and the n of each metric, numbers with all their digits. */
TSR_MUST_CHECK tsr_status *tsr_selection_write(const tsr_selection *selection, tsr_table_format format,
                                               tsr_text *out);

#endif
