/* A selection as a table: two forms for papers, rounded, and two for programs, with all digits. */
#include "report/selection.h"

#include "base/memory.h"
#include "config/json.h"
#include "config/print.h"
#include "report/csv.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const tsr_statistic *statistic_at(const tsr_selection *s, size_t row, size_t measure)
{
    return tsr_summary_at(s->summary, s->rows[row].point, s->rows[row].epoch, s->measures[measure]);
}

static const tsr_point *point_at(const tsr_selection *s, size_t row)
{
    return &s->summary->points[s->rows[row].point];
}

static const char *measure_name(const tsr_selection *s, size_t measure)
{
    return s->summary->results->measures[s->measures[measure]].name;
}

/* --- for papers --- */

typedef struct form {
    const char *before, *between, *after; /* cells of a row */
    const char *plus_minus;
    const char *number_before, *number_after;
    const char *none;
    void (*add_text)(const char *text, tsr_text *out);
} form;

static void add_markdown(const char *text, tsr_text *out)
{
    for (; *text; text++)
        tsr_text_add(out, strchr("|\\`*_<>[]", *text) ? "\\%c" : "%c", *text == '\n' ? ' ' : *text);
}

static void add_latex(const char *text, tsr_text *out)
{
    for (; *text; text++)
        if (*text == '\\')
            tsr_text_add(out, "\\textbackslash{}");
        else if (*text == '~' || *text == '^')
            tsr_text_add(out, "\\%c{}", *text);
        else if (strchr("<>|\"", *text))
            tsr_text_add(out, *text == '"' ? "''" : "$%c$", *text);
        else
            tsr_text_add(out, strchr("&%$#_{}", *text) ? "\\%c" : "%c", *text);
}

static const form markdown = { "| ", " | ", " |\n", " ± ", "", "", "-", add_markdown };
static const form latex = { "", " & ", " \\\\\n", " \\pm ", "$", "$", "--", add_latex };

static void add_value(const form *f, const tsr_value *value, tsr_text *out)
{
    tsr_text label = { 0 };
    tsr_print_label(value, &label);
    out->failed = out->failed || label.failed;
    f->add_text(label.chars ? label.chars : "", out);
    free(label.chars);
}

/* Of n values; fewer than the row's runs are said. */
static void add_statistic(const form *f, const tsr_statistic *s, size_t runs, int decimals, tsr_text *out)
{
    if (isnan(s->mean)) {
        tsr_text_add(out, "%s", f->none);
        return;
    }
    tsr_text_add(out, "%s%.*f", f->number_before, decimals, s->mean);
    if (s->n > 1)
        tsr_text_add(out, "%s%.*f", f->plus_minus, decimals ? decimals : 1, s->interval);
    tsr_text_add(out, "%s", f->number_after);
    if (s->n != runs)
        tsr_text_add(out, " (n = %zu)", s->n);
}

static void add_heading(const tsr_selection *s, const form *f, tsr_text *out)
{
    tsr_text_add(out, "%s", f->before);
    for (size_t k = 0; k < s->summary->results->n_keys; k++) {
        f->add_text(s->summary->results->keys[k].name, out);
        tsr_text_add(out, "%s", f->between);
    }
    tsr_text_add(out, "epoch%sn", f->between);
    for (size_t m = 0; m < s->n_measures; m++) {
        tsr_text_add(out, "%s", f->between);
        f->add_text(measure_name(s, m), out);
    }
    tsr_text_add(out, "%s", f->after);
}

static void add_row(const tsr_selection *s, const form *f, size_t row, tsr_text *out)
{
    const tsr_point *point = point_at(s, row);
    size_t runs = point->snapshots[s->rows[row].epoch];
    tsr_text_add(out, "%s", f->before);
    for (size_t k = 0; k < s->summary->results->n_keys; k++) {
        add_value(f, tsr_summary_value(s->summary, s->rows[row].point, k), out);
        tsr_text_add(out, "%s", f->between);
    }
    tsr_text_add(out, "%.0f%s%zu", point->epochs[s->rows[row].epoch], f->between, runs);
    if (point->failed)
        tsr_text_add(out, " (%zu failed)", point->failed);
    for (size_t m = 0; m < s->n_measures; m++) {
        tsr_text_add(out, "%s", f->between);
        add_statistic(f, statistic_at(s, row, m), runs, tsr_summary_decimals(s->summary, s->measures[m]),
                      out);
    }
    tsr_text_add(out, "%s", f->after);
}

static bool has_interval(const tsr_selection *s)
{
    for (size_t row = 0; row < s->n_rows; row++)
        for (size_t m = 0; m < s->n_measures; m++)
            if (statistic_at(s, row, m)->n > 1)
                return true;
    return false;
}

static void write_markdown(const tsr_selection *s, tsr_text *out)
{
    size_t keys = s->summary->results->n_keys;
    add_heading(s, &markdown, out);
    tsr_text_add(out, "|");
    for (size_t column = 0; column < keys + 2 + s->n_measures; column++)
        tsr_text_add(out, column < keys ? "---|" : "---:|");
    tsr_text_add(out, "\n");
    for (size_t row = 0; row < s->n_rows; row++)
        add_row(s, &markdown, row, out);
    if (has_interval(s))
        tsr_text_add(out, "\n%s\n", TSR_INTERVAL_LEGEND);
}

static void write_latex(const tsr_selection *s, tsr_text *out)
{
    tsr_text_add(out, "%% \\usepackage{booktabs}\n\\begin{tabular}{");
    for (size_t column = 0; column < s->summary->results->n_keys + 2 + s->n_measures; column++)
        tsr_text_add(out, column < s->summary->results->n_keys ? "l" : "r");
    tsr_text_add(out, "}\n\\toprule\n");
    add_heading(s, &latex, out);
    tsr_text_add(out, "\\midrule\n");
    for (size_t row = 0; row < s->n_rows; row++)
        add_row(s, &latex, row, out);
    tsr_text_add(out, "\\bottomrule\n\\end{tabular}\n");
    if (has_interval(s))
        tsr_text_add(out, "%% %s\n", TSR_INTERVAL_LEGEND);
}

/* --- for programs --- */

/* A spreadsheet would take a text with such a beginning for a formula. */
static void add_csv_text(const char *text, bool defused, tsr_text *out)
{
    char *quoted = defused && *text && strchr("=+-@\t\r", *text) ? tsr_format("'%s", text) : strdup(text);
    out->failed = out->failed || !quoted;
    if (quoted)
        tsr_csv_add_text(quoted, out);
    free(quoted);
}

static void add_csv_value(const tsr_value *value, bool defused, tsr_text *out)
{
    if (!defused || !value || value->type < TSR_VALUE_STRING) {
        tsr_csv_add_value(value, out);
        return;
    }
    tsr_text text = { 0 };
    tsr_print_label(value, &text);
    out->failed = out->failed || text.failed;
    add_csv_text(text.chars ? text.chars : "", defused, out);
    free(text.chars);
}

static void write_csv_heading(const tsr_selection *s, bool defused, tsr_text *out)
{
    static const char *const kinds[] = { "mean", "sd", "ci95", "n" };
    for (size_t k = 0; k < s->summary->results->n_keys; k++) {
        add_csv_text(s->summary->results->keys[k].name, defused, out);
        tsr_text_add(out, ",");
    }
    tsr_text_add(out, "epoch,n,failed");
    for (size_t m = 0; m < s->n_measures; m++)
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
            char *name = tsr_format("%s.%s", measure_name(s, m), kinds[i]);
            out->failed = out->failed || !name;
            tsr_text_add(out, ",");
            add_csv_text(name ? name : "", defused, out);
            free(name);
        }
    tsr_text_add(out, "\n");
}

static void write_rows(const tsr_selection *s, bool defused, tsr_text *out)
{
    write_csv_heading(s, defused, out);
    for (size_t row = 0; row < s->n_rows; row++) {
        const tsr_point *point = point_at(s, row);
        for (size_t k = 0; k < s->summary->results->n_keys; k++) {
            add_csv_value(tsr_summary_value(s->summary, s->rows[row].point, k), defused, out);
            tsr_text_add(out, ",");
        }
        tsr_text_add(out, "%.0f,%zu,%zu", point->epochs[s->rows[row].epoch],
                     point->snapshots[s->rows[row].epoch], point->failed);
        for (size_t m = 0; m < s->n_measures; m++) {
            const tsr_statistic *statistic = statistic_at(s, row, m);
            const double numbers[] = { statistic->mean, statistic->deviation, statistic->interval };
            for (size_t i = 0; i < 3; i++) {
                tsr_text_add(out, ",");
                tsr_csv_add_real(numbers[i], out);
            }
            tsr_text_add(out, ",%zu", statistic->n);
        }
        tsr_text_add(out, "\n");
    }
}

static void write_csv(const tsr_selection *s, tsr_text *out)
{
    write_rows(s, false, out);
}

static void write_spreadsheet(const tsr_selection *s, tsr_text *out)
{
    write_rows(s, true, out);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *row_to_json(const tsr_selection *s, size_t row)
{
    const tsr_point *point = point_at(s, row);
    json_t *values = json_object(), *metrics = json_object();
    int failed = 0;
    for (size_t k = 0; k < s->summary->results->n_keys; k++)
        failed |=
            json_object_set_new(values, s->summary->results->keys[k].name,
                                tsr_value_to_json(tsr_summary_value(s->summary, s->rows[row].point, k)));
    for (size_t m = 0; m < s->n_measures; m++) {
        const tsr_statistic *statistic = statistic_at(s, row, m);
        failed |= json_object_set_new(metrics, measure_name(s, m),
                                      json_pack("{s:o, s:o, s:o, s:I}", "mean", number(statistic->mean), "sd",
                                                number(statistic->deviation), "ci95",
                                                number(statistic->interval), "n", (json_int_t)statistic->n));
    }
    json_t *out = json_pack("{s:o, s:I, s:I, s:I, s:o}", "values", values, "epoch",
                            (json_int_t)point->epochs[s->rows[row].epoch], "n",
                            (json_int_t)point->snapshots[s->rows[row].epoch], "failed",
                            (json_int_t)point->failed, "metrics", metrics);
    if (!failed || !out)
        return out;
    json_decref(out);
    return NULL;
}

static void write_json(const tsr_selection *s, tsr_text *out)
{
    const char *name = tsr_value_text(tsr_value_member(s->summary->results->config, "name"));
    json_t *rows = json_array(), *all = json_pack("{s:s?, s:o}", "experiment", name, "rows", rows);
    bool failed = !all;
    for (size_t row = 0; row < s->n_rows && !failed; row++)
        failed = json_array_append_new(rows, row_to_json(s, row)) != 0;
    char *text = failed ? NULL : tsr_json_dump(all, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (text)
        tsr_text_add(out, "%s\n", text);
    out->failed = out->failed || !text;
    free(text);
    json_decref(all);
}

tsr_status *tsr_selection_write(const tsr_selection *selection, tsr_table_format format, tsr_text *out)
{
    static void (*const writers[])(const tsr_selection *, tsr_text *) = {
        [TSR_TABLE_MARKDOWN] = write_markdown, [TSR_TABLE_LATEX] = write_latex,
        [TSR_TABLE_CSV] = write_csv,           [TSR_TABLE_SPREADSHEET] = write_spreadsheet,
        [TSR_TABLE_JSON] = write_json,
    };
    writers[format](selection, out);
    return out->failed ? tsr_no_memory("a table") : NULL;
}
