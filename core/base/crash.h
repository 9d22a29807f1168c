/* Where a process crashed, noted by its signal handler in memory that another process reads: the functions on
   the stack as places in files, and the text of a C++ exception that nobody caught. */
#ifndef TSR_BASE_CRASH_H
#define TSR_BASE_CRASH_H

#include "base/text.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TSR_CRASH_FRAMES = 6 };

typedef struct tsr_crash_frame {
    uint64_t offset; /* from where the file is loaded */
    char file[160];  /* the end of a longer path */
} tsr_crash_frame;

/* Zeroed: nothing has happened. */
typedef struct tsr_crash {
    _Atomic uint32_t n; /* frames, from the innermost; of neighbours in one file the inner one */
    tsr_crash_frame frames[TSR_CRASH_FRAMES];
    char thrown[256];   /* of an exception; "": none */
    uint64_t stack;     /* bytes of the stack that was full; 0: none was */
    bool is_first_full; /* it was the first thread's */
} tsr_crash;

/* From here on a crash of this process is noted in *out, before it ends as it would have. Signals that
   somebody handles already, a sanitizer for instance, are left to them. The main thread calls it. */
void tsr_crash_watch(tsr_crash *out);

/* A stack for the handler, which the calling thread lacks where its own is full; and for each of OpenMP's
   threads, as many as tsr_threads() says. Nothing where the process is not watched. A thread's goes with it.
 */
void tsr_crash_watch_thread(void);
void tsr_crash_watch_threads(void);

/* No longer; for a process that was forked from one that is watched. */
void tsr_crash_leave(void);

/* Adds what is known: ", which threw 'text'", ", in function f (/path/own.so+0x1139)", ", as a worker
   thread's stack of 2048 KiB is full (OMP_STACKSIZE)"; nothing where nothing is. crash may hold anything: its
   writer may have been damaged. */
void tsr_crash_describe(const tsr_crash *crash, tsr_text *out);

#endif
