/* The columns of a table: numbers or texts, kept as floats or as the numbers of categories. */
#ifndef TESSERA_DATASETS_TABLE_COLUMNS_H
#define TESSERA_DATASETS_TABLE_COLUMNS_H

#include "../text_file.h"
#include "words.h"

/* Where a value stands. */
typedef struct table_place {
    const text_file *file; /* NULL: there is none */
    const char *place;
} table_place;

/* What becomes of a column. */
typedef enum column_role { COLUMN_INPUT, COLUMN_LABEL, COLUMN_SKIPPED } column_role;

typedef struct column {
    char *name; /* as messages call it: 'age', or its number; owned */
    column_role role;
    bool text;             /* some value is no number; a label's are codes all the same */
    size_t present;        /* values that are not missing */
    table_place missing;   /* the first value that is */
    table_place nonfinite; /* the first number that is nan or infinite */

    double *numbers; /* n_rows of them while the table is read; MISSING where there is none */
    float *values;   /* of a column of numbers: what the network gets */
    uint16_t *codes; /* of a column of text, or the label: category; words.n where it is missing */
    words words;
    size_t n_inputs;
} column;

/* What a config says of all columns. */
typedef enum table_scale { SCALE_NONE, SCALE_MAXIMUM, SCALE_RANGE, SCALE_STANDARD } table_scale;
typedef enum table_fill { FILL_REFUSE, FILL_MEAN, FILL_ZERO } table_fill;
typedef struct column_rules {
    char delimiter;
    size_t n_missing;
    const char *const *missing; /* words that stand for no value */
    int scale, fill;
    bool allow_nonfinite;
} column_rules;

typedef struct columns {
    size_t n;
    column *all;
    size_t n_rows, rows_capacity;
} columns;

/* Reads the records of a file behind the rows that are there: which columns are text, and the numbers of
   those that are not. `at` is where the first row begins. */
TSR_MUST_CHECK tsr_status *columns_read_numbers(columns *table, const column_rules *rules,
                                                const text_file *file, const char *at);

/* Reads the same again, once all files' numbers were read, for the texts; the rows begin with `first_row`.
 *first_row is moved behind them. */
TSR_MUST_CHECK tsr_status *columns_read_texts(columns *table, const column_rules *rules,
                                              const text_file *file, const char *at, size_t *first_row);

/* Makes of an input column what the network gets. The first n_train rows of `order`, or of the table where it
   is NULL, are those that statistics are of. `file` is named in messages. */
TSR_MUST_CHECK tsr_status *column_finish(column *self, const column_rules *rules, size_t n_rows,
                                         size_t n_train, const size_t *order, const char *file);

/* Sorts the label's classes. */
TSR_MUST_CHECK tsr_status *column_finish_label(column *self, size_t n_rows);

void columns_clear(columns *table);

#endif
