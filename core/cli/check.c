/* tessera check: reads and validates an experiment, and prints it as a config with every key in it. */
#include "cli/cli.h"

#include "base/memory.h"
#include "experiment/experiment.h"
#include "experiment/resolved.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void print(const tsr_experiment *experiment)
{
    tsr_text text = { 0 };
    tsr_resolved_write(experiment->resolved, &text);
    tsr_text_add(&text, "\n# %zu run%s\n", experiment->n_runs, experiment->n_runs == 1 ? "" : "s");
    for (size_t i = 0; i < experiment->n_runs; i++) {
        const tsr_run *run = &experiment->runs[i];
        tsr_text_add(&text, "# %s  seed %llu  ", run->id, (unsigned long long)run->seed);
        tsr_resolved_write_value(run->swept, &text);
        tsr_text_add(&text, "\n");
    }
    if (text.chars)
        fputs(text.chars, stdout);
    free(text.chars);
}

int tsr_cli_check(int argc, char **argv)
{
    static const struct option longs[] = { { "set", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    const char **sets = tsr_alloc((size_t)argc, sizeof(*sets));
    tsr_status *status = sets ? NULL : tsr_no_memory("the command line");
    size_t n_sets = 0;
    int option;
    while (!status && (option = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
        if (option == 's')
            sets[n_sets++] = optarg;
        else
            status = tsr_fail(TSR_USAGE, "see tessera check --help");
    }
    if (!status && argc - optind != 1)
        status = tsr_fail(TSR_USAGE, "tessera check: expected one CONFIG, not %d; see tessera check --help",
                          argc - optind);
    tsr_experiment *experiment = NULL;
    if (!status)
        status = tsr_experiment_read(argv[optind], n_sets, sets, &experiment);
    if (!status)
        print(experiment);
    tsr_experiment_free(experiment);
    free(sets);
    return tsr_cli_report(status);
}
