/* The guard. Signals of a crash are handled on a stack of their own, so that a stack that ran over is told
   too; an exit is noticed by atexit. In a child process, and outside of what is guarded, a signal does what
   it did before: a run's process dies by it, and its parent tells why. */
#include "base/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK = 1 << 16, MAX_LENGTH = 8192 };

static const struct {
    int number;
    const char *words;
} crashes[] = {
    { SIGSEGV, "Segmentation fault" }, { SIGBUS, "Bus error" }, { SIGFPE, "Floating point exception" },
    { SIGILL, "Illegal instruction" }, { SIGABRT, "Aborted" },
};
enum { N_CRASHES = sizeof(crashes) / sizeof(*crashes) };

/* Of the process, as signals are. */
static struct {
    pid_t owner; /* 0: nothing is guarded */
    int exit_status;
    tsr_guarded call;
    struct sigaction before[N_CRASHES];
} guard;

static bool guards_this(void)
{
    return guard.call.operation && guard.owner == getpid();
}

/* The message: built without the heap, which may be what was damaged. */
static void add(char *line, size_t *length, const char *text)
{
    size_t capacity = MAX_LENGTH - 1 - *length, n = strlen(text);
    n = n < capacity ? n : capacity;
    memcpy(line + *length, text, n);
    *length += n;
}

static void say(const char *what, const char *detail)
{
    static char line[MAX_LENGTH];
    const char *const pieces[] = { guard.call.file ? guard.call.file : "",
                                   guard.call.file ? ": " : "",
                                   guard.call.kind,
                                   " ",
                                   guard.call.name,
                                   ": ",
                                   what,
                                   " in ",
                                   guard.call.operation,
                                   detail,
                                   "; try it with 'tessera test', or run it under a debugger" };
    size_t length = 0;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        add(line, &length, pieces[i]);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) {
        /* Nowhere is left to say so. */
    }
}

static void on_crash(int number)
{
    for (size_t i = 0; i < N_CRASHES; i++) {
        if (crashes[i].number != number)
            continue;
        if (guards_this()) {
            char detail[64] = " (signal ##, ";
            char *digits = strchr(detail, '#');
            digits[0] = (char)('0' + number / 10);
            digits[1] = (char)('0' + number % 10);
            say("crashed", strcat(strcat(detail, crashes[i].words), ")"));
            _exit(guard.exit_status);
        }
        sigaction(number, &guard.before[i], NULL);
        raise(number); /* comes when this handler returns */
    }
}

static void on_exit_of_process(void)
{
    if (!guards_this() && !guard.call.answers)
        return;
    say("ended the process", "");
    fflush(NULL);
    _exit(guard.exit_status);
}

void tsr_guard_begin(int exit_status)
{
    static char stack[STACK];
    if (guard.owner == 0 && atexit(on_exit_of_process) == 0) {
        stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
        struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
        sigaltstack(&alternate, NULL);
        for (size_t i = 0; i < N_CRASHES; i++)
            sigaction(crashes[i].number, &action, &guard.before[i]);
    }
    guard.owner = getpid();
    guard.exit_status = exit_status;
}

void tsr_guard_exit_status(int exit_status)
{
    guard.exit_status = exit_status;
}

/* The working folder is the user's: a call that changes it changes it for itself. */
tsr_guarded tsr_guard_enter(tsr_guarded call)
{
    tsr_guarded before = guard.call;
    int folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    call.folder = folder > 0 ? folder : 0;
    guard.call = call;
    return before;
}

void tsr_guard_leave(tsr_guarded before)
{
    int folder = guard.call.folder;
    if (folder > 0) {
        if (fchdir(folder) != 0) {
            /* It has been removed: there is nothing to go back to. */
        }
        close(folder);
    }
    guard.call = before;
}
