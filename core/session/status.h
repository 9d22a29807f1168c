/* How a study is: which of its runs are done, what became of the others, and what it takes on the disk. No
   plugin is loaded, no data opened, no lock taken: it is told while the study runs, too. */
#ifndef TSR_SESSION_STATUS_H
#define TSR_SESSION_STATUS_H

#include "experiment/leavings.h"

#include <jansson.h>
#include <stddef.h>

/* A run that is not done. */
typedef struct tsr_study_run {
    char id[17];
    bool running;
    size_t epoch, epochs; /* of one that is running */
    size_t checkpoint; /* the epoch that the checkpoint of one without an outcome stands after; 0: it has an
                          outcome, none, or is running */
    char *reason;      /* of one that failed or diverged; may be NULL */
} tsr_study_run;

typedef struct tsr_study_status {
    char *folder, *name;
    size_t runs, done, failed, diverged, running,
        missing;         /* runs: that the sweep has, the sum of the others */
    size_t foreign;      /* runs in the folder that are none of the sweep's */
    double seconds_left; /* of the processes that work; else of the work that is left, one run after the
                            other; NAN: not known */
    size_t processes;    /* that are doing runs */
    size_t bytes[TSR_N_LEAVINGS], tables; /* on the disk */
    size_t n_listed;
    tsr_study_run *listed; /* those that run, failed, diverged or have a checkpoint, by id */
} tsr_study_status;

TSR_MUST_CHECK tsr_status *tsr_study_status_read(const char *folder, tsr_study_status *out);
void tsr_study_status_clear(tsr_study_status *status);

size_t tsr_study_status_bytes(const tsr_study_status *status); /* all of them */

#endif
