/* What records say of snapshots and epochs, as numbers in arrays: as JSON it takes some fifty times the room,
   and most of the time that reading a record takes. Private to this folder. */
#ifndef TSR_REPORT_ROWS_H
#define TSR_REPORT_ROWS_H

#include "report/results.h"

/* The metrics of a snapshot: numbers of names, in the order in which the record has them. Nearly all
   snapshots of a study share one. */
typedef struct tsr_row_form {
    size_t n;
    size_t *names;
} tsr_row_form;

struct tsr_rows {
    json_t *numbers; /* by name */
    size_t n_names;
    char **names;
    size_t n_forms;
    tsr_row_form *forms;
    /* Of the record that is being read: */
    bool has_snapshots, has_epochs; /* whether its text has told them */
    size_t n_snapshots, n_cells, n_trained, n_row;
    size_t *snapshot_forms, *row; /* row: the names of the snapshot that is being read */
    double *epochs, *cells, *training;
    bool *real; /* of each name: whether a value of it was a real, and no count */
    struct {    /* elements that the arrays can hold; they are kept from record to record */
        size_t names, forms, snapshot_forms, row, epochs, cells, training, real;
    } room;
};

struct tsr_rows *tsr_rows_new(void); /* NULL without memory */
void tsr_rows_free(struct tsr_rows *rows);

/* As a tsr_skim's `take`; the context is a tsr_rows. Text that is anything else than what a record has is
   left to who reads JSON. */
bool tsr_rows_read_text(void *rows, const char *key, const char *from, const char *to);

/* Gives a run of the results its rows: as the text has told them, else from its record, from which they go
   away. The run's cells are one snapshot's metrics behind the other's, by the form of each, until
   tsr_results_tabulate makes a table of them. */
TSR_MUST_CHECK tsr_status *tsr_rows_take(tsr_results *results, tsr_result *run);

/* What is filled. Each is false without memory. */
void tsr_rows_begin(struct tsr_rows *rows);
bool tsr_rows_add_value(struct tsr_rows *rows, const char *name, size_t length, double value, bool real);
bool tsr_rows_end_snapshot(struct tsr_rows *rows, double epoch);
bool tsr_rows_add_epoch(struct tsr_rows *rows, const double curves[TSR_N_CURVES]);
extern const char *const tsr_curve_names[TSR_N_CURVES];

#endif
