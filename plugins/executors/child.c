/* A run in a process of its own. The outcome is a file, so that all that comes back is how the process ended.
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_GAP 0.5 /* seconds between looks that count as the run's time */

double child_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int child_threads(int wanted, size_t jobs, int cores)
{
    if (wanted)
        return wanted;
    int share = cores / (int)jobs;
    return share > 1 ? share : 1;
}

/* ctrl-C reaches all processes of the terminal; it is for the parent, which ends its children. */
static void prepare_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's whole life. Where the outcome cannot be stored, a shorter one, that says so, perhaps can. */
static _Noreturn void run_child(const tsr_work *work, size_t run, int threads, pid_t parent)
{
    prepare_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    tsr_status *status = work->run(work, run, threads);
    tsr_status *lost = status ? work->lost(work, run, tsr_status_message(status)) : NULL;
    if (lost)
        fprintf(stderr, "%s\n", tsr_status_message(status));
    fflush(NULL);
    _exit(lost ? 1 : 0);
}

tsr_status *child_start(child *c, const tsr_work *work, size_t run, int threads)
{
    pid_t parent = getpid();
    fflush(NULL); /* what is buffered would be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return tsr_fail(TSR_IO, "cannot start a process for a run: %s", strerror(errno));
    if (pid == 0)
        run_child(work, run, threads, parent);
    *c = (child){ .pid = pid, .run = run, .looked = child_now() };
    return NULL;
}

/* A process ended: where it could not tell an outcome, the reason is told for it. */
static tsr_status *finish(child *c, const tsr_work *work, double max_seconds, int ending)
{
    char reason[160] = "";
    if (c->late)
        snprintf(reason, sizeof(reason), "did not end within max_seconds = %g", max_seconds);
    else if (WIFSIGNALED(ending))
        snprintf(reason, sizeof(reason), "killed by signal %d (%s)%s", WTERMSIG(ending),
                 strsignal(WTERMSIG(ending)),
                 WTERMSIG(ending) == SIGKILL ? ", perhaps for want of memory" : "");
    else if (WEXITSTATUS(ending) != 0 || !work->finished(work, c->run))
        snprintf(reason, sizeof(reason), "its process ended with exit status %d and no outcome",
                 WEXITSTATUS(ending));
    c->pid = 0;
    if (!reason[0] || work->interrupted(work)) /* the interrupt may have ended it too */
        return NULL;
    return work->lost(work, c->run, reason);
}

/* A look comes at least every tenth of a second. Where it comes much later, the program was stopped, by
   ctrl-Z for instance, and the run with it: that is no time of the run's. */
static void count_time(child *c)
{
    double now = child_now(), gap = now - c->looked;
    c->spent += gap < MAX_GAP ? gap : MAX_GAP;
    c->looked = now;
}

tsr_status *child_look(child *c, const tsr_work *work, double max_seconds)
{
    int ending;
    pid_t ended = waitpid(c->pid, &ending, WNOHANG);
    if (ended == c->pid)
        return finish(c, work, max_seconds, ending);
    if (ended < 0 && errno != EINTR)
        return tsr_fail(TSR_IO, "cannot wait for the process of a run: %s", strerror(errno));
    count_time(c);
    if (max_seconds > 0 && !c->late && c->spent > max_seconds) {
        c->late = true;
        kill(c->pid, SIGKILL);
    }
    return NULL;
}

void child_kill(child *c)
{
    if (!c->pid)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    c->pid = 0;
}
