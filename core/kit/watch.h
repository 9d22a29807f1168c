/* Watching the calls of a plugin: what they do to the process, and the memory that they keep. It sees the
   calls that are noted (see base/guard.h). One at a time in a process. */
#ifndef TSR_KIT_WATCH_H
#define TSR_KIT_WATCH_H

#include <stddef.h>
#include <tessera/status.h>

/* Bytes that are allocated. */
size_t tsr_kit_allocated(void);

/* From here on every call's surroundings are compared. */
void tsr_kit_watch_surroundings(void);
/* No longer; fails with what the first call that changed something has changed. */
TSR_MUST_CHECK tsr_status *tsr_kit_watch_end(void);

/* From here on, until the round's end, the memory that each operation keeps is counted. */
void tsr_kit_watch_memory(void);
void tsr_kit_watch_memory_round(void);
/* After all rounds: "forward of model own (./own.so) keeps 64 bytes more at each call", of the operation that
   keeps most and should keep nothing; NULL: none does. free() it. */
char *tsr_kit_watch_memory_end(void);

#endif
