/* Differences as text: for a terminal, and as CSV. */
#include "config/print.h"
#include "report/csv.h"
#include "report/differences.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER = 11, COUNT = 7, LEAST_NAME = 12 };
#define N_NUMBERS 4

void tsr_differences_describe(const tsr_differences *d, size_t setting, tsr_text *out)
{
    const tsr_results *results = d->summary->results;
    bool any = false;
    for (size_t k = 1; k < results->n_keys; k++)
        if (results->keys[k].n > 1) {
            tsr_text_add(out, "%s%s ", any ? ", " : "", results->keys[k].name);
            tsr_print_label(tsr_summary_value(d->summary, d->settings[setting].other, k), out);
            any = true;
        }
}

static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Right in so many columns; what is too long keeps its end away behind a dot. */
static void put_right(const char *text, size_t width, tsr_text *out)
{
    size_t columns = columns_of(text);
    for (size_t i = columns; i < width; i++)
        tsr_text_add(out, " ");
    if (columns <= width) {
        tsr_text_add(out, "%s", text);
        return;
    }
    tsr_text_add(out, " ");
    for (size_t kept = 0; *text && (kept + 2 < width || ((unsigned char)*text & 0xc0) == 0x80); text++) {
        tsr_text_add_span(out, text, 1);
        kept += ((unsigned char)text[1] & 0xc0) != 0x80;
    }
    tsr_text_add(out, "…");
}

static void put_number(double value, int decimals, const char *sign, tsr_text *out)
{
    char text[64];
    if (isnan(value))
        snprintf(text, sizeof(text), "–");
    else
        snprintf(text, sizeof(text), *sign ? "%+.*f" : "%.*f", decimals, value);
    if (columns_of(text) >= NUMBER)
        snprintf(text, sizeof(text), *sign ? "%+.2e" : "%.2e", value);
    put_right(text, NUMBER, out);
}

/* A name that is too long loses its beginning, where names are alike. */
static void put_name(const char *name, size_t width, tsr_text *out)
{
    size_t length = strlen(name);
    if (length > width)
        tsr_text_add(out, "…%s", name + length - width + 1);
    else
        tsr_text_add(out, "%-*s", (int)width, name);
}

static void put_row(const tsr_differences *d, size_t measure, size_t name_width, const tsr_difference *row,
                    tsr_text *out)
{
    int decimals = tsr_summary_decimals(d->summary, measure), finer = decimals ? decimals : 1;
    char n[48];
    put_name(d->summary->results->measures[measure].name, name_width, out);
    put_number(row->reference, decimals, "", out);
    put_number(row->other, decimals, "", out);
    put_number(row->difference, finer, "+", out);
    put_number(row->interval, finer, "", out);
    if (row->n == row->n_other)
        snprintf(n, sizeof(n), "%zu%s", row->n, row->paired ? " p" : "  ");
    else
        snprintf(n, sizeof(n), "%zu+%zu  ", row->n, row->n_other);
    put_right(n, COUNT, out);
    tsr_text_add(out, "%s\n", tsr_difference_is_clear(row) ? " *" : "");
}

static size_t name_width(const tsr_differences *d, size_t width)
{
    size_t longest = LEAST_NAME, numbers = N_NUMBERS * NUMBER + COUNT + 2;
    for (size_t m = 0; m < d->summary->results->n_measures; m++)
        if (tsr_measure_is_headline(&d->summary->results->measures[m])) {
            size_t length = strlen(d->summary->results->measures[m].name);
            longest = length > longest ? length : longest;
        }
    size_t room = width > numbers + LEAST_NAME ? width - numbers : LEAST_NAME;
    return longest < room ? longest : room;
}

/* The metrics of a setting below a line that says which; how many lines. */
static size_t put_setting(tsr_differences *d, size_t setting, size_t width, tsr_text *out)
{
    const tsr_results *results = d->summary->results;
    size_t lines = 0, names = name_width(d, width);
    tsr_text title = { 0 };
    tsr_differences_describe(d, setting, &title);
    if (title.length)
        tsr_text_add(out, "%s\n", title.chars), lines++;
    free(title.chars);
    for (size_t m = 0; m < results->n_measures; m++) {
        tsr_difference row;
        if (!tsr_measure_is_headline(&results->measures[m]) || !tsr_differences_at(d, setting, m, &row))
            continue;
        put_row(d, m, names, &row, out);
        lines++;
    }
    return lines;
}

static void put_head(const tsr_differences *d, size_t study, size_t width, tsr_text *out)
{
    tsr_text_add(out, "%*s", (int)name_width(d, width), "");
    put_right(tsr_comparison_label(d->summary->results, 0), NUMBER, out);
    put_right(tsr_comparison_label(d->summary->results, study), NUMBER, out);
    put_right("difference", NUMBER, out);
    put_right("±", NUMBER, out);
    put_right("n  ", COUNT, out);
    tsr_text_add(out, "\n");
}

void tsr_differences_write_table(tsr_differences *d, tsr_screen screen, tsr_text *out)
{
    size_t lines = 0, left_out = 0, study = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (screen.lines && i && lines + 6 >= screen.lines) {
            left_out++;
            continue;
        }
        if (d->settings[i].study != study) {
            tsr_text_add(out, "%s", study ? "\n" : "");
            put_head(d, study = d->settings[i].study, screen.width, out);
            lines += 2;
        }
        lines += put_setting(d, i, screen.width, out);
    }
    if (left_out)
        tsr_text_add(out, "(%zu more settings on the page)\n", left_out);
    if (d->n)
        tsr_text_add(out,
                     "± half the 95 %% interval of the difference; p: paired by seed; *: 0 is outside\n");
}

void tsr_differences_write_csv(tsr_differences *d, tsr_text *out)
{
    const tsr_results *results = d->summary->results;
    tsr_text_add(out, "reference,study");
    for (size_t k = 1; k < results->n_keys; k++) {
        tsr_text_add(out, ",");
        tsr_csv_add_text(results->keys[k].name, out);
    }
    tsr_text_add(out, ",metric,mean.reference,mean.study,difference,low,high,excludes_0,n.reference,n.study,"
                      "paired\n");
    for (size_t i = 0; i < d->n; i++)
        for (size_t m = 0; m < results->n_measures; m++) {
            tsr_difference row;
            if (!tsr_differences_at(d, i, m, &row))
                continue;
            tsr_csv_add_text(tsr_comparison_label(results, 0), out);
            for (size_t k = 0; k < results->n_keys; k++) {
                tsr_text_add(out, ",");
                tsr_csv_add_value(tsr_summary_value(d->summary, d->settings[i].other, k), out);
            }
            tsr_text_add(out, ",");
            tsr_csv_add_text(results->measures[m].name, out);
            const double numbers[] = { row.reference, row.other, row.difference,
                                       row.difference - row.interval, row.difference + row.interval };
            for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
                tsr_text_add(out, ",");
                tsr_csv_add_real(numbers[k], out);
            }
            tsr_text_add(out,
                         isnan(row.interval)             ? ",,%zu,%zu,%d\n"
                         : tsr_difference_is_clear(&row) ? ",1,%zu,%zu,%d\n"
                                                         : ",0,%zu,%zu,%d\n",
                         row.n, row.n_other, row.paired);
        }
}
