/* Foreign code in a process that must not end without a word: a plugin's init, a dataset's open, an executor.
   While such a call is noted here, a crash or an exit in it ends the process with a message that names the
   call, and with the exit status that the command wants. Nothing is paid for it but the noting. */
#ifndef TSR_BASE_GUARD_H
#define TSR_BASE_GUARD_H

#include <stdbool.h>

/* A call of foreign code; all NULL: none is at work. The texts are read when it ends badly. */
typedef struct tsr_guarded {
    const char *file;      /* "/path/to/plugin.so"; NULL: no file of its own */
    const char *kind;      /* "probe" */
    const char *name;      /* of the plugin */
    const char *operation; /* "open" */
    int folder;   /* tsr_guard_enter's own: the working folder before the call, which it may have changed; 0:
                     none */
    bool answers; /* its process, a child perhaps, is to end by _exit: exit must not pass for success */
} tsr_guarded;

/* From here on this process is guarded; its children are not. Called by commands, once, before any call that
   is to be guarded. One thread. */
void tsr_guard_begin(int exit_status);

/* With which status the process ends where foreign code ends it. */
void tsr_guard_exit_status(int exit_status);

/* Notes what is called next, and gives what was noted before, for tsr_guard_leave after the call. */
tsr_guarded tsr_guard_enter(tsr_guarded call);
void tsr_guard_leave(tsr_guarded before);

#endif
