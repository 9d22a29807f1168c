/* Work that may crash, hang or end its process, done in a child process, so that this is a failure like
   another. */
#ifndef TSR_BASE_ISOLATE_H
#define TSR_BASE_ISOLATE_H

#include "base/guard.h"

#include <tessera/status.h>

/* What the child does. *text, NULL or allocated, goes to the parent where the work succeeds. */
typedef tsr_status *tsr_isolated(void *context, char **text);

/* What to say of a child that gave no answer; printf formats without arguments of their own. */
typedef struct tsr_isolate_words {
    const char *what;   /* begins every message: "/path/to/plugin.so" */
    const char *during; /* "while being loaded" */
    const char *advice; /* "look at its constructors" */
    tsr_calls *calls;   /* shared memory in which the child notes its calls, told before `during`; or NULL */
} tsr_isolate_words;

/* Does `work` in a child for at most `limit` milliseconds; its failure comes back as it was. Whatever the
   child starts is killed with it; it reads nothing, and what it prints goes to stderr where `loud` is set,
   else nowhere. *text: as the work gave it, "" where it gave none; free() it. One thread, and none else runs.
   Where tsr_process_is_single, it is done here, with no limit. */
TSR_MUST_CHECK tsr_status *tsr_isolate(const tsr_isolate_words *words, int limit, bool loud,
                                       tsr_isolated *work, void *context, char **text);

#endif
