/* A run in a process of its own, for executors that start one per run: a crash costs that run alone, and the
   process dies with the one that started it. */
#ifndef TESSERA_EXECUTORS_CHILD_H
#define TESSERA_EXECUTORS_CHILD_H

#include <sys/types.h>
#include <tessera/executor.h>

typedef struct child {
    pid_t pid; /* 0: none */
    size_t run;
    double looked; /* when it was last looked at */
    double spent;  /* seconds of its time, without those in which nobody looked: both were stopped */
    bool late;     /* killed for having taken too long */
} child;

/* Starts run `run` in a new process. The caller does nothing numerical and has not done so before. */
tsr_status *child_start(child *c, const tsr_work *work, size_t run, int threads);

/* Looks whether the process has ended; then c->pid is 0, and where it told no outcome one is stored for it.
   One that takes longer than max_seconds (0: as long as it likes) is killed and looked for again later. Call
   it several times a second. */
tsr_status *child_look(child *c, const tsr_work *work, double max_seconds);

/* Kills the process, if there is one, and waits for its end. */
void child_kill(child *c);

/* The threads that a run gets where `jobs` share the cores; `wanted` where it is not 0. */
int child_threads(int wanted, size_t jobs, int cores);

/* Seconds on a clock that only goes forward. */
double child_now(void);

#endif
