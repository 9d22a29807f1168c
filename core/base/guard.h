/* Which foreign call - a plugin's init, a dataset's read, an optimizer's update - a process is at, noted in
   memory that it shares with the process that waits for it. Where the process then ends without having said
   that its work is done, by a crash, exit, _exit or exec, the other one tells which plugin's which operation
   ended it. A note costs one store.

   A plugin's numbers are given out in the leading process, before it forks. What a forked process notes is
   its own until it is told, by tsr_guard_use, which memory its waiting process looks at. */
#ifndef TSR_BASE_GUARD_H
#define TSR_BASE_GUARD_H

#include "base/surroundings.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum tsr_operation {
    TSR_CALL_LOAD, /* the constructors of a plugin's file */
    TSR_CALL_INIT,
    TSR_CALL_FINI,
    TSR_CALL_CHECK,
    TSR_CALL_OPEN,
    TSR_CALL_READ,
    TSR_CALL_CLOSE,
    TSR_CALL_BUILD,
    TSR_CALL_FORWARD,
    TSR_CALL_BACKWARD,
    TSR_CALL_PENALTY,
    TSR_CALL_SLOTS,
    TSR_CALL_UPDATE,
    TSR_CALL_RUN,
    TSR_CALL_JOIN,
    TSR_CALL_SHARE,
    TSR_CALL_EXECUTE,
    TSR_CALL_EVALUATE,
    TSR_CALL_FACTOR,
    TSR_CALL_PLACE,
    TSR_CALL_CHANGE,
    TSR_CALL_IS_IDLE,
    TSR_CALL_TARGET,
    TSR_CALL_OUTPUTS,
} tsr_operation;

/* An operation of a plugin; 0: none, the program's own code is at work. */
typedef uint32_t tsr_call;

/* What each thread of a process is at. Threads beyond the last share its place. */
enum { TSR_GUARD_THREADS = 32 };
typedef struct tsr_calls {
    _Atomic tsr_call of_thread[TSR_GUARD_THREADS];
} tsr_calls;

/* The number of a plugin, or of a file of plugins that is being loaded: then kind and name are NULL. The same
   texts give the same number. `file` may be NULL: it is built in. Texts are copied, long ones cut. Where no
   number is left it is one that stands for "a plugin". One thread. */
unsigned tsr_guard_plugin(const char *file, const char *kind, const char *name);

static inline tsr_call tsr_call_of(unsigned plugin, tsr_operation operation)
{
    return (tsr_call)plugin << 8 | (tsr_call)operation;
}

/* Another operation of the call's plugin; none stays none. */
static inline tsr_call tsr_call_with(tsr_call call, tsr_operation operation)
{
    return call ? (call & ~(tsr_call)0xff) | (tsr_call)operation : 0;
}

/* Notes what this thread calls next; gives what was noted before, to be noted again after the call. */
tsr_call tsr_guard_note(tsr_call call);

/* The same for a call that comes seldom: the working folder, which is the user's, and what else the process
   has once are as before after tsr_guard_leave. Where nobody watches, a change is warned of in the leading
   process, but for the folder's, which harms nobody. */
typedef struct tsr_guarded {
    tsr_call before, call;
    int folder; /* -1: it cannot be opened */
    tsr_surroundings surroundings;
} tsr_guarded;
tsr_guarded tsr_guard_enter(tsr_call call);
void tsr_guard_leave(tsr_guarded guarded);

/* From here on `watch` (NULL: nobody) is called, in the thread that notes, by every note that begins or ends
   a call: `ended` is the call that was noted before, `begins` the new one; 0 is none. It notes nothing. */
typedef void tsr_guard_watch(tsr_call ended, tsr_call begins);
void tsr_guard_watch_calls(tsr_guard_watch *watch);

/* This thread's place. The main thread's is 0, that of the one that makes batches ahead TSR_GUARD_BATCHES;
   those that share an update follow. */
enum { TSR_GUARD_BATCHES = 1 };
void tsr_guard_set_thread(unsigned number);

/* From here on this process notes in `calls`, which its waiting process looks at. Nothing is done in the
   leading process, which goes on to note where it did. */
void tsr_guard_use(tsr_calls *calls);

/* Whether this process was forked by the leading one, or by one of its children. */
bool tsr_guard_is_forked(void);

/* Adds one call as the next function does; or that call and those that other threads are at. */
void tsr_guard_describe_call(tsr_call call, tsr_text *out);
void tsr_guard_describe_with(tsr_call call, tsr_text *out);

/* Adds the calls noted in `calls`, "update of optimizer adam (/path/adam.so)", several parted by " or "; adds
   nothing where there is none. `calls` may hold anything. */
void tsr_guard_describe(const tsr_calls *calls, tsr_text *out);

/* The leading process. */

/* Notes are from here on in memory that this process shares with those that it forks; false without memory.
   Before there is any note. */
bool tsr_guard_share(void);

/* This process leads, forked or not. An end by a foreign call is to be one with this status. */
void tsr_guard_lead(int exit_status);

/* With which status it ends where foreign code ends it. */
void tsr_guard_exit_status(int exit_status);

/* The final word: the work is done, and this is its exit status. */
void tsr_guard_conclude(int exit_status);

/* What the leading process has left: whether it has said the final word, and the status to end with. */
typedef struct tsr_guard_outcome {
    bool concluded;
    int exit_status;
} tsr_guard_outcome;
tsr_guard_outcome tsr_guard_read(void);

/* Adds the message that tells of the leading process's end, `ended` as waitpid gives it, in the call that is
   noted, "FILE: KIND NAME: crashed in open (signal 11, Segmentation fault); ..."; false where none is. */
bool tsr_guard_describe_end(int ended, tsr_text *out);

/* Adds what the leading process is at, as tsr_guard_describe does. */
void tsr_guard_describe_current(tsr_text *out);

#endif
