/* The Hungarian method: rows enter one at a time, each by the cheapest path of exchanges to a free column;
   potentials keep every reduced cost at or above 0, so the path is found as Dijkstra would. Rows and columns
   are numbered from 1; 0 stands for "none". */
#include "assignment.h"

#include <stdlib.h>

typedef struct matching {
    size_t rows, columns;
    const int64_t *gain;
    bool transposed; /* gain is columns x rows */
    int64_t *row_potential, *column_potential;
    size_t *owner;  /* by column: its row */
    size_t *from;   /* by column: the column before it on the path */
    int64_t *slack; /* by column: the cheapest way to it */
    bool *reached;
} matching;

static int64_t cost(const matching *m, size_t row, size_t column)
{
    return -(m->transposed ? m->gain[(column - 1) * m->rows + row - 1]
                           : m->gain[(row - 1) * m->columns + column - 1]);
}

/* Updates the ways through `row`, which holds column `at`; returns the nearest column not yet reached. */
static size_t relax_columns(matching *m, size_t row, size_t at, int64_t *distance)
{
    size_t nearest = 0;
    *distance = INT64_MAX;
    for (size_t j = 1; j <= m->columns; j++) {
        if (m->reached[j])
            continue;
        int64_t way = cost(m, row, j) - m->row_potential[row] - m->column_potential[j];
        if (way < m->slack[j]) {
            m->slack[j] = way;
            m->from[j] = at;
        }
        if (m->slack[j] < *distance) {
            *distance = m->slack[j];
            nearest = j;
        }
    }
    return nearest;
}

static void shift_potentials(matching *m, int64_t distance)
{
    for (size_t j = 0; j <= m->columns; j++) {
        if (m->reached[j]) {
            m->row_potential[m->owner[j]] += distance;
            m->column_potential[j] -= distance;
        } else {
            m->slack[j] -= distance;
        }
    }
}

static void enter_row(matching *m, size_t row)
{
    for (size_t j = 0; j <= m->columns; j++) {
        m->slack[j] = INT64_MAX;
        m->reached[j] = false;
    }
    m->owner[0] = row;
    size_t at = 0;
    do {
        int64_t distance;
        m->reached[at] = true;
        size_t next = relax_columns(m, m->owner[at], at, &distance);
        shift_potentials(m, distance);
        at = next;
    } while (m->owner[at]);
    for (; at; at = m->from[at])
        m->owner[at] = m->owner[m->from[at]];
}

tsr_status *best_assignment(size_t rows, size_t columns, const int64_t *gain, int64_t *best)
{
    matching m = { .rows = rows < columns ? rows : columns,
                   .columns = rows < columns ? columns : rows,
                   .gain = gain,
                   .transposed = rows > columns };
    m.row_potential = calloc(m.rows + 1, sizeof(int64_t));
    m.column_potential = calloc(m.columns + 1, sizeof(int64_t));
    m.owner = calloc(m.columns + 1, sizeof(size_t));
    m.from = calloc(m.columns + 1, sizeof(size_t));
    m.slack = calloc(m.columns + 1, sizeof(int64_t));
    m.reached = calloc(m.columns + 1, sizeof(bool));
    tsr_status *status = NULL;
    *best = 0;
    if (m.row_potential && m.column_potential && m.owner && m.from && m.slack && m.reached) {
        for (size_t row = 1; row <= m.rows; row++)
            enter_row(&m, row);
        for (size_t j = 1; j <= m.columns; j++)
            *best -= m.owner[j] ? cost(&m, m.owner[j], j) : 0;
    } else {
        status =
            tsr_fail(TSR_NO_MEMORY, "not enough memory to assign %zu clusters to %zu classes", rows, columns);
    }
    free(m.row_potential);
    free(m.column_potential);
    free(m.owner);
    free(m.from);
    free(m.slack);
    free(m.reached);
    return status;
}
