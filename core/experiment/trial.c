/* Trying a run: some training and some probing, timed. */
#include "base/machine.h"
#include "experiment/run_work.h"

#include <stdlib.h>
#include <string.h>

/* The clock of a training that is tried. */
typedef struct trial_clock {
    double limit, began;
    tsr_trial *trial;
} trial_clock;

static bool is_over(void *context, size_t examples)
{
    trial_clock *clock = context;
    clock->trial->trained += examples;
    clock->trial->training_seconds = tsr_seconds() - clock->began;
    return clock->trial->training_seconds > clock->limit;
}

static tsr_status *try_training(tsr_run_work *w, double seconds, tsr_trial *trial)
{
    trial_clock clock = { .limit = seconds, .began = tsr_seconds(), .trial = trial };
    tsr_batches batches = tsr_batch_source_batches(w->source);
    tsr_training training = tsr_run_training(w);
    training.epoch_done = NULL;
    training.keep = NULL;
    training.enough = is_over;
    training.context = &clock;
    tsr_trained trained;
    tsr_status *status = tsr_train(w->network, &training, &batches, &trained);
    if (tsr_status_error(status) == TSR_NO_MEMORY)
        return status;
    if (status && trial->trained) { /* what will end the run too: how long it takes is known all the same */
        tsr_status_free(status);
        return NULL;
    }
    return status;
}

/* A 32nd of the examples, a 16th, and so on. A probe may want more than the first steps have. */
static tsr_status *try_probing(tsr_run_work *w, tsr_trial *trial)
{
    size_t train = w->parts.train.n, test = w->parts.test.n;
    tsr_status *status = NULL;
    for (size_t part = 32; part >= 1; part /= 2) {
        double began = tsr_seconds();
        w->parts.train.n = train / part + (train < part);
        w->parts.test.n = test / part + (test < part);
        tsr_status_free(status);
        json_object_clear(w->failed_probes);
        status = tsr_run_take_snapshot(w, 0, false);
        if (!status)
            status = tsr_run_failed_probe(w);
        if (tsr_status_error(status) == TSR_NO_MEMORY)
            break;
        if (status)
            continue;
        trial->probed[1] = trial->probed[0];
        trial->probing_seconds[1] = trial->probing_seconds[0];
        trial->probing_seconds[0] = tsr_seconds() - began;
        trial->probed[0] = w->parts.train.n + w->parts.test.n;
    }
    return status;
}

tsr_status *tsr_run_try(const tsr_run *run, const char *folder, double training_seconds, tsr_trial *trial)
{
    tsr_run_progress progress = { 0 };
    tsr_run_work w = { .run = run, .progress = &progress };
    tsr_set_threads(1);
    tsr_flush_subnormals();
    tsr_status *status = tsr_run_work_begin(&w, strdup(folder));
    if (!status && run->training.epochs > 0)
        status = try_training(&w, training_seconds, trial);
    if (!status)
        status = try_probing(&w, trial);
    tsr_run_work_end(&w);
    return status;
}
