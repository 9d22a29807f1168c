/* The program: prepares the environment that BLAS reads while it is loaded, then picks the command. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments, *summary;
} command;

static const command commands[] = {
    { "run", tsr_cli_run, "CONFIG", "do an experiment's runs, write and print its results" },
    { "check", tsr_cli_check, "CONFIG", "validate an experiment and print it as resolved; no work" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *stream)
{
    fprintf(stream, "Usage: tessera COMMAND ...\n\n"
                    "Studies neural networks as hash encoders: trains them, takes their neural codes, probes the codes.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stream, "  %-9s %-10s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    fprintf(stream, "\n  --version            the version\n"
                    "  COMMAND --help       a command's options\n");
}

bool tsr_cli_wants_help(int argc, char **argv, const char *text)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            fputs(text, stdout);
            return true;
        }
    return false;
}

int tsr_cli_exit(tsr_status *status)
{
    if (!status)
        return TSR_EXIT_DONE;
    tsr_code code = tsr_status_code(status);
    tsr_log_error("%s", tsr_status_message(status));
    tsr_status_free(status);
    return code == TSR_USAGE         ? TSR_EXIT_USAGE
           : code == TSR_INTERRUPTED ? TSR_EXIT_INTERRUPTED
                                     : TSR_EXIT_REFUSED;
}

/* OpenBLAS reads its settings when it is loaded, before main. One thread: its sums depend on their number.
   0.3.21 takes AVX2 kernels on processors newer than itself, at half the speed: where there is AVX-512 and
   the user has not chosen, it is told. What was set is in each run.json. */
static void prepare_blas(char **argv)
{
    const char *threads = getenv("OPENBLAS_NUM_THREADS");
    bool ready = threads && strcmp(threads, "1") == 0;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
#if defined(__x86_64__)
    if (!getenv("OPENBLAS_CORETYPE") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
        ready = false;
    }
#endif
    if (!ready)
        execv("/proc/self/exe", argv); /* without /proc: go on, slower */
}

static int unknown(const char *word)
{
    const char *names[N_COMMANDS + 1] = { NULL };
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = tsr_nearest_word(word, names);
    if (nearest)
        tsr_log_error("tessera: unknown command '%s'; did you mean '%s'?", word, nearest);
    else
        tsr_log_error("tessera: unknown command '%s'; see tessera --help", word);
    return TSR_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    prepare_blas(argv);
    if (argc < 2) {
        print_help(stderr);
        return TSR_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return TSR_EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tessera %s\n", tsr_version());
        return TSR_EXIT_DONE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
