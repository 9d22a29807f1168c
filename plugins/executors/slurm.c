/* A Slurm cluster does the runs, as one job array. Its machines must see the results folder, the data and the
   plugins under the same paths as this one. Each task of the array does a shard: one run or, where there are
   more runs than tasks, several. What a task has done is seen in the folder; where it has left nothing, the
   queue tells why. */
#include "child.h"
#include "slurm_queue.h"
#include "slurm_submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/op.h>
#include <time.h>

#define TICK_NANOSECONDS 100000000
#define CANCEL_SECONDS 20.0 /* in which cancelled tasks are waited for */
#define CANCEL_LOOK 0.5
#define MAX_BLIND_LOOKS 30 /* one after the other that could not be read */

static const tsr_key keys[] = {
    TSR_KEY_INT(slurm, tasks, 0, 0, SLURM_MAX_TASKS,
                "tasks of the array; 0: one for each run, or as many as an array may have"),
    TSR_KEY_INT(slurm, cpus, 1, 1, 4096, "cores of a task, and threads of a run"),
    TSR_KEY_STRING(slurm, partition, "", "where the tasks run; empty: the cluster's default"),
    TSR_KEY_STRING(slurm, time, "",
                   "of a task, at most: minutes, or HOURS:MINUTES:SECONDS, or DAYS-HOURS; empty: the "
                   "cluster's default"),
    TSR_KEY_STRING(slurm, memory, "", "of a task, such as \"4G\"; empty: the cluster's default"),
    TSR_KEY_STRING_LIST(slurm, options, NULL, 0, "further options of sbatch, such as \"--account=lab\""),
    TSR_KEY_BOOL(slurm, wait, true, "wait for the runs; false: only hand them in"),
    TSR_KEY_REAL(slurm, look, 10.0, 0.1, 3600.0, "time between looks at the queue", .unit = "seconds"),
    TSR_KEY_REAL(slurm, grace, 60.0, 0.0, 3600.0,
                 "after the last task, while records may still come, as over NFS", .unit = "seconds"),
    TSR_KEY_END,
};

typedef struct array {
    const slurm *settings;
    const tsr_work *work;
    char job[SLURM_JOB_SIZE];
    size_t n_tasks;
    bool *wanted;      /* by task: it has runs to do */
    slurm_task *tasks; /* as last seen */
    bool *seen;        /* by run: it has an outcome */
    int blind;         /* looks since the queue was last read */
} array;

static tsr_status *init(void *self)
{
    return slurm_check(self);
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = TICK_NANOSECONDS }, NULL);
}

/* Says which runs have been done since the last look. How many are not. */
static size_t look_at_runs(array *a)
{
    size_t left = 0;
    for (size_t i = 0; i < a->work->n; i++) {
        if (!a->seen[i] && a->work->finished(a->work, i)) {
            a->seen[i] = true;
            a->work->seen(a->work, i);
        }
        left += !a->seen[i];
    }
    return left;
}

/* What is left of a cancelled job, if that is not nothing. Frees `unread`. */
static tsr_status *tell_left(const array *a, tsr_status *unread, size_t left)
{
    tsr_status *status = NULL;
    if (unread)
        status = tsr_fail(TSR_INTERRUPTED,
                          "interrupted; job %s has been cancelled, but whether its tasks have ended is not "
                          "known: %s",
                          a->job, tsr_status_message(unread));
    else if (left)
        status = tsr_fail(TSR_INTERRUPTED,
                          "interrupted; job %s has been cancelled, but %zu of its tasks have not ended after "
                          "%g seconds: see squeue --jobs %s before the folder is used again",
                          a->job, left, CANCEL_SECONDS, a->job);
    tsr_status_free(unread);
    return status;
}

/* The folder is free for the next command only when the tasks have gone. */
static tsr_status *cancel(array *a)
{
    TSR_TRY(slurm_cancel(a->job));
    tsr_status *unread = NULL;
    size_t left = a->n_tasks;
    double began = child_now(), looked = began;
    while (left && child_now() - began < CANCEL_SECONDS) {
        pause_briefly();
        a->work->tick(a->work);
        if (child_now() - looked < CANCEL_LOOK)
            continue;
        tsr_status_free(unread);
        unread = slurm_look(a->job, a->n_tasks, a->tasks, &left);
        looked = child_now();
    }
    return tell_left(a, unread, left);
}

/* Fails when the queue could not be read for long. *queued: tasks that wait or run; where that is not known,
   all that may. */
static tsr_status *look_at_queue(array *a, size_t *queued)
{
    tsr_status *unread = slurm_look(a->job, a->n_tasks, a->tasks, queued);
    if (!unread) {
        a->blind = 0;
        return NULL;
    }
    *queued = a->n_tasks;
    if (++a->blind == MAX_BLIND_LOOKS)
        return tsr_context(unread,
                           "Slurm's queue could not be read %d times, and job %s is no longer waited for; it "
                           "may still be at work, and its runs count when they are done",
                           MAX_BLIND_LOOKS, a->job);
    tsr_warn_once("Slurm's queue cannot be read, it is tried again: %s", tsr_status_message(unread));
    tsr_status_free(unread);
    return NULL;
}

/* Until all runs are done, or all tasks have ended and nothing more comes. *left: runs without an outcome. */
static tsr_status *wait_for(array *a, size_t *left)
{
    double looked = child_now(), ended = -1;
    for (;;) {
        pause_briefly();
        a->work->tick(a->work);
        if (a->work->interrupted(a->work)) {
            *left = 0;
            return cancel(a);
        }
        if (child_now() - looked < a->settings->look)
            continue;
        size_t queued;
        tsr_status *unread = look_at_queue(a, &queued);
        looked = child_now();
        *left = look_at_runs(a);
        if (unread && *left)
            return unread;
        if (*left == 0 && (unread || !queued)) {
            tsr_status_free(unread); /* nothing is missing */
            return NULL;
        }
        if (queued)
            ended = -1;
        else if (ended < 0)
            ended = looked;
        if (ended >= 0 && looked - ended >= a->settings->grace)
            return NULL;
    }
}

/* Why runs have no outcome, where their task has begun. Those of others are missing, which the host says. */
static tsr_status *tell_lost(array *a)
{
    char reason[224];
    slurm_recall(a->job, a->n_tasks, a->tasks);
    look_at_runs(a); /* the accounts may have taken their time */
    for (size_t i = 0; i < a->work->n; i++) {
        size_t number = a->work->numbers[i] % a->n_tasks;
        const slurm_task *task = &a->tasks[number];
        if (a->seen[i] || !task->state[0] || !task->node[0])
            continue;
        bool completed = strcmp(task->state, "COMPLETED") == 0;
        snprintf(reason, sizeof(reason), "task %zu of Slurm job %s on %s ended as %s and left no outcome%s",
                 number, a->job, task->node, task->state,
                 completed ? "; does that machine see this results folder?" : "");
        TSR_TRY(a->work->lost(a->work, i, reason));
    }
    return NULL;
}

static tsr_status *hand_in(array *a)
{
    for (size_t i = 0; i < a->work->n; i++)
        a->wanted[a->work->numbers[i] % a->n_tasks] = true;
    TSR_TRY(a->work->share_folder(a->work));
    return slurm_submit(a->settings, a->work, a->n_tasks, a->wanted, a->job);
}

static tsr_status *do_array(array *a)
{
    size_t left = 0;
    TSR_TRY(hand_in(a));
    if (a->settings->wait) {
        TSR_TRY(wait_for(a, &left));
        return left ? tell_lost(a) : NULL;
    }
    for (size_t i = 0; i < a->work->n; i++)
        a->work->handed_on(a->work, i);
    fprintf(stderr, "handed in as Slurm job %s\n", a->job);
    return NULL;
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    array a = { .settings = self, .work = work };
    if (work->n == 0 || work->interrupted(work))
        return NULL;
    TSR_TRY(slurm_count_tasks(self, work, &a.n_tasks));
    a.wanted = calloc(a.n_tasks, sizeof(*a.wanted));
    a.tasks = calloc(a.n_tasks, sizeof(*a.tasks));
    a.seen = calloc(work->n, sizeof(*a.seen));
    tsr_status *status = a.wanted && a.tasks && a.seen
                             ? do_array(&a)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu runs", work->n);
    free(a.wanted);
    free(a.tasks);
    free(a.seen);
    return status;
}

static const tsr_executor_ops ops = { .execute = execute };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "slurm",
    .version = "1.0.0",
    .summary = "a Slurm cluster does the runs, as a job array",
    .licence = "MIT",
    TSR_INSTANCE(slurm),
    .keys = keys,
    .init = init,
};
TSR_PLUGINS(&plugin)
