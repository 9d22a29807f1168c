/* One process per run on this machine, several at a time. A run's process dies with the program that started
   it, and one that dies by itself costs its run alone. The first process does no numerical work: BLAS and
   OpenMP start their threads in the children only. */
#include <tessera/executor.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NANOSECONDS 5000000 /* between looks for children that ended */
#define LOOKS_PER_TICK 20

typedef struct {
    int jobs, threads;
    double max_seconds;
} local;

static const tsr_param params[] = {
    TSR_PARAM_INT(local, jobs, 0, 0, 4096, "runs at a time; 0: one per core"),
    TSR_PARAM_INT(local, threads, 0, 0, 4096, "threads of a run; 0: the cores shared among the jobs"),
    TSR_PARAM_REAL(local, max_seconds, 0.0, 0.0, 1e9,
                   "a run that takes longer is stopped and failed; 0: none is", .unit = "seconds"),
    TSR_PARAM_END
};

/* A place for a run's process. */
typedef struct slot {
    pid_t pid; /* 0: free */
    size_t run;
    double began;
    bool late; /* killed for max_seconds */
} slot;

typedef struct {
    const local *settings;
    const tsr_work *work;
    slot *slots;
    size_t n_slots, next;
    int threads;
} pool;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The child's whole life. Interrupts are for the parent, which ends its children. */
static void be_child(const pool *p, size_t run, pid_t parent)
{
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    tsr_status *status = p->work->run(p->work, run, p->threads);
    if (status)
        fprintf(stderr, "%s\n", tsr_status_message(status));
    fflush(NULL);
    _exit(status ? 1 : 0);
}

static tsr_status *start(pool *p, slot *s)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return tsr_fail(TSR_IO, "cannot start a process for a run: %s", strerror(errno));
    if (pid == 0)
        be_child(p, p->next, parent);
    *s = (slot){ .pid = pid, .run = p->next++, .began = now() };
    return NULL;
}

/* A process ended: where it could not tell an outcome, the reason is told for it. */
static tsr_status *finish(pool *p, slot *s, int ending)
{
    char reason[160] = "";
    if (s->late)
        snprintf(reason, sizeof(reason), "did not end within max_seconds = %g", p->settings->max_seconds);
    else if (WIFSIGNALED(ending))
        snprintf(reason, sizeof(reason), "killed by signal %d (%s)%s", WTERMSIG(ending),
                 strsignal(WTERMSIG(ending)),
                 WTERMSIG(ending) == SIGKILL ? ", perhaps for want of memory" : "");
    else if (WEXITSTATUS(ending) != 0)
        snprintf(reason, sizeof(reason), "its process ended with exit status %d and no outcome",
                 WEXITSTATUS(ending));
    s->pid = 0;
    return reason[0] ? p->work->lost(p->work, s->run, reason) : NULL;
}

static tsr_status *collect(pool *p, size_t *running)
{
    *running = 0;
    for (slot *s = p->slots; s < p->slots + p->n_slots; s++) {
        int ending;
        if (s->pid == 0)
            continue;
        pid_t ended = waitpid(s->pid, &ending, WNOHANG);
        if (ended == s->pid) {
            TSR_TRY(finish(p, s, ending));
            continue;
        }
        ++*running;
        if (p->settings->max_seconds > 0 && !s->late && now() - s->began > p->settings->max_seconds) {
            s->late = true;
            kill(s->pid, SIGKILL);
        }
    }
    return NULL;
}

static void kill_all(pool *p)
{
    for (slot *s = p->slots; s < p->slots + p->n_slots; s++)
        if (s->pid) {
            kill(s->pid, SIGKILL);
            waitpid(s->pid, NULL, 0);
            s->pid = 0;
        }
}

static tsr_status *fill(pool *p)
{
    for (slot *s = p->slots; s < p->slots + p->n_slots; s++)
        if (s->pid == 0 && p->next < p->work->n)
            TSR_TRY(start(p, s));
    return NULL;
}

static tsr_status *work_off(pool *p)
{
    const tsr_work *work = p->work;
    size_t running = 0, looks = 0;
    do {
        if (work->interrupted(work))
            return NULL;
        TSR_TRY(fill(p));
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NANOSECONDS }, NULL);
        TSR_TRY(collect(p, &running));
        if (++looks % LOOKS_PER_TICK == 0)
            work->tick(work);
    } while (running || p->next < work->n);
    return NULL;
}

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const local *settings = self;
    size_t jobs = settings->jobs ? (size_t)settings->jobs : (size_t)work->cores;
    if (jobs > work->n)
        jobs = work->n;
    if (jobs == 0)
        return NULL;
    int shared = work->cores / (int)jobs;
    pool all = { .settings = settings,
                 .work = work,
                 .slots = calloc(jobs, sizeof(slot)),
                 .n_slots = jobs,
                 .threads = settings->threads ? settings->threads
                            : shared > 1      ? shared
                                              : 1 };
    if (!all.slots)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu jobs", jobs);
    tsr_status *status = work_off(&all);
    kill_all(&all);
    free(all.slots);
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
    .params = params,
};
TSR_PLUGINS(&plugin)
