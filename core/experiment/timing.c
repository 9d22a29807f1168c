/* How long an experiment will take. The trial's process tells what it has measured through shared memory, so
   that it can be ended at any moment. What is extrapolated: training by examples, probing by a power
   of the number of examples, from 1 to 2, that the last two sizes tried suggest. */
#include "experiment/timing.h"

#include "base/crash.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/process.h"
#include "experiment/progress.h"
#include "experiment/run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIAL_MILLISECONDS 1000 /* for each of two runs */
#define TRAINING_SECONDS 0.3

/* Seconds that a run takes per example. */
typedef struct rate {
    double training, probing;
} rate;

/* With the process that waits. */
typedef struct shared_trial {
    tsr_trial trial;
    tsr_error error; /* that the trial failed with */
    char message[500];
    tsr_calls calls; /* of plugins that the trial's process is at */
    tsr_crash crash;
} shared_trial;

typedef struct trial_job {
    const tsr_run *run;
    const char *folder;
    shared_trial *shared;
} trial_job;

static int run_trial(void *context)
{
    const trial_job *job = context;
    shared_trial *shared = job->shared;
    tsr_guard_use(&shared->calls);
    tsr_crash_watch(&shared->crash);
    tsr_status *status = tsr_run_try(job->run, job->folder, TRAINING_SECONDS, &shared->trial);
    snprintf(shared->message, sizeof(shared->message), "%s", tsr_status_message(status));
    shared->error = tsr_status_error(status);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What fails for want of memory or of the system's is nothing that the run would fail of too. */
static tsr_status *machine_failure(const shared_trial *shared)
{
    bool failed = shared->error == TSR_NO_MEMORY || shared->error == TSR_IO;
    return failed ? tsr_fail(shared->error, "a trial: %s", shared->message) : NULL;
}

/* A plugin that ends the trial will end the run. The first is noted. */
static tsr_status *note_end(const tsr_run *run, int ended, const shared_trial *shared, tsr_timing *timing)
{
    tsr_text place = { 0 }, during = { 0 }, end = { 0 };
    tsr_guard_describe(&shared->calls, &place);
    if (place.chars && !timing->ended) {
        tsr_text_add(&during, "in %s", place.chars);
        tsr_text_add(&end, "run %s, tried for a moment, ", run->id);
        tsr_process_describe_end(ended, during.chars ? during.chars : "", &end);
        tsr_crash_describe(&shared->crash, &end);
        timing->ended = end.chars;
    }
    free(place.chars);
    free(during.chars);
    return place.failed || during.failed || end.failed ? tsr_no_memory("a trial") : NULL;
}

static tsr_status *try_run(const tsr_run *run, tsr_trial *out, bool *late, tsr_timing *timing)
{
    char *folder;
    TSR_TRY(tsr_make_temporary("trial", &folder));
    tsr_status *status = NULL;
    shared_trial *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    trial_job job = { run, folder, shared };
    pid_t pid;
    if (shared == MAP_FAILED)
        status = tsr_no_memory("a trial");
    else
        status = tsr_context(tsr_process_start(TSR_OUTPUT_NOWHERE, run_trial, &job, &pid), "a trial");
    if (!status) {
        *late = !tsr_process_wait(pid, tsr_process_clock() + TRIAL_MILLISECONDS);
        int ended = tsr_process_end(pid);
        *out = shared->trial;
        if (WIFEXITED(ended) && WEXITSTATUS(ended) == TSR_PROCESS_UNABLE)
            status = tsr_fail(TSR_IO, "a trial: its process lacks files");
        if (!*late && !status)
            status = note_end(run, ended, shared, timing);
        if (!*late && !status)
            status = machine_failure(shared);
    }
    if (shared != MAP_FAILED)
        munmap(shared, sizeof(*shared));
    tsr_status_free(tsr_remove_tree(folder));
    free(folder);
    return status;
}

/* Seconds per example where all are probed. */
static double extrapolate(const tsr_trial *trial, size_t all)
{
    double power = 1, n = (double)trial->probed[0], seconds = trial->probing_seconds[0];
    if (n <= 0)
        return 0;
    if (trial->probed[1] && trial->probing_seconds[1] > 0)
        power = log(seconds / trial->probing_seconds[1]) / log(n / (double)trial->probed[1]);
    power = power < 1 ? 1 : power > 2 ? 2 : power;
    return seconds * pow((double)all / n, power) / (double)all;
}

static tsr_status *measure(const tsr_run *run, rate *out, tsr_timing *timing)
{
    tsr_trial trial = { 0 };
    bool late = false;
    TSR_TRY(try_run(run, &trial, &late, timing));
    if (run->training.epochs > 0 && trial.trained == 0)
        return tsr_fail(TSR_FAILED, "run %s, tried for %d s, did not get through one training step", run->id,
                        TRIAL_MILLISECONDS / 1000);
    *out = (rate){ .training = trial.trained ? trial.training_seconds / (double)trial.trained : 0,
                   .probing = extrapolate(&trial, run->size.probed_examples) };
    double probed = (double)trial.probed[0] / (double)run->size.probed_examples;
    timing->probed = timing->tried ? fmin(timing->probed, probed) : probed;
    timing->measured += trial.training_seconds + trial.probing_seconds[0];
    timing->failed = timing->failed || (!trial.probed[0] && !late);
    timing->tried++;
    return NULL;
}

static size_t probings(const tsr_training_settings *training)
{
    size_t n = 1; /* the last epoch's */
    for (size_t i = 0; i < training->snapshots.n; i++) {
        bool again = training->snapshots.values[i] == training->epochs;
        for (size_t j = 0; j < i; j++)
            again = again || training->snapshots.values[i] == training->snapshots.values[j];
        n += !again;
    }
    return n;
}

static double seconds_of(const tsr_run *run, const rate *each)
{
    return each->training * (double)run->training.epochs * (double)run->size.epoch_examples +
           each->probing * (double)probings(&run->training) * (double)run->size.probed_examples;
}

tsr_status *tsr_experiment_time(const tsr_experiment *experiment, tsr_timing *out)
{
    const tsr_run *small = experiment->runs, *large = experiment->runs;
    for (const tsr_run *run = small; run < experiment->runs + experiment->n_runs; run++) {
        small = run->size.parameters < small->size.parameters ? run : small;
        large = run->size.parameters > large->size.parameters ? run : large;
    }
    *out = (tsr_timing){ 0 };
    rate low, high;
    TSR_TRY(measure(small, &low, out));
    high = low;
    if (large != small)
        TSR_TRY(measure(large, &high, out));
    double range = (double)large->size.parameters - (double)small->size.parameters;
    for (size_t i = 0; i < experiment->n_runs; i++) {
        const tsr_run *run = &experiment->runs[i];
        double at = range > 0 ? (double)(run->size.parameters - small->size.parameters) / range : 0;
        rate between = { .training = low.training + at * (high.training - low.training),
                         .probing = low.probing + at * (high.probing - low.probing) };
        out->seconds += seconds_of(run, &between);
    }
    return NULL;
}
