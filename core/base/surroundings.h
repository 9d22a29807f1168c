/* What a process has once, and foreign code must leave as it is: locale, rounding mode, floating-point traps,
   signal mask, working folder, umask and standard streams. Taken before a call and compared after it. */
#ifndef TSR_BASE_SURROUNDINGS_H
#define TSR_BASE_SURROUNDINGS_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TSR_LOCALE_TEXT = 512, TSR_STANDARD_STREAMS = 3 };

typedef struct tsr_stream_identity {
    bool is_open;
    dev_t device;
    ino_t file;
    int flags; /* as F_GETFL gives them */
} tsr_stream_identity;

typedef struct tsr_surroundings {
    int rounding, traps; /* of the calling thread, as fegetround and fegetexcept give them */
    unsigned vector;     /* its modes for vectors, where they are apart: rounding, traps, subnormal numbers */
    uint64_t signals;    /* that the calling thread blocks: bit i is signal i + 1 */
    mode_t umask;
    dev_t folder_device;
    ino_t folder; /* 0: it cannot be looked at */
    tsr_stream_identity streams[TSR_STANDARD_STREAMS];
    char locale[TSR_LOCALE_TEXT];
    void *thread_locale; /* of the calling thread, as uselocale gives it */
} tsr_surroundings;

/* Any thread, where there is /proc; elsewhere the umask can only be read by setting it. */
void tsr_surroundings_take(tsr_surroundings *out);

/* Adds what differs, "the rounding mode and the umask"; whether anything does. */
bool tsr_surroundings_differ(const tsr_surroundings *before, const tsr_surroundings *after, tsr_text *out);

/* Whether the calling thread's rounding, traps and vector modes are those; costs next to nothing. */
bool tsr_surroundings_same_modes(const tsr_surroundings *before);

/* Whether results computed after such a change may be others: rounding, traps, vector modes or locale differ.
 */
bool tsr_surroundings_doubtful(const tsr_surroundings *before, const tsr_surroundings *after);

/* Puts back what can be: all but the folder and the streams. */
void tsr_surroundings_restore(const tsr_surroundings *before);

/* Takes into *out what belongs to a thread, not to the process, from `thread`. */
void tsr_surroundings_of_thread(const tsr_surroundings *thread, tsr_surroundings *out);

#endif
