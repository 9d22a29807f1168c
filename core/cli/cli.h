/* The commands of the program, and what they share. Each gets the arguments from its own name on and returns
   the exit status. */
#ifndef TSR_CLI_CLI_H
#define TSR_CLI_CLI_H

#include <tessera/status.h>

enum {
    TSR_EXIT_DONE = 0,
    TSR_EXIT_USAGE = 1,
    TSR_EXIT_REFUSED = 2,     /* before any work */
    TSR_EXIT_SOME_FAILED = 3, /* the other runs are kept */
    TSR_EXIT_INTERRUPTED = 130,
};

int tsr_cli_run(int argc, char **argv);
int tsr_cli_check(int argc, char **argv);
int tsr_cli_list(int argc, char **argv);
int tsr_cli_describe(int argc, char **argv);

/* Prints `text` if -h or --help stands among the arguments. */
bool tsr_cli_wants_help(int argc, char **argv, const char *text);

/* Prints and frees a failure; its exit status, 0 for NULL. */
int tsr_cli_exit(tsr_status *status);

#endif
