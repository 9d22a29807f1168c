/* A command without a shell, so that no word needs quotes, in a process group of its own. */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* All that comes, as a text. NULL: no memory. */
static char *read_all(int from)
{
    char *text = NULL, part[4096];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (;;) {
        ssize_t n = read(from, part, sizeof(part));
        if (n > 0)
            fwrite(part, 1, (size_t)n, out);
        else if (n == 0 || errno != EINTR)
            break;
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static tsr_status *start_and_read(const char *const *words, char **out, bool *succeeded)
{
    int ends[2], ending = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tsr_fail(TSR_IO, "cannot make a pipe for %s: %s", words[0], strerror(errno));
    int error = start(words, ends[1], &pid);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return tsr_fail(TSR_REFUSED, "cannot start the program '%s': %s", words[0], strerror(error));
    }
    *out = read_all(ends[0]);
    close(ends[0]);
    pid_t ended;
    do
        ended = waitpid(pid, &ending, 0);
    while (ended < 0 && errno == EINTR);
    *succeeded = ended == pid && WIFEXITED(ending) && WEXITSTATUS(ending) == 0;
    return *out ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for what %s says", words[0]);
}

tsr_status *ask(const char *const *words, char **out, bool *succeeded)
{
    *out = NULL;
    *succeeded = false;
    void (*inherited)(int) = signal(SIGCHLD, SIG_DFL); /* ignored, it could not be asked how it ended */
    tsr_status *status = start_and_read(words, out, succeeded);
    signal(SIGCHLD, inherited);
    return status;
}
