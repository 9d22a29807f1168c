/* What the executor slurm is told by a config, and the job array that it makes of it. */
#ifndef TESSERA_EXECUTORS_SLURM_SUBMIT_H
#define TESSERA_EXECUTORS_SLURM_SUBMIT_H

#include <tessera/executor.h>

#define SLURM_MAX_TASKS 20000 /* so that the list of their numbers fits into one word of a command */

typedef struct slurm {
    int tasks, cpus;
    bool wait;
    double look, grace;
    const char *partition, *time, *memory;
    tsr_string_list options;
} slurm;

/* Refuses a time, an amount of memory and options that sbatch would refuse or that are the executor's own. */
tsr_status *slurm_check(const slurm *s);

/* How many tasks the array is cut into, numbered from 0: task t does the runs whose numbers leave the rest t
   when divided by it. Refuses where there is no Slurm here. */
tsr_status *slurm_count_tasks(const slurm *s, const tsr_work *work, size_t *out);

/* Hands in the tasks t with wanted[t], of n. `job`: the job's number. */
#define SLURM_JOB_SIZE 32
tsr_status *slurm_submit(const slurm *s, const tsr_work *work, size_t n, const bool *wanted,
                         char job[SLURM_JOB_SIZE]);

#endif
