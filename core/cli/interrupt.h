/* Being told to stop: by ctrl-C, or by who started the program. */
#ifndef TSR_CLI_INTERRUPT_H
#define TSR_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT and SIGTERM are noted and end nothing. One that whoever started the program has it
   ignore, as a shell does for jobs in the background, is ignored. */
void tsr_interrupt_watch(void);

/* Whether one has come; the argument is for tsr_session_observer. */
bool tsr_interrupt_came(void *unused);

#endif
