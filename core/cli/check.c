/* tessera check: reads and validates an experiment, and prints it as a config with every key in it, its runs
   and about how long they will take. */
#include "cli/cli.h"

#include "base/guard.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "config/print.h"
#include "experiment/timing.h"
#include "plugin/kinds.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The values that tell the point from others. */
static void write_point(const tsr_experiment *experiment, const tsr_run *run, tsr_text *out)
{
    for (size_t i = 0; i < experiment->n_swept; i++) {
        tsr_text_add(out, "%s%s = ", i ? ", " : "  ", experiment->swept[i]);
        tsr_print_label(tsr_value_member(run->swept, experiment->swept[i]), out);
    }
}

static tsr_status *print(const tsr_experiment *experiment)
{
    tsr_text text = { 0 };
    tsr_print_config(experiment->resolved, &text);
    tsr_text_add(&text, "\n# %zu run%s\n", experiment->n_runs, experiment->n_runs == 1 ? "" : "s");
    for (size_t i = 0; i < experiment->n_runs; i++) {
        const tsr_run *run = &experiment->runs[i];
        tsr_text_add(&text, "# %s  seed %llu", run->id, (unsigned long long)run->seed);
        write_point(experiment, run, &text);
        tsr_text_add(&text, "\n");
    }
    if (text.chars && !text.failed)
        fputs(text.chars, stdout);
    fflush(stdout);
    free(text.chars);
    return text.failed ? tsr_no_memory("the experiment") : NULL;
}

/* No more digits than an estimate has: "about 40 s", "about 7 min", "about 1 h 20 min". */
static void write_about(double seconds, tsr_text *out)
{
    if (seconds < 1.5)
        tsr_text_add(out, "about a second");
    else if (seconds < 10)
        tsr_text_add(out, "about %.0f s", seconds);
    else if (seconds < 90)
        tsr_text_add(out, "about %.0f s", 5 * ceil(seconds / 5));
    else if (seconds < 3600)
        tsr_text_add(out, "about %.0f min", ceil(seconds / 60));
    else if (seconds < 36000)
        tsr_text_add(out, "about %.0f h %.0f min", floor(seconds / 3600),
                     10 * floor(fmod(seconds, 3600) / 600));
    else if (seconds < 4 * 86400)
        tsr_text_add(out, "about %.0f h", ceil(seconds / 3600));
    else
        tsr_text_add(out, "about %.0f days", ceil(seconds / 86400));
}

/* Runs at a time: what the executor is told, as far as there are cores for them. */
static size_t at_a_time(const tsr_experiment *experiment)
{
    const tsr_executor_common *common = tsr_instance_common(experiment->executor);
    size_t jobs = (size_t)common->jobs, cores = (size_t)tsr_cores(), n = jobs && jobs < cores ? jobs : cores;
    return n < experiment->n_runs ? n : experiment->n_runs;
}

/* What ends a trial may end the runs too, and is told; that none could be made is a failure. */
static tsr_status *print_time(const tsr_experiment *experiment)
{
    tsr_timing timing;
    tsr_text text = { 0 };
    tsr_status *status = tsr_experiment_time(experiment, &timing);
    if (timing.ended)
        printf("# %s\n", timing.ended);
    free(timing.ended);
    if (tsr_status_error(status) == TSR_NO_MEMORY)
        return status;
    if (status) {
        if (tsr_status_error(status) == TSR_IO)
            tsr_log_warning("how long the runs will take cannot be told: %s", tsr_status_message(status));
        else
            printf("# how long they will take cannot be told: %s\n", tsr_status_message(status));
        tsr_status_free(status);
        return NULL;
    }
    size_t jobs = at_a_time(experiment);
    tsr_text_add(&text, "# ");
    write_about(timing.seconds / (double)jobs, &text);
    if (jobs > 1) {
        tsr_text_add(&text, ", %zu runs at a time (one after the other ", jobs);
        write_about(timing.seconds, &text);
        tsr_text_add(&text, ")");
    }
    tsr_text_add(&text, ", by %.2g s of %s", timing.measured,
                 timing.tried > 1         ? "the smallest and of the largest run"
                 : experiment->n_runs > 1 ? "the first run"
                                          : "it");
    if (timing.failed)
        tsr_text_add(&text, "; probing could not be tried and is not counted");
    else if (timing.probed == 0)
        tsr_text_add(&text, "; probing took too long for a trial and is not counted");
    else if (timing.probed < 0.9)
        tsr_text_add(&text, " with probing of a %.0fth of the examples", 1 / timing.probed);
    if (text.chars && !text.failed)
        printf("%s\n", text.chars);
    free(text.chars);
    return text.failed ? tsr_no_memory("how long the runs will take") : NULL;
}

int tsr_cli_check(int argc, char **argv)
{
    static const struct option longs[] = { { "set", required_argument, NULL, 's' },
                                           { "no-timing", no_argument, NULL, 'n' },
                                           { NULL, 0, NULL, 0 } };
    const char **sets = tsr_alloc((size_t)argc, sizeof(*sets));
    tsr_status *status = sets ? NULL : tsr_no_memory("the command line");
    size_t n_sets = 0;
    bool timing = true;
    int option;
    while (!status && (option = getopt_long(argc, argv, "s:n", longs, NULL)) != -1) {
        if (option == 's')
            sets[n_sets++] = optarg;
        else if (option == 'n')
            timing = false;
        else
            status = tsr_fail(TSR_USAGE, "see tessera check --help");
    }
    if (!status && argc - optind != 1)
        status = tsr_fail(TSR_USAGE, "tessera check: expected one CONFIG, not %d; see tessera check --help",
                          argc - optind);
    tsr_experiment *experiment = NULL;
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_experiment_read(argv[optind], n_sets, sets, &experiment);
    tsr_output_restore();
    if (!status)
        status = print(experiment);
    if (!status && timing)
        status = print_time(experiment);
    int exit_status = tsr_cli_report(status);
    tsr_guard_exit_status(exit_status);
    tsr_output_divert();
    tsr_experiment_free(experiment);
    tsr_output_restore();
    free(sets);
    return exit_status;
}
