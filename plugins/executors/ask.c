/* A command without a shell, so that no word needs quotes, in a process group of its own, which is killed
   where it does not end. */
#include "ask.h"

#include "child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NANOSECONDS 5000000

extern char **environ;

/* Starts it with its output in the pipe's end `to`. 0 or an error number. */
static int start(const char *const *words, int to, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGPIPE);
    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return error;
    error = posix_spawnattr_init(&how);
    if (error) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, to, STDERR_FILENO);
    if (!error)
        error = posix_spawnp(pid, words[0], &files, &how, (char *const *)(uintptr_t)words, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* --- what it says, until it has ended --- */

/* A program that works. */
typedef struct working {
    const char *name;
    pid_t pid; /* its group's too */
    int from;  /* its words */
    double seconds, until;
} working;

static tsr_status *too_late(const working *w)
{
    return tsr_fail(TSR_FAILED, "%s had not ended after %g seconds, and was killed", w->name, w->seconds);
}

/* Waits for something to read, or the end. */
static tsr_status *wait_for_words(const working *w)
{
    for (;;) {
        double left = w->until - child_now();
        int ready = left > 0 ? poll(&(struct pollfd){ .fd = w->from, .events = POLLIN }, 1,
                                    left < 60 ? (int)(left * 1000) + 1 : 60000)
                             : 0;
        if (ready > 0)
            return NULL;
        if (ready < 0 && errno != EINTR)
            return tsr_fail(TSR_IO, "cannot wait for what %s says: %s", w->name, strerror(errno));
        if (left <= 0)
            return too_late(w);
    }
}

static tsr_status *copy_words(const working *w, FILE *out)
{
    char part[4096];
    for (;;) {
        TSR_TRY(wait_for_words(w));
        ssize_t n = read(w->from, part, sizeof(part));
        if (n == 0)
            return NULL;
        if (n > 0)
            fwrite(part, 1, (size_t)n, out);
        else if (errno != EINTR)
            return tsr_fail(TSR_IO, "cannot read what %s says: %s", w->name, strerror(errno));
    }
}

/* All that comes, as a text. */
static tsr_status *read_all(const working *w, char **text)
{
    size_t size;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    tsr_status *status = out ? copy_words(w, out) : NULL;
    bool whole = out && !ferror(out);
    if (out && fclose(out) == 0 && whole && !status)
        return NULL;
    free(*text);
    *text = NULL;
    return status ? status : tsr_fail(TSR_NO_MEMORY, "not enough memory for what %s says", w->name);
}

/* It has said all, and should end soon. */
static tsr_status *await_end(working *w, bool *succeeded)
{
    for (;;) {
        int ending;
        pid_t ended = waitpid(w->pid, &ending, WNOHANG);
        if (ended == w->pid) {
            w->pid = 0;
            *succeeded = WIFEXITED(ending) && WEXITSTATUS(ending) == 0;
            return NULL;
        }
        if (ended < 0 && errno != EINTR) {
            w->pid = 0; /* somebody else's by now */
            return tsr_fail(TSR_IO, "cannot wait for the end of %s: %s", w->name, strerror(errno));
        }
        if (child_now() >= w->until)
            return too_late(w);
        nanosleep(&(struct timespec){ .tv_nsec = TICK_NANOSECONDS }, NULL);
    }
}

/* With what it has started. */
static void kill_group(const working *w)
{
    kill(-w->pid, SIGKILL);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static tsr_status *start_and_read(const char *const *words, double seconds, char **out, bool *succeeded)
{
    int ends[2];
    working w = { .name = words[0], .seconds = seconds, .until = child_now() + seconds };
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tsr_fail(TSR_IO, "cannot make a pipe for %s: %s", words[0], strerror(errno));
    w.from = ends[0];
    int error = start(words, ends[1], &w.pid);
    close(ends[1]);
    tsr_status *status =
        error ? tsr_fail(TSR_REFUSED, "cannot start the program '%s': %s", words[0], strerror(error))
              : read_all(&w, out);
    close(ends[0]);
    if (error)
        return status;
    if (!status)
        status = await_end(&w, succeeded);
    if (w.pid)
        kill_group(&w);
    if (status) {
        free(*out);
        *out = NULL;
    }
    return status;
}

tsr_status *ask(const char *const *words, double seconds, char **out, bool *succeeded)
{
    *out = NULL;
    *succeeded = false;
    void (*inherited)(int) = signal(SIGCHLD, SIG_DFL); /* ignored, it could not be asked how it ended */
    tsr_status *status = start_and_read(words, seconds, out, succeeded);
    signal(SIGCHLD, inherited);
    return status;
}

const char *ask_one_line(char *said)
{
    size_t end = strlen(said);
    while (end && isspace((unsigned char)said[end - 1]))
        said[--end] = '\0';
    for (char *c = said; *c; c++)
        if (*c == '\n')
            *c = ' ';
    return end ? said : "it gives no reason";
}
