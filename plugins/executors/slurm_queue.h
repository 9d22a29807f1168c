/* What Slurm says of the tasks of a job array: its queue, as long as that has them, then its accounts. */
#ifndef TESSERA_EXECUTORS_SLURM_QUEUE_H
#define TESSERA_EXECUTORS_SLURM_QUEUE_H

#include <stddef.h>
#include <tessera/status.h>

typedef struct slurm_task {
    char state[32]; /* as Slurm calls it, "TIMEOUT"; "": it has not ended, or nobody can tell */
    char node[64];  /* the machine that it was on; "": it has not started */
} slurm_task;

/* How many tasks of the job wait or run. tasks, n of them: the states of those that have ended, and of no
   others. One that is requeued has not ended. Fails where the queue cannot be read; then all stay as they
   were. */
TSR_MUST_CHECK tsr_status *slurm_look(const char *job, size_t n, slurm_task *tasks, size_t *left);

/* Fills in from the accounts, where the cluster keeps some, what the queue has forgotten. */
void slurm_recall(const char *job, size_t n, slurm_task *tasks);

/* Takes the job out of the queue and ends what runs of it. */
tsr_status *slurm_cancel(const char *job);

#endif
