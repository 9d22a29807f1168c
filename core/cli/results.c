/* tessera results: tables of a study for a paper or a program, on standard output. */
#include "cli/cli.h"

#include "base/memory.h"
#include "report/results.h"
#include "report/selection.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    const char *folder;
    const char **metrics, **conditions;
    tsr_selection_wish wish;
    tsr_table_format format;
} arguments;

static tsr_status *parse_format(const char *word, tsr_table_format *out)
{
    static const char *const names[] = { [TSR_TABLE_MARKDOWN] = "md",
                                         [TSR_TABLE_LATEX] = "latex",
                                         [TSR_TABLE_CSV] = "csv",
                                         [TSR_TABLE_SPREADSHEET] = "spreadsheet",
                                         [TSR_TABLE_JSON] = "json" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(word, names[i]) == 0) {
            *out = (tsr_table_format)i;
            return NULL;
        }
    return tsr_fail(TSR_USAGE, "tessera results: --format %s: expected csv, json, latex, md or spreadsheet",
                    word);
}

static tsr_status *take_option(int option, arguments *out)
{
    if (option == 'm')
        out->metrics[out->wish.n_metrics++] = optarg;
    else if (option == 'a')
        out->wish.all_epochs = true;
    else if (option == 'f')
        return parse_format(optarg, &out->format);
    else if (option == 'w' && (!strchr(optarg, '=') || *optarg == '='))
        return tsr_fail(TSR_USAGE, "tessera results: --where %s: expected KEY=VALUE", optarg);
    else if (option == 'w')
        out->conditions[out->wish.n_conditions++] = optarg;
    else
        return tsr_fail(TSR_USAGE, "see tessera results --help");
    return NULL;
}

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    static const struct option longs[] = { { "metric", required_argument, NULL, 'm' },
                                           { "where", required_argument, NULL, 'w' },
                                           { "all-epochs", no_argument, NULL, 'a' },
                                           { "format", required_argument, NULL, 'f' },
                                           { NULL, 0, NULL, 0 } };
    int option;
    out->metrics = tsr_alloc((size_t)argc, sizeof(*out->metrics));
    out->conditions = tsr_alloc((size_t)argc, sizeof(*out->conditions));
    if (!out->metrics || !out->conditions)
        return tsr_no_memory("the command line");
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
        TSR_TRY(take_option(option, out));
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera results: expected one DIR, not %d; see tessera results --help",
                        argc - optind);
    out->folder = argv[optind];
    out->wish.metrics = out->metrics;
    out->wish.conditions = out->conditions;
    return NULL;
}

static tsr_status *show(const arguments *given, const tsr_summary *summary)
{
    tsr_selection selection;
    tsr_text text = { 0 };
    TSR_TRY(tsr_selection_new(summary, &given->wish, &selection));
    tsr_status *status = tsr_selection_write(&selection, given->format, &text);
    if (!status && text.chars)
        fputs(text.chars, stdout);
    free(text.chars);
    tsr_selection_clear(&selection);
    return status;
}

int tsr_cli_results(int argc, char **argv)
{
    arguments given = { 0 };
    tsr_results *results = NULL;
    tsr_summary *summary = NULL;
    tsr_status *status = parse(argc, argv, &given);
    if (!status)
        status = tsr_results_read(given.folder, 0, NULL, &results);
    if (!status)
        status = tsr_summary_new(results, &summary);
    if (!status)
        status = show(&given, summary);
    tsr_summary_free(summary);
    tsr_results_free(results);
    free(given.metrics);
    free(given.conditions);
    return tsr_cli_report(status);
}
