/* tessera status: how studies are, a block of lines for each. */
#include "cli/amount.h"
#include "cli/cli.h"

#include "session/status.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LISTED 20 /* runs of a study */

static void print_seconds(double seconds)
{
    if (seconds < 60)
        printf("%.0f s", ceil(seconds));
    else if (seconds < 3600)
        printf("%.0f min", ceil(seconds / 60));
    else if (seconds < 48 * 3600.0)
        printf("%.0f h %02.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
    else
        printf("%.0f days", ceil(seconds / 86400));
}

static void print_time_left(const tsr_study_status *status)
{
    if (status->missing + status->failed + status->running == 0)
        return;
    printf("  time left  ");
    if (isnan(status->seconds_left)) {
        printf("not known yet\n");
        return;
    }
    printf("about ");
    print_seconds(status->seconds_left);
    printf(status->processes ? "\n" : ", one run after the other; no process is doing runs\n");
}

static void print_disk(const tsr_study_status *status)
{
    static const char *const names[TSR_N_LEAVINGS] = { "records", "models",    "states",
                                                       "codes",   "of probes", "unfinished" };
    printf("  disk       ");
    tsr_cli_print_bytes((double)tsr_study_status_bytes(status));
    const char *before = " (";
    for (size_t i = 0; i < TSR_N_LEAVINGS; i++)
        if (status->bytes[i]) {
            printf("%s%s ", before, names[i]);
            tsr_cli_print_bytes((double)status->bytes[i]);
            before = ", ";
        }
    printf("%stables ", before);
    tsr_cli_print_bytes((double)status->tables);
    printf(")\n");
}

static void print_runs(const tsr_study_status *status)
{
    for (size_t i = 0; i < status->n_listed && i < MAX_LISTED; i++) {
        const tsr_study_run *run = &status->listed[i];
        if (run->running)
            printf("  run %s is at epoch %zu of %zu\n", run->id, run->epoch, run->epochs);
        else if (run->checkpoint)
            printf("  run %s was ended and has a checkpoint, after epoch %zu\n", run->id, run->checkpoint);
        else
            printf("  run %s: %s\n", run->id, run->reason ? run->reason : "no reason was given");
    }
    if (status->n_listed > MAX_LISTED)
        printf("  ... and %zu more runs that failed, diverged, were ended or are running\n",
               status->n_listed - MAX_LISTED);
}

static void print(const tsr_study_status *status)
{
    printf("%s: %zu run%s: %zu done, %zu failed, %zu diverged, %zu running, %zu missing\n", status->folder,
           status->runs, status->runs == 1 ? "" : "s", status->done, status->failed, status->diverged,
           status->running, status->missing);
    print_time_left(status);
    print_disk(status);
    if (status->foreign)
        printf("  besides    %zu run%s that the config's sweep does not have\n", status->foreign,
               status->foreign == 1 ? "" : "s");
    print_runs(status);
}

int tsr_cli_status(int argc, char **argv)
{
    static const struct option longs[] = { { NULL, 0, NULL, 0 } };
    if (getopt_long(argc, argv, "", longs, NULL) != -1)
        return tsr_cli_report(tsr_fail(TSR_USAGE, "see tessera status --help"));
    if (optind == argc)
        return tsr_cli_report(
            tsr_fail(TSR_USAGE, "tessera status: expected one DIR or more; see tessera status --help"));
    int exit_status = TSR_EXIT_DONE;
    for (int i = optind; i < argc; i++) {
        tsr_study_status status;
        tsr_status *failure = tsr_study_status_read(argv[i], &status);
        if (failure) { /* the others are told all the same */
            exit_status = tsr_cli_report(failure);
            continue;
        }
        print(&status);
        tsr_study_status_clear(&status);
    }
    return exit_status;
}
