/* Child processes: start one, wait for its end until a deadline, kill it with all that it started, say how it
   ended. A child dies with the process that started it. */
#ifndef TSR_BASE_PROCESS_H
#define TSR_BASE_PROCESS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether all is to be done in one process, as a debugger wants it: under one, and where it was set, by the
   option --in-process. Foreign code then ends the program where it ends its process. */
bool tsr_process_is_single(void);
void tsr_process_set_single(void);

/* Where a child's standard output and standard error go. Its standard input is always empty. */
typedef enum tsr_process_output {
    TSR_OUTPUT_NOWHERE,   /* both to /dev/null */
    TSR_OUTPUT_ERRORS,    /* standard output to /dev/null, standard error stays */
    TSR_OUTPUT_AS_ERRORS, /* both to standard error */
} tsr_process_output;

/* The exit status of a child that could not begin, or not answer, for want of files or of a whole write. */
enum { TSR_PROCESS_UNABLE = 125 };

/* What the child does; it ends by _exit with what this returns, so that no exit handler and no buffer of the
   parent's is run or written twice. */
typedef int tsr_process_work(void *context);

/* Starts a child that leads a process group of its own. *out is its number; TSR_IO where there can be none.
   One thread, and none else runs. */
TSR_MUST_CHECK tsr_status *tsr_process_start(tsr_process_output output, tsr_process_work *work, void *context,
                                             pid_t *out);

/* Milliseconds on a clock that only goes forward; what deadlines are counted by. */
int64_t tsr_process_clock(void);

/* Waits until the child has ended, at most until the deadline; whether it has. Its number stays its own until
   tsr_process_end. */
bool tsr_process_wait(pid_t pid, int64_t deadline);

/* Kills the child, if it has not ended yet, and all of its group; how it ended, as waitpid says it. */
int tsr_process_end(pid_t pid);

/* Adds how a process ended `during` something ("in open"), as the rest of a sentence that it begins:

       crashed in open (signal 11, Segmentation fault)
       was killed in open (signal 9, Killed)
       ended the process with status 0 in open */
void tsr_process_describe_end(int ended, const char *during, tsr_text *out);

/* Whether the signal is one that a process's own fault brings, such as SIGSEGV. */
bool tsr_process_is_crash(int signal);

#endif
