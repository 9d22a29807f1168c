/* tessera clean: what a study no longer needs goes away. */
#include "cli/amount.h"
#include "cli/cli.h"

#include "base/file.h"
#include "session/clean.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static tsr_status *parse(int argc, char **argv, tsr_clean_options *out, const char **folder)
{
    static const struct option longs[] = { { "failed", no_argument, NULL, 'f' },
                                           { "outside", no_argument, NULL, 'o' },
                                           { "models", no_argument, NULL, 'm' },
                                           { "codes", no_argument, NULL, 'c' },
                                           { "dry-run", no_argument, NULL, 'n' },
                                           { "no-lock", no_argument, NULL, 'L' },
                                           { NULL, 0, NULL, 0 } };
    int option;
    while ((option = getopt_long(argc, argv, "n", longs, NULL)) != -1) {
        if (option == '?')
            return tsr_fail(TSR_USAGE, "see tessera clean --help");
        out->failed = out->failed || option == 'f';
        out->outside = out->outside || option == 'o';
        out->models = out->models || option == 'm';
        out->codes = out->codes || option == 'c';
        out->pretend = out->pretend || option == 'n';
        out->unlocked = out->unlocked || option == 'L';
    }
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera clean: expected one DIR, not %d; see tessera clean --help",
                        argc - optind);
    if (!out->failed && !out->outside && !out->models && !out->codes)
        return tsr_fail(TSR_USAGE,
                        "tessera clean: expected --failed, --outside, --models or --codes, what is to go");
    *folder = argv[optind];
    return NULL;
}

static void print(const char *folder, const tsr_clean_options *options, const tsr_cleaned *cleaned)
{
    static const char *const names[TSR_N_LEAVINGS][2] = { { "record", "records" },
                                                          { "model", "models" },
                                                          { "state of a training", "states of trainings" },
                                                          { "file of codes", "files of codes" },
                                                          { "file of probes", "files of probes" },
                                                          { "unfinished file", "unfinished files" } };
    double bytes = 0;
    const char *before = " (";
    printf("%s: %s ", folder, options->pretend ? "would free" : "freed");
    for (size_t i = 0; i < TSR_N_LEAVINGS; i++)
        bytes += (double)cleaned->bytes[i];
    tsr_cli_print_bytes(bytes);
    if (options->failed || options->outside) {
        printf("%s%zu run%s", before, cleaned->runs, cleaned->runs == 1 ? "" : "s");
        before = ", ";
    }
    for (size_t i = 0; i < TSR_N_LEAVINGS; i++)
        if (cleaned->files[i]) {
            printf("%s%zu %s", before, cleaned->files[i], names[i][cleaned->files[i] != 1]);
            before = ", ";
        }
    printf(*before == ',' ? ")\n" : "\n");
}

int tsr_cli_clean(int argc, char **argv)
{
    tsr_clean_options options = { 0 };
    const char *shown = NULL;
    char *folder = NULL;
    tsr_cleaned cleaned;
    tsr_status *status = parse(argc, argv, &options, &shown);
    if (!status)
        status = tsr_path_real(shown, &folder);
    if (!status)
        status = tsr_clean(folder, shown, &options, &cleaned);
    if (!status)
        print(shown, &options, &cleaned);
    free(folder);
    return tsr_cli_report(status);
}
