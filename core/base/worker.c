/* Waiting for the worker. Both processes are in the group that the shell made: what a terminal sends, reaches
   both. Signals are blocked in the one that waits, and taken one by one; one sent to it alone is handed on.
 */
#include "base/worker.h"

#include "base/guard.h"
#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_END_MILLISECONDS 2000 /* after a signal that should end the worker */

typedef struct waiting {
    pid_t worker;
    sigset_t signals;
    int64_t deadline; /* for an end by a signal; 0: none came */
    bool told;        /* what it is at, after the deadline */
    bool killed;      /* it was, by another signal */
} waiting;

/* What whoever started the program has it ignore, or blocks, stays so in both processes. */
static void choose_signals(sigset_t *signals)
{
    static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct sigaction action;
        if (sigaction(all[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
            !sigismember(&blocked, all[i]))
            sigaddset(signals, all[i]);
    }
}

/* By the signal's own action, as if it had not been blocked. */
static void take_default(int number)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL); /* here it comes */
    sigprocmask(SIG_BLOCK, &one, NULL);
}

static void tell_what_it_is_at(waiting *w)
{
    tsr_text calls = { 0 };
    tsr_guard_describe_current(&calls);
    tsr_log_error("tessera: still in %s %d seconds after the signal; send it again to kill what runs",
                  calls.chars ? calls.chars : "its own code", MAX_END_MILLISECONDS / 1000);
    free(calls.chars);
    w->told = true;
}

/* A terminal has sent its signal to the worker as well. */
static void end_worker(waiting *w, const siginfo_t *info)
{
    bool by_terminal = info->si_code == SI_KERNEL;
    if (w->told)
        kill(w->worker, SIGKILL);
    else if (!by_terminal)
        kill(w->worker, info->si_signo);
    w->killed = w->told;
    if (!w->deadline)
        w->deadline = tsr_process_clock() + MAX_END_MILLISECONDS;
}

static void handle(waiting *w, const siginfo_t *info)
{
    switch (info->si_signo) {
    case SIGCHLD:
        break;
    case SIGTSTP:
        if (info->si_code != SI_KERNEL)
            kill(w->worker, SIGTSTP);
        take_default(SIGTSTP);
        break;
    case SIGCONT:
        kill(w->worker, SIGCONT);
        break;
    default:
        end_worker(w, info);
    }
}

/* How the worker ended. */
static int wait_for_end(waiting *w)
{
    for (;;) {
        int ended, number;
        siginfo_t info;
        pid_t pid = waitpid(w->worker, &ended, WNOHANG);
        if (pid == w->worker)
            return ended;
        if (pid < 0 && errno == ECHILD) /* somebody else has taken it */
            return W_EXITCODE(0, 0);
        if (w->deadline && !w->told) {
            int64_t left = w->deadline - tsr_process_clock();
            left = left > 0 ? left : 0;
            struct timespec time = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
            number = sigtimedwait(&w->signals, &info, &time);
        } else {
            number = sigwaitinfo(&w->signals, &info);
        }
        if (number > 0)
            handle(w, &info);
        else if (errno == EAGAIN)
            tell_what_it_is_at(w);
    }
}

/* The worker's core file is the one that is of use. */
static void end_likewise(int number)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    take_default(number);
}

static int tell_of_end(const waiting *w, int ended)
{
    tsr_guard_outcome outcome = tsr_guard_read();
    tsr_text message = { 0 };
    int status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0, number = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
    if (outcome.concluded && !number)
        return status ? status : outcome.exit_status; /* a sanitizer's, which has found a leak at the end */
    bool foreign = tsr_guard_describe_end(ended, &message);
    bool by_itself = !number || number == SIGKILL || tsr_process_is_crash(number);
    if (!foreign && by_itself) {
        tsr_text_add(&message, "tessera: ");
        tsr_process_describe_end(ended, outcome.concluded ? "after all was done" : "before all was done",
                                 &message);
        tsr_text_add(&message, "%s", number == SIGKILL && !w->killed ? ", perhaps for want of memory" : "");
    }
    if (message.chars)
        tsr_log_error("%s", message.chars);
    free(message.chars);
    if (w->killed)
        return 128 + SIGINT;
    if (number && !outcome.concluded && (!by_itself || (!foreign && number != SIGKILL)))
        end_likewise(number);
    return status && !foreign ? status : outcome.exit_status;
}

bool tsr_worker_start(int otherwise, int *exit_status)
{
    waiting w = { 0 };
    sigset_t before;
    pid_t here = getpid();
    if (tsr_process_is_single() || !tsr_guard_share()) {
        tsr_guard_lead(otherwise);
        return false;
    }
    choose_signals(&w.signals);
    sigprocmask(SIG_BLOCK, &w.signals, &before);
    w.worker = fork();
    if (w.worker < 0) {
        tsr_log_error("tessera: cannot start a process: %s", strerror(errno));
        *exit_status = otherwise;
        return true;
    }
    if (w.worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != here) /* it died before it was watched */
            _exit(otherwise);
        sigprocmask(SIG_SETMASK, &before, NULL);
        tsr_guard_lead(otherwise);
        return false;
    }
    *exit_status = tell_of_end(&w, wait_for_end(&w));
    return true;
}
