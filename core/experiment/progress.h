/* How far the runs are: a table in memory that the processes of an experiment share. Each run's process
   writes its row, the first process reads them all. */
#ifndef TSR_EXPERIMENT_PROGRESS_H
#define TSR_EXPERIMENT_PROGRESS_H

#include "base/crash.h"
#include "base/guard.h"

#include <stdatomic.h>
#include <tessera/status.h>

typedef enum tsr_run_state {
    TSR_RUN_WAITING,
    TSR_RUN_TRAINING,
    TSR_RUN_PROBING,
    TSR_RUN_DONE,
    TSR_RUN_FAILED, /* diverged too */
} tsr_run_state;

/* Fields change one by one; a reader may see one older than another, which a display can bear. */
typedef struct tsr_run_progress {
    _Atomic int state;
    _Atomic size_t epoch, epochs;
    _Atomic double loss;
    _Atomic double examples_per_second; /* of the last epoch */
    tsr_calls calls;                    /* of plugins that the run's process is at */
    tsr_crash crash;                    /* of that process */
    _Atomic size_t probe;               /* the number of the probe that runs, from 1; 0: none does */
} tsr_run_progress;

typedef struct tsr_progress {
    size_t n;
    tsr_run_progress *runs;
} tsr_progress;

TSR_MUST_CHECK tsr_status *tsr_progress_new(size_t n, tsr_progress *out);
void tsr_progress_clear(tsr_progress *progress);

/* How far all runs are together. */
typedef struct tsr_progress_view {
    double fraction;      /* of all work, by epochs */
    size_t ended, failed; /* runs; ended: with the failed */
    bool any;             /* whether one is being done */
    size_t shown;         /* the first of those */
} tsr_progress_view;

tsr_progress_view tsr_progress_look(const tsr_progress *progress);

/* Of the run: epochs that are over, where another one makes room for the probes. */
double tsr_progress_of_run(const tsr_run_progress *run);

/* Seconds on a clock that only goes forward. */
double tsr_seconds(void);

#endif
