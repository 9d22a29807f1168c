/* tessera verify: whether runs give again what they gave. */
#include "cli/amount.h"
#include "cli/cli.h"
#include "cli/interrupt.h"

#include "base/file.h"
#include "experiment/schema.h"
#include "session/verify.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_SAMPLE 3

static tsr_status *parse_count(const char *text, size_t *out)
{
    const char *end = tsr_cli_parse_count(text, TSR_MAX_RUNS, out);
    if (!end || *end)
        return tsr_fail(TSR_USAGE, "tessera verify: --sample %s: expected a number of runs, 0 for all", text);
    return NULL;
}

static tsr_status *parse(int argc, char **argv, size_t *sample, const char **folder)
{
    static const struct option longs[] = { { "sample", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;
    *sample = DEFAULT_SAMPLE;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option != 's')
            return tsr_fail(TSR_USAGE, "see tessera verify --help");
        TSR_TRY(parse_count(optarg, sample));
    }
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera verify: expected one DIR, not %d; see tessera verify --help",
                        argc - optind);
    *folder = argv[optind];
    return NULL;
}

static void print_run(void *unused, const char *id, const char *difference)
{
    (void)unused;
    if (difference)
        printf("run %s differs: %s\n", id, difference);
    else
        printf("run %s is the same, bit for bit\n", id);
    fflush(stdout);
}

static void print_damaged(void *unused, const char *id, const char *reason)
{
    (void)unused;
    printf("run %s is damaged: %s\n", id, reason);
    fflush(stdout);
}

static void print_sum(const char *folder, const tsr_verified *verified)
{
    if (verified->compared)
        printf("%s: %zu of %zu finished runs were done again: %zu the same, %zu differ\n", folder,
               verified->compared, verified->done, verified->compared - verified->differ, verified->differ);
    if (verified->damaged)
        printf("%s: %zu damaged record%s: 'tessera run %s' does such runs again\n", folder, verified->damaged,
               verified->damaged == 1 ? "" : "s", folder);
}

int tsr_cli_verify(int argc, char **argv)
{
    const tsr_verify_observer observer = { .interrupted = tsr_interrupt_came,
                                           .compared = print_run,
                                           .damaged = print_damaged };
    tsr_verified verified = { 0 };
    const char *shown = NULL;
    char *folder = NULL;
    size_t sample;
    tsr_status *status = parse(argc, argv, &sample, &shown);
    if (!status)
        status = tsr_path_real(shown, &folder);
    if (!status) {
        tsr_interrupt_watch();
        status = tsr_verify(folder, shown, sample, &observer, &verified);
    }
    print_sum(shown, &verified);
    free(folder);
    int exit_status = tsr_cli_report(status);
    return exit_status == TSR_EXIT_DONE && (verified.differ || verified.damaged) ? TSR_EXIT_FAILED
                                                                                 : exit_status;
}
