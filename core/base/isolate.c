/* Work in a child process. The child answers through a pipe: one character, the status code from 'A' on, then
   the failure's message or the work's text, then a NUL. The NUL ends the answer, since a process that the
   child started may keep the pipe open. */
#include "base/isolate.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the child. */

static void answer(int fd, tsr_error code, const char *text)
{
    char first = (char)('A' + code);
    if (write(fd, &first, 1) != 1)
        return;
    size_t left = strlen(text) + 1;
    while (left > 0) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            text += written;
            left -= (size_t)written;
        }
    }
}

/* Plugins may print; what the user asked for goes to the same stdout. */
static void divert(bool loud)
{
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(loud ? STDERR_FILENO : nowhere, STDOUT_FILENO);
    }
}

static _Noreturn void child(tsr_isolated *work, void *context, bool loud, int fd)
{
    setpgid(0, 0); /* so that what the work starts is killed with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    divert(loud);
    char *text = NULL;
    tsr_status *status = work(context, &text);
    if (status)
        answer(fd, tsr_status_error(status), tsr_status_message(status));
    else
        answer(fd, TSR_OK, text ? text : "");
    _exit(0);
}

/* In the parent. */

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Reads until the answer's NUL, the end of the pipe or the deadline; whether it is whole. */
static bool listen_to(int fd, int64_t deadline, tsr_text *heard)
{
    for (;;) {
        int64_t left = deadline - now();
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int polled = poll(&ready, 1, left > 0 ? (int)left : 0);
        if (polled < 0 && errno == EINTR)
            continue;
        if (polled <= 0)
            return false;
        char piece[4096];
        ssize_t got = read(fd, piece, sizeof(piece) - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        piece[got] = '\0';
        tsr_text_add(heard, "%s", piece);
        if (memchr(piece, '\0', (size_t)got))
            return heard->length > 0 && !heard->failed;
    }
}

static tsr_status *understand(const tsr_text *heard, char **text)
{
    tsr_error code = (tsr_error)(heard->chars[0] - 'A');
    if (code != TSR_OK)
        return tsr_fail(code, "%s", heard->chars + 1);
    *text = strdup(heard->chars + 1);
    return *text ? NULL : tsr_no_memory("a child's answer");
}

static tsr_status *silent_end(const tsr_isolate_words *words, int limit, bool late, int ended)
{
    if (late)
        return tsr_fail(TSR_REFUSED, "%s: took more than %g seconds %s; %s", words->what, limit / 1000.0,
                        words->during, words->advice);
    if (WIFSIGNALED(ended))
        return tsr_fail(TSR_REFUSED, "%s: crashed %s (signal %d, %s); %s", words->what, words->during,
                        WTERMSIG(ended), strsignal(WTERMSIG(ended)), words->advice);
    return tsr_fail(TSR_REFUSED, "%s: ended the process with status %d %s; %s", words->what,
                    WIFEXITED(ended) ? WEXITSTATUS(ended) : -1, words->during, words->advice);
}

/* Waits for the child's end without taking its status, so that its number stays its own. */
static bool ends_by(pid_t pid, int64_t deadline)
{
    for (;;) {
        siginfo_t info = { 0 };
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return errno != EINTR;
        if (info.si_pid == pid)
            return true;
        if (now() >= deadline)
            return false;
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
}

static tsr_status *attend(const tsr_isolate_words *words, pid_t pid, int fd, int limit, char **text)
{
    tsr_text heard = { 0 };
    int64_t deadline = now() + limit;
    bool whole = listen_to(fd, deadline, &heard);
    bool late = !whole && !ends_by(pid, deadline);
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* where it got no group of its own */
    int ended = 0;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    tsr_status *status = heard.failed ? tsr_no_memory("a child's answer")
                         : whole      ? understand(&heard, text)
                                      : silent_end(words, limit, late, ended);
    free(heard.chars);
    return status;
}

tsr_status *tsr_isolate(const tsr_isolate_words *words, int limit, bool loud, tsr_isolated *work,
                        void *context, char **text)
{
    *text = NULL;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tsr_fail(TSR_IO, "%s: cannot be tried: %s", words->what, strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(work, context, loud, ends[1]);
    }
    close(ends[1]);
    tsr_status *status;
    if (pid > 0)
        setpgid(pid, pid); /* whichever of the two is first */
    if (pid < 0)
        status = tsr_fail(TSR_IO, "%s: cannot be tried: %s", words->what, strerror(errno));
    else
        status = attend(words, pid, ends[0], limit, text);
    close(ends[0]);
    return status;
}
