/* Child processes. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NANOSECONDS 2000000 /* between looks whether a child has ended */

static bool is_traced(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    int tracer = 0;
    while (status && fgets(line, sizeof(line), status))
        if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            break;
    if (status)
        fclose(status);
    return tracer != 0;
}

static bool is_single;

void tsr_process_set_single(void)
{
    is_single = true;
}

bool tsr_process_is_single(void)
{
    return is_single || is_traced();
}

static bool divert(tsr_process_output output)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0)
        return false;
    int prints = output == TSR_OUTPUT_AS_ERRORS ? STDERR_FILENO : nowhere;
    bool done = dup2(nowhere, STDIN_FILENO) >= 0 && dup2(prints, STDOUT_FILENO) >= 0;
    if (output == TSR_OUTPUT_NOWHERE)
        done = dup2(nowhere, STDERR_FILENO) >= 0 && done;
    if (nowhere > STDERR_FILENO)
        close(nowhere);
    return done;
}

static _Noreturn void run_child(tsr_process_output output, tsr_process_work *work, void *context,
                                pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before it was watched */
        _exit(EXIT_FAILURE);
    if (!divert(output))
        _exit(TSR_PROCESS_UNABLE);
    _exit(work(context));
}

tsr_status *tsr_process_start(tsr_process_output output, tsr_process_work *work, void *context, pid_t *out)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_child(output, work, context, parent);
    if (pid < 0)
        return tsr_fail(TSR_IO, "cannot start a process: %s", strerror(errno));
    setpgid(pid, pid); /* whichever of the two is first */
    *out = pid;
    return NULL;
}

int64_t tsr_process_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool tsr_process_wait(pid_t pid, int64_t deadline)
{
    for (;;) {
        siginfo_t info = { 0 };
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno != EINTR)
            return true;
        if (info.si_pid == pid)
            return true;
        if (tsr_process_clock() >= deadline)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NANOSECONDS }, NULL);
    }
}

int tsr_process_end(pid_t pid)
{
    int ended = 0;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* where it got no group of its own */
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    return ended;
}

bool tsr_process_is_crash(int signal)
{
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };
    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        if (crashes[i] == signal)
            return true;
    return false;
}

void tsr_process_describe_end(int ended, const char *during, tsr_text *out)
{
    if (!WIFSIGNALED(ended)) {
        tsr_text_add(out, "ended the process with status %d %s", WIFEXITED(ended) ? WEXITSTATUS(ended) : -1,
                     during);
        return;
    }
    int signal = WTERMSIG(ended);
    tsr_text_add(out, "%s %s (signal %d, %s)", tsr_process_is_crash(signal) ? "crashed" : "was killed",
                 during, signal, strsignal(signal));
}
