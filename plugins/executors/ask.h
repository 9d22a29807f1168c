/* What another program says: for executors that have a scheduler's own commands do the work. */
#ifndef TESSERA_EXECUTORS_ASK_H
#define TESSERA_EXECUTORS_ASK_H

#include <stdbool.h>
#include <tessera/status.h>

/* Runs the program words[0], found on the PATH, with the words, which end with NULL; it reads nothing, and
   ctrl-C does not reach it. *out: what it printed, errors too; free() it. *succeeded: whether it ended with
   status 0. Refuses a program that cannot be started; *out is NULL then. */
tsr_status *ask(const char *const *words, char **out, bool *succeeded);

#endif
