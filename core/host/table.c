/* A results folder as a table: what results.csv says, made of the records as the report makes it. */
#include "host/host.h"

#include "base/memory.h"
#include "base/text.h"
#include "report/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tsr_table {
    char *text; /* of results.csv, cut into its cells, which end with NUL */
    size_t n_rows, n_columns, n_cells;
    const char **cells; /* the heading's first, then row by row */
};

/* Cells in a text of ours: every line has as many. */
static size_t count_cells(const char *text)
{
    size_t n = 0;
    bool quoted = false;
    for (; *text; text++) {
        quoted = quoted != (*text == '"');
        n += !quoted && (*text == ',' || *text == '\n');
    }
    return n;
}

/* Ends the cell at *at and takes its quotes off; *at is then behind what ended it, which is returned. */
static char cut(char **at, const char **cell)
{
    char *from = *at, *to = *at;
    bool quoted = false;
    *cell = to;
    for (; *from && (quoted || (*from != ',' && *from != '\n')); from++) {
        if (*from != '"')
            *to++ = *from;
        else if (quoted && from[1] == '"')
            *to++ = *from++;
        else
            quoted = !quoted;
    }
    char end = *from;
    *at = end ? from + 1 : from;
    *to = '\0';
    return end;
}

static tsr_status *fill(tsr_table *table)
{
    table->n_cells = count_cells(table->text);
    table->cells = tsr_alloc(table->n_cells, sizeof(*table->cells));
    if (!table->cells)
        return tsr_no_memory("a table");
    char *at = table->text;
    for (size_t i = 0; i < table->n_cells; i++)
        if (cut(&at, &table->cells[i]) == '\n' && !table->n_columns)
            table->n_columns = i + 1;
    table->n_rows = table->n_cells / table->n_columns - 1;
    return NULL;
}

tsr_status *tsr_table_read(const char *folder, tsr_table **out)
{
    tsr_results *results = NULL;
    tsr_text csv = { 0 };
    *out = NULL;
    TSR_TRY(tsr_results_read(folder, 0, NULL, &results));
    tsr_results_write_csv(results, &csv);
    tsr_results_free(results);
    tsr_table *table = csv.failed ? NULL : tsr_alloc(1, sizeof(*table));
    if (!table) {
        free(csv.chars);
        return tsr_no_memory("a table");
    }
    table->text = csv.chars;
    tsr_status *status = fill(table);
    if (status)
        tsr_table_free(table);
    else
        *out = table;
    return status;
}

void tsr_table_free(tsr_table *table)
{
    if (!table)
        return;
    free(table->cells);
    free(table->text);
    free(table);
}

size_t tsr_table_n_rows(const tsr_table *table)
{
    return table->n_rows;
}

size_t tsr_table_n_columns(const tsr_table *table)
{
    return table->n_columns;
}

const char *tsr_table_name(const tsr_table *table, size_t column)
{
    return column < table->n_columns ? table->cells[column] : "";
}

const char *tsr_table_cell(const tsr_table *table, size_t row, size_t column)
{
    return row < table->n_rows && column < table->n_columns
               ? table->cells[(row + 1) * table->n_columns + column]
               : "";
}

/* Whether the cell is a number, *value; NaN where it is empty. */
static bool number_at(const tsr_table *table, size_t row, size_t column, double *value)
{
    const char *cell = tsr_table_cell(table, row, column);
    char *end;
    *value = tsr_parse_real(cell, &end);
    if (!*cell)
        *value = NAN;
    return !*end;
}

bool tsr_table_numbers(const tsr_table *table, size_t column, double *out)
{
    double value;
    if (column >= table->n_columns)
        return false;
    for (size_t i = 0; i < table->n_rows; i++)
        if (!number_at(table, i, column, &value))
            return false;
    for (size_t i = 0; i < table->n_rows; i++)
        number_at(table, i, column, &out[i]);
    return true;
}
