/* The commands of the program. Each gets its own arguments, argv[0] being its name, and returns the program's
   exit status. */
#ifndef TSR_CLI_CLI_H
#define TSR_CLI_CLI_H

#include <tessera/status.h>

enum {
    TSR_EXIT_DONE = 0,
    TSR_EXIT_USAGE = 1,   /* the command line was wrong */
    TSR_EXIT_REFUSED = 2, /* a config, a plugin or data, before any work */
    TSR_EXIT_FAILED = 3,  /* some runs */
    TSR_EXIT_INTERRUPTED = 130,
};

int tsr_cli_run(int argc, char **argv);
int tsr_cli_check(int argc, char **argv);
int tsr_cli_encode(int argc, char **argv);
int tsr_cli_probe(int argc, char **argv);
int tsr_cli_clean(int argc, char **argv);
int tsr_cli_report_command(int argc, char **argv);
int tsr_cli_results(int argc, char **argv);
int tsr_cli_status(int argc, char **argv);
int tsr_cli_verify(int argc, char **argv);
int tsr_cli_archive(int argc, char **argv);
int tsr_cli_merge(int argc, char **argv);
int tsr_cli_list(int argc, char **argv);
int tsr_cli_describe(int argc, char **argv);
int tsr_cli_test(int argc, char **argv);
int tsr_cli_new(int argc, char **argv);

/* Says what went wrong, frees the status and gives the exit status that belongs to it; 0 for NULL. */
int tsr_cli_report(tsr_status *status);

#endif
