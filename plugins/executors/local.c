/* One process per run on this machine, several at a time. A run's process dies with the program that started
   it, and one that dies by itself costs its run alone. The first process does no numerical work: BLAS and
   OpenMP start their threads in the children only, but where `fork` is false, for a debugger's sake. */
#include "child.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_NANOSECONDS 100000000 /* between looks at the clock while no process ends */
#define SECONDS_PER_TICK 0.1

typedef struct {
    int threads;
    double max_seconds;
    bool fork;
} local;

static const tsr_key keys[] = {
    TSR_KEY_INT(local, threads, 0, 0, 4096, "threads of a run; 0: the cores shared among the jobs"),
    TSR_KEY_REAL(local, max_seconds, 0.0, 0.0, 1e9,
                 "a run that takes longer is stopped and failed; 0: none is", .unit = "seconds"),
    TSR_KEY_BOOL(
        local, fork, true,
        "each run in a process of its own; false: all in one, one after the other, for debuggers, and "
        "without max_seconds"),
    TSR_KEY_END
};

typedef struct {
    const local *settings;
    const tsr_work *work;
    child *children;
    size_t n_children, next, running;
    double ticked;
} pool;

/* Until a process ends, a signal comes, or some time is over. SIGCHLD is blocked: one that comes before the
   wait is not missed. */
static void wait_for_something(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigtimedwait(&ends, NULL, &(struct timespec){ .tv_nsec = LOOK_NANOSECONDS });
}

static tsr_status *fill(pool *p)
{
    size_t jobs = p->n_children;
    for (child *c = p->children; c < p->children + jobs && p->next < p->work->n; c++) {
        if (c->pid)
            continue;
        TSR_TRY(child_start(c, p->work, p->next, child_threads(p->settings->threads, jobs, p->work->cores)));
        p->next++;
    }
    return NULL;
}

static tsr_status *look(pool *p)
{
    p->running = 0;
    for (child *c = p->children; c < p->children + p->n_children; c++) {
        if (c->pid)
            TSR_TRY(child_look(c, p->work, p->settings->max_seconds));
        p->running += c->pid != 0;
    }
    return NULL;
}

static tsr_status *work_off(pool *p)
{
    do {
        TSR_TRY(fill(p));
        wait_for_something();
        if (p->work->interrupted(p->work))
            return NULL;
        TSR_TRY(look(p));
        if (child_now() - p->ticked > SECONDS_PER_TICK) {
            p->ticked = child_now();
            p->work->tick(p->work);
        }
    } while (p->running || p->next < p->work->n);
    return NULL;
}

static tsr_status *run_here(const local *settings, const tsr_work *work)
{
    for (size_t i = 0; i < work->n && !work->interrupted(work); i++) {
        work->tick(work);
        TSR_TRY(work->run(work, i, child_threads(settings->threads, 1, work->cores)));
    }
    return NULL;
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const local *settings = self;
    if (!settings->fork || work->in_process)
        return run_here(settings, work);
    size_t jobs = work->jobs ? work->jobs : (size_t)work->cores;
    if (jobs > work->n)
        jobs = work->n;
    if (jobs == 0)
        return NULL;
    pool all = { .settings = settings, .work = work, .n_children = jobs };
    all.children = calloc(jobs, sizeof(child));
    if (!all.children)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu jobs", jobs);
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &before);
    void (*inherited)(int) = signal(SIGCHLD, SIG_DFL); /* ignored, ended processes could not be asked why */
    tsr_status *status = work_off(&all);
    for (size_t i = 0; i < jobs; i++)
        child_kill(&all.children[i]);
    signal(SIGCHLD, inherited);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(all.children);
    return status;
}

static const tsr_executor_ops ops = { .execute = execute };

static const tsr_plugin plugin = {
    TSR_EXECUTOR_PLUGIN(&ops),
    .name = "local",
    .version = "1.0.0",
    .summary = "one process per run on this machine, several at a time",
    .licence = "MIT",
    TSR_INSTANCE(local),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
