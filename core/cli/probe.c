/* tessera probe: measures codes that another program made, without a network, or those of a finished study
   again; without training. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/text.h"
#include "config/read.h"
#include "cli/amount.h"
#include "cli/display.h"
#include "cli/interrupt.h"
#include "host/foreign.h"
#include "host/more_probes.h"

#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>
#include <unistd.h>

#define MORE "; see tessera probe --help"

typedef struct options {
    tsr_foreign_files files;
    const char *output, *results; /* results: a study's folder; NULL: codes of files are measured */
    const char **sets;
    size_t n_sets;
} options;

static tsr_status *parse_bits(const char *text, size_t *out)
{
    const char *end = tsr_cli_parse_count(text, UINT_MAX, out);
    if (!end || *end || *out < 1)
        return tsr_fail(TSR_USAGE, "--bits %s: expected the bits of a code, 1 to %u", text, UINT_MAX);
    return NULL;
}

static tsr_status *parse_order(const char *text, bool *highest_first)
{
    *highest_first = strcmp(text, "big") == 0;
    if (!*highest_first && strcmp(text, "little") != 0)
        return tsr_fail(TSR_USAGE,
                        "--bitorder %s: expected little (as Tessera saves codes) or big "
                        "(numpy.packbits' default)",
                        text);
    return NULL;
}

static tsr_status *parse_threshold(const char *text, tsr_foreign_files *files)
{
    char *end;
    files->has_threshold = true;
    files->threshold = tsr_parse_real(text, &end);
    if (end == text || *end || !isfinite(files->threshold))
        return tsr_fail(TSR_USAGE, "--threshold %s: expected a number", text);
    return NULL;
}

/* CODES, and LABELS where a word follows that is no option. */
static tsr_status *parse_part(int argc, char **argv, const char *name, int part, tsr_foreign_files *files)
{
    if (files->codes[part])
        return tsr_fail(TSR_USAGE, "--%s is given twice" MORE, name);
    files->codes[part] = optarg;
    if (optind < argc && argv[optind][0] != '-')
        files->labels[part] = argv[optind++];
    return NULL;
}

static tsr_status *check_together(const options *given)
{
    const tsr_foreign_files *files = &given->files;
    if (given->results && (given->output || files->codes[0] || files->codes[1] || files->bits ||
                           files->highest_first || files->has_threshold))
        return tsr_fail(TSR_USAGE, "a results folder takes -s alone" MORE);
    if (given->results)
        return NULL;
    if (!files->codes[0] || !files->codes[1])
        return tsr_fail(TSR_USAGE,
                        "expected --train CODES LABELS and --test CODES LABELS, or a results folder" MORE);
    if (!files->labels[0] != !files->labels[1])
        return tsr_fail(TSR_USAGE, "only the %s codes have labels: expected those of both, or none" MORE,
                        files->labels[0] ? "training" : "test");
    if (files->has_threshold && (files->bits || files->highest_first))
        return tsr_fail(TSR_USAGE, "--threshold is for numbers, --bits and --bitorder are for packed bits: "
                                   "expected one of them");
    if (given->output && !*given->output)
        return tsr_fail(TSR_USAGE, "expected a folder behind -o");
    return NULL;
}

static tsr_status *parse(int argc, char **argv, options *out)
{
    static const struct option longs[] = {
        { "train", required_argument, NULL, 'R' },     { "test", required_argument, NULL, 'E' },
        { "bits", required_argument, NULL, 'b' },      { "bitorder", required_argument, NULL, 'O' },
        { "threshold", required_argument, NULL, 't' }, { "set", required_argument, NULL, 's' },
        { "output", required_argument, NULL, 'o' },    { NULL, 0, NULL, 0 }
    };
    *out = (options){ .sets = tsr_alloc((size_t)argc, sizeof(char *)) };
    if (!out->sets)
        return tsr_no_memory("the command line");
    int option;
    while ((option = getopt_long(argc, argv, "s:o:", longs, NULL)) != -1) {
        if (option == 'R')
            TSR_TRY(parse_part(argc, argv, "train", 0, &out->files));
        else if (option == 'E')
            TSR_TRY(parse_part(argc, argv, "test", 1, &out->files));
        else if (option == 'b')
            TSR_TRY(parse_bits(optarg, &out->files.bits));
        else if (option == 'O')
            TSR_TRY(parse_order(optarg, &out->files.highest_first));
        else if (option == 't')
            TSR_TRY(parse_threshold(optarg, &out->files));
        else if (option == 's')
            out->sets[out->n_sets++] = optarg;
        else if (option == 'o')
            out->output = optarg;
        else
            return tsr_fail(TSR_USAGE, "see tessera probe --help");
    }
    if (optind < argc && !out->files.codes[0] && !out->files.codes[1])
        out->results = argv[optind++];
    return optind < argc ? tsr_fail(TSR_USAGE, "'%s' is too much" MORE, argv[optind]) : check_together(out);
}

/* What the command line sets, as a config without a file. */
static tsr_status *read_settings(const options *given, tsr_value **out)
{
    TSR_TRY(tsr_config_make(given->n_sets, given->sets, out));
    char *here = getcwd(NULL, 0);
    tsr_origin *origin = here ? tsr_origin_new(TSR_ORIGIN_DEFAULT, NULL, 0, here) : NULL;
    free(here);
    if (!origin) {
        tsr_value_free(*out);
        return tsr_no_memory("settings");
    }
    tsr_value_set_origin(*out, origin);
    tsr_origin_release(origin);
    return NULL;
}

static void print(const tsr_foreign *foreign)
{
    printf("%-40s %zu\n", "code.bits", foreign->codes[0]->bits);
    for (size_t i = 0; i < foreign->n_probes; i++)
        for (size_t j = 0; foreign->metrics[i] && j < tsr_metrics_count(foreign->metrics[i]); j++) {
            tsr_metric_value metric = tsr_metrics_get(foreign->metrics[i], j);
            char *name = tsr_format("%s.%s", tsr_metrics_label(foreign->metrics[i]), metric.name);
            if (isnan(metric.value))
                printf("%-40s undefined%s%s\n", name ? name : metric.name, metric.reason ? ": " : "",
                       metric.reason ? metric.reason : "");
            else
                printf("%-40s %.6g\n", name ? name : metric.name, metric.value);
            free(name);
        }
}

/* The exit status. */
static int measure(tsr_foreign *foreign, const options *given, const char *folder)
{
    tsr_guard_exit_status(TSR_EXIT_FAILED); /* from here on nothing is refused, it fails */
    tsr_output_divert();
    tsr_status *status = tsr_foreign_measure(foreign, folder, given->output);
    tsr_output_restore();
    bool done = !status;
    int exit_status = tsr_cli_report(status);
    if (done) {
        print(foreign);
        if (folder)
            printf("results in %s\n", given->output);
    }
    return done && foreign->n_failed ? TSR_EXIT_FAILED : exit_status;
}

static int probe(const options *given)
{
    tsr_value *settings = NULL;
    tsr_foreign foreign = { 0 };
    char *folder = NULL;
    tsr_set_threads(tsr_cores());
    tsr_status *status = given->output ? tsr_path_real(given->output, &folder) : NULL;
    if (!status)
        status = read_settings(given, &settings);
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_foreign_read(&given->files, settings, &foreign);
    tsr_output_restore();
    int exit_status = status ? tsr_cli_report(status) : measure(&foreign, given, folder);
    tsr_guard_exit_status(exit_status);
    tsr_foreign_clear(&foreign);
    tsr_value_free(settings);
    free(folder);
    return exit_status;
}

static void begin(void *context, const tsr_progress *progress)
{
    (void)context;
    (void)progress;
    tsr_guard_exit_status(TSR_EXIT_FAILED); /* from here on nothing is refused, it fails */
    tsr_interrupt_watch();
}

static tsr_status *show(void *context, const tsr_summary *summary)
{
    tsr_output_restore();
    tsr_status *status = tsr_display_summary(context, summary);
    tsr_output_divert();
    return status;
}

/* The exit status. */
static int add_probes(const options *given)
{
    const tsr_session_observer observer = { .begin = begin, .interrupted = tsr_interrupt_came, .show = show };
    size_t failed = 0;
    char *folder = NULL;
    tsr_status *status = tsr_path_real(given->results, &folder);
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_add_probes(folder, given->results, given->n_sets, given->sets, &observer, &failed);
    tsr_output_restore();
    bool done = !status;
    int exit_status = tsr_cli_report(status);
    if (done)
        printf("results in %s\n", given->results);
    free(folder);
    return done && failed ? TSR_EXIT_FAILED : exit_status;
}

int tsr_cli_probe(int argc, char **argv)
{
    options given;
    tsr_status *status = tsr_context(parse(argc, argv, &given), "tessera probe");
    int exit_status = status ? tsr_cli_report(status) : given.results ? add_probes(&given) : probe(&given);
    free(given.sets);
    return exit_status;
}
