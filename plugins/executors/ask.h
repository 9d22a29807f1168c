/* What another program says: for executors that have a scheduler's own commands do the work. */
#ifndef TESSERA_EXECUTORS_ASK_H
#define TESSERA_EXECUTORS_ASK_H

#include <stdbool.h>
#include <tessera/status.h>

#define ASK_SECONDS 30.0 /* for a question that is answered at once or not at all */

/* Runs the program words[0], found on the PATH, with the words, which end with NULL; it reads nothing, and
   ctrl-C does not reach it. *out: what it printed, errors too; free() it. *succeeded: whether it ended with
   status 0. Refuses a program that cannot be started; fails where its words cannot be read, without memory,
   and where it has not ended after so many seconds: then it has been killed. *out is NULL then. */
tsr_status *ask(const char *const *words, double seconds, char **out, bool *succeeded);

/* What a program said, put on one line; where it said nothing, that it gives no reason. */
const char *ask_one_line(char *said);

#endif
