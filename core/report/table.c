/* The summary as a table on a terminal: cells as text first, then columns as wide as they need, in as many
   blocks below each other as it takes. */
#include "base/memory.h"
#include "config/print.h"
#include "report/summary.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 64
#define GAP 2
#define AROUND                                                                                               \
    8 /* lines of a screen that headings, what is left out, and what a command says besides take             \
       */
#define ROWS_OF_DETAILS 40 /* that a table has at most, where there is no screen */
#define FEWEST 4           /* rows, however low the screen */
#define HEADING 12         /* headings are broken into lines of about this length */

typedef struct table {
    size_t rows, columns;
    size_t room;         /* columns that cells has; the last of them may not be shown */
    char (*cells)[CELL]; /* rows x room */
} table;

static char *cell(const table *t, size_t row, size_t column)
{
    return t->cells[row * t->room + column];
}

/* Columns on the screen: bytes that do not continue a UTF-8 character. */
static size_t length_of(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xC0) != 0x80;
    return length;
}

/* Where a heading may be broken: behind '.' and '_'. Gives the length of the line that starts at `text`. */
static size_t heading_line(const char *text)
{
    size_t end = 0;
    for (size_t i = 0; text[i]; i++) {
        bool may_break = text[i] == '.' || text[i] == '_' || text[i + 1] == '\0';
        if (may_break && (end == 0 || i + 1 <= HEADING))
            end = i + 1;
    }
    return end;
}

static size_t heading_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text += heading_line(text))
        lines++;
    return lines;
}

/* Line `number` of a heading of which `lines` are shown; headings stand on the bottom line. */
static void print_heading_line(const char *text, size_t lines, size_t number, char out[CELL])
{
    size_t own = heading_lines(text), skipped = lines - own;
    out[0] = '\0';
    if (number < skipped)
        return;
    for (size_t i = skipped; i < number; i++)
        text += heading_line(text);
    snprintf(out, CELL, "%.*s", (int)heading_line(text), text);
}

static size_t column_width(const table *t, size_t column)
{
    size_t width = 0;
    for (const char *text = cell(t, 0, column); *text; text += heading_line(text))
        width = heading_line(text) > width ? heading_line(text) : width;
    for (size_t row = 1; row < t->rows; row++)
        width = length_of(cell(t, row, column)) > width ? length_of(cell(t, row, column)) : width;
    return width;
}

static void write_padded(const char *text, size_t width, bool to_left, bool first, tsr_text *out)
{
    int padding = (int)(width - length_of(text));
    if (to_left)
        tsr_text_add(out, "%*s%s%*s", first ? 0 : GAP, "", text, padding, "");
    else
        tsr_text_add(out, "%*s%s", padding + (first ? 0 : GAP), "", text);
}

/* The columns that repeat in every block, then columns from .. to - 1. Row 0 holds the headings. */
static void write_block(const table *t, size_t keys, size_t from, size_t to, tsr_text *out)
{
    size_t lines = 1;
    for (size_t column = 0; column < to; column++)
        if ((column < keys || column >= from) && heading_lines(cell(t, 0, column)) > lines)
            lines = heading_lines(cell(t, 0, column));
    for (size_t line = 0; line < lines + t->rows - 1; line++) {
        for (size_t column = 0; column < to; column++) {
            if (column >= keys && column < from)
                continue;
            char heading[CELL];
            if (line < lines)
                print_heading_line(cell(t, 0, column), lines, line, heading);
            write_padded(line < lines ? heading : cell(t, line - lines + 1, column), column_width(t, column),
                         column < keys, column == 0, out);
        }
        tsr_text_add(out, "\n");
    }
}

/* The table in blocks that fit into `capacity` columns; the first `keys` columns begin each of them. */
static void write_table(const table *t, size_t keys, size_t capacity, tsr_text *out)
{
    size_t before = 0;
    for (size_t column = 0; column < keys; column++)
        before += column_width(t, column) + GAP;
    for (size_t from = keys; from < t->columns;) {
        size_t to = from, used = before;
        while (to < t->columns && (to == from || used + column_width(t, to) <= capacity))
            used += column_width(t, to++) + GAP;
        if (from > keys)
            tsr_text_add(out, "\n");
        write_block(t, keys, from, to, out);
        from = to;
    }
}

/* A mean of as many values as there are `runs` needs no n of its own. */
static void write_statistic(const tsr_statistic *s, size_t runs, int decimals, char out[CELL])
{
    if (isnan(s->mean)) {
        snprintf(out, CELL, "-");
        return;
    }
    int used = snprintf(out, CELL, "%.*f", decimals, s->mean);
    if (s->n > 1)
        used += snprintf(out + used, CELL - (size_t)used, " ± %.*f", decimals ? decimals : 1, s->interval);
    if (s->n != runs)
        snprintf(out + used, CELL - (size_t)used, " (n = %zu)", s->n);
}

/* The legend, where the table has an interval to explain. */
static void write_legend(const tsr_summary *summary, tsr_text *out)
{
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++)
            if (summary->points[p].snapshots[e] > 1) {
                tsr_text_add(out, "%s\n", TSR_INTERVAL_LEGEND);
                return;
            }
}

static size_t count_details(const tsr_results *results)
{
    size_t details = 0;
    for (size_t m = 0; m < results->n_measures; m++)
        details += results->measures[m].detail;
    return details;
}

static void tell_left_out(size_t n, tsr_text *out)
{
    if (n)
        tsr_text_add(out, "(%zu more metrics in results.csv)\n", n);
}

/* Rows of a table that the screen has room for. */
static size_t rows_on(tsr_screen screen)
{
    return screen.lines == 0 ? SIZE_MAX : screen.lines > AROUND + FEWEST ? screen.lines - AROUND : FEWEST;
}

/* One point: metrics down, snapshots across; details too, where all of them fit on a screen. */
static void write_snapshots(const tsr_summary *summary, tsr_screen screen, tsr_text *out)
{
    const tsr_results *results = summary->results;
    const tsr_point *point = &summary->points[0];
    size_t first = 1 + (point->n > 1); /* with several runs, n has a row */
    size_t most = screen.lines ? rows_on(screen) : ROWS_OF_DETAILS;
    size_t left_out = results->n_measures > most ? count_details(results) : 0;
    table t = { .rows = results->n_measures - left_out + first, .columns = point->n_epochs + 1 };
    t.room = t.columns;
    t.cells = tsr_alloc(t.rows * t.columns, CELL);
    if (!t.cells) {
        out->failed = true;
        return;
    }
    snprintf(cell(&t, 0, 0), CELL, "epoch");
    if (first > 1)
        snprintf(cell(&t, 1, 0), CELL, "n");
    for (size_t e = 0; e < point->n_epochs; e++) {
        snprintf(cell(&t, 0, e + 1), CELL, "%.0f", point->epochs[e]);
        if (first > 1)
            snprintf(cell(&t, 1, e + 1), CELL, "%zu", point->snapshots[e]);
    }
    for (size_t m = 0, row = first; m < results->n_measures; m++) {
        if (left_out && results->measures[m].detail)
            continue;
        snprintf(cell(&t, row, 0), CELL, "%.63s", results->measures[m].name);
        for (size_t e = 0; e < point->n_epochs; e++)
            write_statistic(tsr_summary_at(summary, 0, e, m), point->snapshots[e],
                            tsr_summary_decimals(summary, m), cell(&t, row, e + 1));
        row++;
    }
    write_table(&t, 1, screen.width, out);
    tell_left_out(left_out, out);
    free(t.cells);
}

/* False without memory. */
static bool write_swept_value(const tsr_value *value, char out[CELL])
{
    tsr_text text = { 0 };
    tsr_print_label(value, &text);
    snprintf(out, CELL, "%.63s", text.chars ? text.chars : "");
    free(text.chars);
    return !text.failed;
}

/* What a table of points shows. */
typedef struct choice {
    size_t n_measures, n_points;
    size_t *measures, *points;
    size_t gap; /* points are left out before this one of `points`; n_points: none are */
} choice;

/* The cells of one point: swept values, n (finished runs), metrics of the last snapshot. False without
 * memory. */
static bool fill_point_row(const tsr_summary *summary, const choice *shown, size_t number, size_t row,
                           const table *t)
{
    const tsr_point *point = &summary->points[number];
    size_t column = 0;
    bool whole = true;
    for (; column < summary->results->n_keys; column++)
        whole = write_swept_value(tsr_summary_value(summary, number, column), cell(t, row, column)) && whole;
    snprintf(cell(t, row, column++), CELL, point->failed ? "%zu (%zu failed)" : "%zu", point->done,
             point->failed);
    for (size_t i = 0; i < shown->n_measures; i++, column++)
        if (point->n_epochs)
            write_statistic(tsr_summary_at(summary, number, point->n_epochs - 1, shown->measures[i]),
                            point->snapshots[point->n_epochs - 1],
                            tsr_summary_decimals(summary, shown->measures[i]), cell(t, row, column));
    return whole;
}

/* Fills a table with the chosen points and metrics; false, and there is none, without memory. */
static bool fill_points(const tsr_summary *summary, const choice *shown, table *t)
{
    size_t keys = summary->results->n_keys, column = 0, row = 1;
    bool has_gap = shown->gap < shown->n_points;
    *t = (table){ .rows = shown->n_points + 1 + has_gap, .columns = keys + 1 + shown->n_measures };
    t->room = t->columns;
    t->cells = tsr_alloc(t->rows * t->columns, CELL);
    if (!t->cells)
        return false;
    for (; column < keys; column++)
        snprintf(cell(t, 0, column), CELL, "%.63s", summary->results->keys[column].name);
    snprintf(cell(t, 0, column++), CELL, "n");
    for (size_t i = 0; i < shown->n_measures; i++)
        snprintf(cell(t, 0, column++), CELL, "%.63s", summary->results->measures[shown->measures[i]].name);
    bool whole = true;
    for (size_t i = 0; i < shown->n_points; i++) {
        if (i == shown->gap)
            snprintf(cell(t, row++, 0), CELL, "...");
        whole = fill_point_row(summary, shown, shown->points[i], row++, t) && whole;
    }
    if (!whole)
        free(t->cells);
    return whole;
}

/* All metrics but details. */
static void choose_measures(const tsr_summary *summary, choice *out)
{
    const tsr_results *results = summary->results;
    for (size_t m = 0; m < results->n_measures; m++)
        if (!results->measures[m].detail)
            out->measures[out->n_measures++] = m;
}

/* Those of them that the page shows first, then the others. */
static void put_headlines_first(const tsr_summary *summary, choice *out)
{
    const tsr_measure *measures = summary->results->measures;
    for (size_t i = 0, to = 0; i < out->n_measures; i++)
        if (tsr_measure_is_headline(&measures[out->measures[i]])) {
            size_t kept = out->measures[i];
            memmove(&out->measures[to + 1], &out->measures[to], (i - to) * sizeof(kept));
            out->measures[to++] = kept;
        }
}

/* Columns that stand side by side in a block that fits. */
static size_t columns_in_block(const table *t, size_t keys, size_t capacity)
{
    size_t used = 0, n = 0;
    while (n < t->columns && (n <= keys || used + column_width(t, n) <= capacity))
        used += column_width(t, n++) + GAP;
    return n;
}

/* The first and the last of the points, as many as there are rows for. */
static void choose_points(const tsr_summary *summary, size_t rows, choice *out)
{
    size_t n = summary->n_points, shown = n <= rows ? n : rows - 1, first = n <= rows ? n : (shown + 1) / 2;
    for (size_t i = 0; i < shown; i++)
        out->points[i] = i < first ? i : n - (shown - i);
    out->n_points = shown;
    out->gap = first;
}

static void tell_points(size_t left_out, tsr_text *out)
{
    if (left_out)
        tsr_text_add(out, "(%zu more points in summary.csv)\n", left_out);
}

/* Fewer metrics, those that matter most first: as many as stand side by side. */
static bool fit_measures(const tsr_summary *summary, size_t width, choice *shown, table *t)
{
    size_t keys = summary->results->n_keys;
    free(t->cells);
    put_headlines_first(summary, shown);
    if (!fill_points(summary, shown, t))
        return false;
    size_t across = columns_in_block(t, keys, width);
    shown->n_measures = across > keys + 1 ? across - keys - 1 : 1;
    t->columns = keys + 1 + shown->n_measures;
    return true;
}

/* Several points: one row each, the last snapshot. What a screen has no room for is left out: points in the
   middle, and metrics beyond one block. */
static void write_chosen(const tsr_summary *summary, tsr_screen screen, choice *shown, tsr_text *out)
{
    const tsr_results *results = summary->results;
    size_t keys = results->n_keys, rows = screen.lines ? rows_on(screen) : SIZE_MAX;
    table t;
    choose_measures(summary, shown);
    choose_points(summary, rows, shown);
    bool whole = fill_points(summary, shown, &t);
    if (whole) {
        size_t across = columns_in_block(&t, keys, screen.width);
        size_t blocks = (t.columns - keys + across - keys - 1) / (across - keys);
        if (blocks > 1 && screen.lines && blocks * t.rows > rows)
            whole = fit_measures(summary, screen.width, shown, &t);
    }
    if (!whole) {
        out->failed = true;
        return;
    }
    write_table(&t, keys, screen.width, out);
    tell_points(summary->n_points - shown->n_points, out);
    tell_left_out(results->n_measures - shown->n_measures, out);
    free(t.cells);
}

static void write_points(const tsr_summary *summary, tsr_screen screen, tsr_text *out)
{
    choice shown = { .measures = tsr_alloc(summary->results->n_measures, sizeof(size_t)),
                     .points = tsr_alloc(summary->n_points, sizeof(size_t)) };
    if (shown.measures && shown.points)
        write_chosen(summary, screen, &shown, out);
    else
        out->failed = true;
    free(shown.measures);
    free(shown.points);
}

void tsr_summary_write_table(const tsr_summary *summary, tsr_screen screen, tsr_text *out)
{
    if (summary->results->n_measures == 0)
        return;
    if (summary->n_points == 1)
        write_snapshots(summary, screen, out);
    else
        write_points(summary, screen, out);
    write_legend(summary, out);
}
