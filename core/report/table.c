/* The summary as a table on a terminal: cells as text first, then columns as wide as they need. */
#include "base/memory.h"
#include "experiment/resolved.h"
#include "report/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 64
#define GAP 2

typedef struct table {
    size_t rows, columns;
    char (*cells)[CELL]; /* rows x columns */
} table;

static char *cell(const table *t, size_t row, size_t column)
{
    return t->cells[row * t->columns + column];
}

/* Columns on the screen: bytes that do not continue a UTF-8 character. */
static size_t length_of(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xC0) != 0x80;
    return length;
}

static size_t width_of(const table *t, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < t->rows; row++) {
        size_t length = length_of(cell(t, row, column));
        width = length > width ? length : width;
    }
    return width;
}

/* As many columns as fit, at least two; text to the left in the first `left`, numbers to the right. */
static size_t write_cells(const table *t, size_t left, size_t room, tsr_text *out)
{
    size_t shown = 0, used = 0;
    while (shown < t->columns) {
        size_t width = width_of(t, shown) + (shown ? GAP : 0);
        if (shown >= 2 && used + width > room)
            break;
        used += width;
        shown++;
    }
    for (size_t row = 0; row < t->rows; row++) {
        for (size_t column = 0; column < shown; column++) {
            const char *text = cell(t, row, column);
            int padding = (int)(width_of(t, column) - length_of(text));
            bool last = column + 1 == shown;
            if (column < left)
                tsr_text_add(out, "%s%*s", text, last ? 0 : padding, "");
            else
                tsr_text_add(out, "%*s%s", padding, "", text);
            if (!last)
                tsr_text_add(out, "%*s", GAP, "");
        }
        tsr_text_add(out, "\n");
    }
    return shown;
}

/* Decimals that suit all values of a metric alike: none for counts, four for fractions, fewer for what is
   larger. */
static int decimals_of(const tsr_summary *summary, size_t metric)
{
    double largest = 0;
    bool whole = true;
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++) {
            double mean = summary->points[p].statistics[e * summary->n_metrics + metric].mean;
            if (isnan(mean))
                continue;
            whole = whole && mean == rint(mean);
            largest = fabs(mean) > largest ? fabs(mean) : largest;
        }
    if (whole && largest > 1)
        return 0;
    return largest >= 1000 ? 1 : largest >= 10 ? 2 : 4;
}

static void write_statistic(const tsr_statistic *s, int decimals, char out[CELL])
{
    if (isnan(s->mean)) {
        snprintf(out, CELL, "-");
        return;
    }
    int used = snprintf(out, CELL, "%.*f", decimals, s->mean);
    if (s->n > 1)
        snprintf(out + used, CELL - (size_t)used, " ± %.*f", decimals ? decimals : 1, s->deviation);
}

/* One point: metrics down, snapshots across. */
static void write_snapshots(const tsr_summary *summary, size_t width, tsr_text *out)
{
    const tsr_point *point = &summary->points[0];
    table t = { .rows = summary->n_metrics + 1, .columns = point->n_epochs + 1 };
    t.cells = tsr_alloc(t.rows * t.columns, CELL);
    if (!t.cells) {
        out->failed = true;
        return;
    }
    snprintf(cell(&t, 0, 0), CELL, "epoch");
    for (size_t m = 0; m < summary->n_metrics; m++)
        snprintf(cell(&t, m + 1, 0), CELL, "%.63s", summary->metrics[m]);
    for (size_t e = 0; e < point->n_epochs; e++) {
        snprintf(cell(&t, 0, e + 1), CELL, "%.0f", point->epochs[e]);
        for (size_t m = 0; m < summary->n_metrics; m++)
            write_statistic(&point->statistics[e * summary->n_metrics + m], decimals_of(summary, m),
                            cell(&t, m + 1, e + 1));
    }
    if (write_cells(&t, 1, width, out) < t.columns)
        tsr_text_add(out, "(more snapshots in results.csv)\n");
    free(t.cells);
}

/* Several points: one row each, the last snapshot. */
static void write_points(const tsr_summary *summary, const tsr_experiment *experiment, size_t width,
                         tsr_text *out)
{
    size_t keys = experiment->n_swept;
    table t = { .rows = summary->n_points + 1, .columns = keys + 1 + summary->n_metrics };
    t.cells = tsr_alloc(t.rows * t.columns, CELL);
    if (!t.cells) {
        out->failed = true;
        return;
    }
    for (size_t k = 0; k < keys; k++)
        snprintf(cell(&t, 0, k), CELL, "%.63s", experiment->swept[k]);
    snprintf(cell(&t, 0, keys), CELL, "runs");
    for (size_t m = 0; m < summary->n_metrics; m++)
        snprintf(cell(&t, 0, keys + 1 + m), CELL, "%.63s", summary->metrics[m]);
    for (size_t p = 0; p < summary->n_points; p++) {
        const tsr_point *point = &summary->points[p];
        for (size_t k = 0; k < keys; k++) {
            tsr_text value = { 0 };
            tsr_resolved_write_value(json_object_get(point->run->swept, experiment->swept[k]), &value);
            snprintf(cell(&t, p + 1, k), CELL, "%.63s", value.chars ? value.chars : "");
            free(value.chars);
        }
        snprintf(cell(&t, p + 1, keys), CELL, point->failed ? "%zu (%zu failed)" : "%zu", point->done,
                 point->failed);
        for (size_t m = 0; point->n_epochs && m < summary->n_metrics; m++)
            write_statistic(&point->statistics[(point->n_epochs - 1) * summary->n_metrics + m],
                            decimals_of(summary, m), cell(&t, p + 1, keys + 1 + m));
    }
    if (write_cells(&t, keys, width, out) < t.columns)
        tsr_text_add(out, "(more metrics in results.csv)\n");
    free(t.cells);
}

void tsr_summary_write_table(const tsr_summary *summary, const tsr_experiment *experiment, size_t width,
                             tsr_text *out)
{
    if (summary->n_metrics == 0)
        return;
    if (summary->n_points == 1)
        write_snapshots(summary, width, out);
    else
        write_points(summary, experiment, width, out);
}
