/* tessera report: tables and plots from a results folder alone, or from several side by side. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/display.h"
#include "cli/page.h"
#include "report/differences.h"
#include "report/figures.h"
#include "report/report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_THRESHOLDS = 3, TABLE_WIDTH = 80 };

#define COMPARISON "comparison.html" /* in the working folder: it is no study's own */

typedef struct arguments {
    const char *const *folders;
    size_t n_folders;
    const char *output;
    const char *figures; /* the folder for them; NULL: the page is wanted */
    tsr_figure_options form;
    bool has_form;
    size_t n;
    char *sets[N_THRESHOLDS]; /* the thresholds as settings of the config */
} arguments;

/* A threshold is a key of the config: it is checked where that is. The last one given counts. */
static tsr_status *set_threshold(arguments *given, const char *key, const char *value)
{
    char *text = tsr_format("report.%s=%s", key, value);
    if (!text)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the command line");
    if (given->n == N_THRESHOLDS) {
        free(text);
        return tsr_fail(TSR_USAGE, "tessera report: a threshold is given twice; see tessera report --help");
    }
    given->sets[given->n++] = text;
    return NULL;
}

static tsr_status *set_format(arguments *given, const char *word)
{
    given->has_form = true;
    for (int i = 0; i < TSR_N_FIGURE_FORMATS; i++)
        if (strcmp(word, tsr_figure_formats[i]) == 0) {
            given->form.format = (tsr_figure_format)i;
            return NULL;
        }
    return tsr_fail(TSR_USAGE, "tessera report: --format %s: expected svg, pdf or png", word);
}

static tsr_status *set_width(arguments *given, const char *word)
{
    char *end;
    given->has_form = true;
    given->form.width = tsr_parse_real(word, &end);
    if (*word && !*end && given->form.width >= 20 && given->form.width <= 1000)
        return NULL;
    return tsr_fail(TSR_USAGE, "tessera report: --width %s: expected millimetres, 20 to 1000", word);
}

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    static const struct option longs[] = {
        { "output", required_argument, NULL, 'o' },     { "under", required_argument, NULL, 'u' },
        { "sufficient", required_argument, NULL, 'S' }, { "within", required_argument, NULL, 'w' },
        { "figures", required_argument, NULL, 'f' },    { "format", required_argument, NULL, 'F' },
        { "width", required_argument, NULL, 'W' },      { NULL, 0, NULL, 0 }
    };
    int option;
    while ((option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
        if (option == 'o')
            out->output = optarg;
        else if (option == 'f')
            out->figures = optarg;
        else if (option == 'F')
            TSR_TRY(set_format(out, optarg));
        else if (option == 'W')
            TSR_TRY(set_width(out, optarg));
        else if (option == 'u')
            TSR_TRY(set_threshold(out, "under_expressive", optarg));
        else if (option == 'S')
            TSR_TRY(set_threshold(out, "sufficiently_expressive", optarg));
        else if (option == 'w')
            TSR_TRY(set_threshold(out, "accuracy_within", optarg));
        else
            return tsr_fail(TSR_USAGE, "see tessera report --help");
    }
    if (argc - optind < 1)
        return tsr_fail(TSR_USAGE, "tessera report: expected DIR, or several; see tessera report --help");
    out->folders = (const char *const *)argv + optind;
    out->n_folders = (size_t)(argc - optind);
    if (out->figures && out->output)
        return tsr_fail(TSR_USAGE,
                        "tessera report: --output is of the page, --figures draws none; give one of them");
    if (out->has_form && !out->figures)
        return tsr_fail(TSR_USAGE,
                        "tessera report: --format and --width are of --figures DIR, which is missing");
    return NULL;
}

/* A page that went to stdout is not to end in a word of ours. */
static bool may_be_stdout(const char *path)
{
    struct stat info, out;
    if (stat(path, &info) != 0 || fstat(STDOUT_FILENO, &out) != 0)
        return false;
    return !S_ISREG(info.st_mode) || (info.st_dev == out.st_dev && info.st_ino == out.st_ino);
}

static tsr_status *write_figures(const arguments *given, const tsr_summary *summary)
{
    size_t n;
    TSR_TRY(tsr_report_write_figures(summary, given->figures, &given->form, &n));
    printf("%zu figure%s in %s\n", n, n == 1 ? "" : "s", given->figures);
    if (given->n_folders > 1)
        TSR_TRY(tsr_report_write_differences(summary, given->figures));
    return NULL;
}

static tsr_status *write_page(const arguments *given, const tsr_summary *summary)
{
    if (!given->output)
        TSR_TRY(tsr_report_write_summary(summary));
    TSR_TRY(tsr_report_write_page(summary, &(tsr_page_options){ .path = given->output }));
    if (given->output && may_be_stdout(given->output))
        tsr_log_info("report in %s", given->output);
    else if (given->output)
        printf("report in %s\n", given->output);
    else
        printf("report in %s/report.html\n", given->folders[0]);
    return NULL;
}

/* The differences, and what stands in their way, by name. */
static tsr_status *print_differences(const tsr_summary *summary)
{
    const tsr_results *results = summary->results;
    tsr_differences differences;
    tsr_text text = { 0 };
    tsr_screen screen = { tsr_terminal_width(STDOUT_FILENO, TABLE_WIDTH), tsr_terminal_lines(STDOUT_FILENO) };
    TSR_TRY(tsr_differences_new(summary, &differences));
    tsr_differences_write_table(&differences, screen, &text);
    tsr_status *status = text.failed ? tsr_no_memory("the differences") : NULL;
    if (!status)
        printf("%s", text.chars ? text.chars : "");
    for (size_t s = 1; s < results->n_studies && !status; s++) {
        const char *reference = tsr_comparison_label(results, 0), *other = tsr_comparison_label(results, s);
        size_t shared = 0;
        status = tsr_comparison_count_shared(results, s, &shared);
        if (shared)
            printf("%s and %s share %zu run%s, by their ids\n", reference, other, shared,
                   shared == 1 ? "" : "s");
        if (differences.lone[s] || differences.lacking[s])
            printf("settings of one study only, without a difference: %zu of %s, %zu of %s\n",
                   differences.lacking[s], reference, differences.lone[s], other);
    }
    free(text.chars);
    tsr_differences_clear(&differences);
    return status;
}

/* Each thing in which they differ. */
static tsr_status *print_contrast(const tsr_results *results)
{
    tsr_page page = tsr_page_of_stdout();
    tsr_contrast contrast;
    tsr_status *status = tsr_contrast_find(results, &contrast);
    if (!status)
        printf(contrast.n ? "what differs:\n"
                          : "nothing differs: keys, metrics, data and plugins are the same\n");
    for (size_t i = 0; i < contrast.n && !status; i++) {
        const tsr_contrast_row *row = &contrast.rows[i];
        tsr_text line = { 0 };
        tsr_text_add(&line, "%s:", row->what);
        for (size_t s = 0; s < contrast.n_studies; s++)
            tsr_text_add(&line, "%s %s", s ? " |" : "", row->texts[s] ? row->texts[s] : "–");
        if (line.failed)
            status = tsr_no_memory("what differs");
        else
            tsr_page_paragraph(&page, 2, NULL, line.chars);
        free(line.chars);
    }
    tsr_contrast_clear(&contrast);
    return status;
}

static tsr_status *write_comparison(const arguments *given, const tsr_summary *summary)
{
    const char *path = given->output ? given->output : COMPARISON;
    TSR_TRY(tsr_report_write_page(summary, &(tsr_page_options){ .path = path }));
    if (may_be_stdout(path)) {
        tsr_log_info("comparison in %s", path);
        return NULL;
    }
    TSR_TRY(print_differences(summary));
    TSR_TRY(print_contrast(summary->results));
    printf("comparison in %s\n", path);
    return NULL;
}

static tsr_status *read_results(const arguments *given, tsr_results **out)
{
    const char *const *sets = (const char *const *)given->sets;
    return given->n_folders > 1 ? tsr_comparison_read(given->n_folders, given->folders, given->n, sets, out)
                                : tsr_results_read(given->folders[0], given->n, sets, out);
}

static tsr_status *report(const arguments *given)
{
    tsr_results *results = NULL;
    tsr_summary *summary = NULL;
    tsr_status *status = read_results(given, &results);
    if (!status)
        status = tsr_summary_new(results, &summary);
    if (!status)
        status = given->figures         ? write_figures(given, summary)
                 : given->n_folders > 1 ? write_comparison(given, summary)
                                        : write_page(given, summary);
    tsr_summary_free(summary);
    tsr_results_free(results);
    return status;
}

int tsr_cli_report_command(int argc, char **argv)
{
    arguments given = { .form = { TSR_FIGURE_PDF, TSR_COLUMN_WIDTH } };
    tsr_status *status = parse(argc, argv, &given);
    if (!status)
        status = report(&given);
    for (size_t i = 0; i < given.n; i++)
        free(given.sets[i]);
    return tsr_cli_report(status);
}
