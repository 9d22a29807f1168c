/* An executor does the runs of an experiment: which process does which, how many at once. */
#ifndef TESSERA_EXECUTOR_H
#define TESSERA_EXECUTOR_H

#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef struct tsr_work tsr_work;

/* The runs to do, from the host. */
struct tsr_work {
    size_t size; /* sizeof(tsr_work) in the host */
    size_t n;    /* runs, numbered 0 .. n-1; independent of each other */

    /* Does run i here, in the calling process, with at most `threads` threads, and stores its outcome.
       A run that fails or diverges is an outcome like another: the status says only that the store could
       not be written or that the user interrupted. The process should do nothing numerical before, and a
       process that forks should leave all runs to its children. [in-operation] */
    tsr_status *(*run)(const tsr_work *work, size_t i, int threads);

    /* Stores that run i failed for `reason`, because the process that did it ended without an outcome.
       [in-operation] */
    tsr_status *(*lost)(const tsr_work *work, size_t i, const char *reason);

    /* Redraws the progress display; call it about ten times a second from the first process.
       [in-operation] */
    void (*tick)(const tsr_work *work);

    /* The user wants to stop: kill what runs and return. [in-operation] */
    bool (*interrupted)(const tsr_work *work);

    /* Cores that this process may use. */
    int cores;

    /* Runs at a time that the user wants, the key `jobs` that every executor has or -j; 0: as many as the
       executor finds good. */
    size_t jobs;

    /* Run i has an outcome that another process stored, in case this one shows the progress.
       [in-operation] */
    void (*seen)(const tsr_work *work, size_t i);

    /* Whether run i has an outcome of this call, stored here, in a process that this one has forked, or by
       another command in the results folder: a process that ended well without one did not do its run.
       [in-operation] */
    bool (*finished)(const tsr_work *work, size_t i);

    /* The user debugs: runs are to be done one after the other in the calling process, where that can be. */
    bool in_process;

    /* For an executor that has other commands do the runs, as a cluster's scheduler starts them on machines
       that see the same folders. All paths are absolute; what is pointed to is the host's and lives as long
       as the work. Call share_folder, start the commands, and either wait and say `seen` of each run that is
       `finished`, or say handed_on and return. */

    const char *folder; /* the results */
    const char *config; /* the experiment as resolved, with every key, in that folder */

    /* The words of the command that does one shard of the experiment's runs, ended by NULL. It lacks its last
       word, "I/N": shard I, from 1 to N, of N. It ends with status 0 where all runs of the shard are done,
       also where they were before. */
    const char *const *command;

    /* Shard numbers[i] + 1 of n_all is run i alone: how many runs the experiment has, those that are done
       already too, and the place of each of the n runs among them. */
    size_t n_all;
    const size_t *numbers;

    /* Lets commands that do shards into the results folder, which this one holds for itself until then.
       [in-operation] */
    tsr_status *(*share_folder)(const tsr_work *work);

    /* Run i is done by another command that execute does not wait for: it is not missing where it has no
       outcome yet. Runs without an outcome of which this was not said are, and have the program end with
       status 3. [in-operation] */
    void (*handed_on)(const tsr_work *work, size_t i);
};

typedef struct tsr_executor_ops {
    /* Does all runs. Fails only where it can do no more; a run's own failure is not one. [shares-work] */
    tsr_status *(*execute)(const void *self, const tsr_work *work);

    /* The next two are for an executor whose processes the user starts together, such as
       "mpirun -n 4 tessera run CONFIG": give both. NULL, both, where the user starts one process. */

    /* Called once in each process, before the results folder is touched. Sets *leads in exactly one of them:
       that one locks the folder, finds the runs to do, writes the tables and prints; the others only do runs.
       fini leaves the group. [one-thread] */
    tsr_status *(*join)(const void *self, bool *leads);

    /* Called once in each process, after join and before execute. Copies n bytes from the leading process
       into those of all others: with them, run i is the same run everywhere. [one-thread] */
    tsr_status *(*share)(const void *self, void *bytes, size_t n);
} tsr_executor_ops;

#define TSR_EXECUTOR_PLUGIN(table)                                                                           \
    .kind = TSR_EXECUTOR, .ops_size = sizeof(tsr_executor_ops), .announced_size = 0,                         \
    .ops = (1 ? (table) : (const tsr_executor_ops *)0)

TSR_END_DECLS
#endif
