/* The program: picks the command. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <tessera/base.h>

typedef struct command {
    const char *name, *arguments, *summary, *details;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    { "list", "[KIND] [--json]", "every plugin on the path",
      "Each plugin file is loaded in a process of its own; one that cannot be used is listed with the\n"
      "reason. The path: the folders of $TESSERA_PLUGIN_PATH (separated by ':', absolute),\n"
      "~/.local/lib/tessera, the installed plugins. KIND: model, dataset, activation, regularizer,\n"
      "optimizer, probe or executor.\n",
      tsr_cli_list },
    { "describe", "KIND/NAME | FILE.so [--json]", "what a plugin is and which keys it takes",
      "Prints a plugin's keys with their types, defaults, ranges and meanings, and a line to paste into\n"
      "a config. FILE.so, a path with a '/' in it, describes every plugin of that file.\n",
      tsr_cli_describe },
    { NULL, NULL, NULL, NULL, NULL },
};

int tsr_cli_report(tsr_status *status)
{
    if (!status)
        return TSR_EXIT_DONE;
    tsr_code code = tsr_status_code(status);
    tsr_log_error("%s", tsr_status_message(status));
    tsr_status_free(status);
    if (code == TSR_INTERRUPTED)
        return TSR_EXIT_INTERRUPTED;
    return code == TSR_USAGE ? TSR_EXIT_USAGE : TSR_EXIT_REFUSED;
}

static void print_help(FILE *out)
{
    fputs("Usage: tessera COMMAND [ARGUMENTS]\n"
          "Trains neural networks and measures how well their activation patterns hash.\n\nCommands:\n",
          out);
    for (const command *c = commands; c->name; c++)
        fprintf(out, "  %-10s %s\n", c->name, c->summary);
    fputs("\n  tessera COMMAND --help    a command's arguments\n"
          "  tessera --version         the version\n",
          out);
}

static void print_command_help(const command *c)
{
    printf("Usage: tessera %s %s\n%s.\n\n%s", c->name, c->arguments, c->summary, c->details);
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (is_one_of(argv[i], "--help", "-h"))
            return true;
    }
    return false;
}

static int unknown_command(const char *word)
{
    const char *names[sizeof(commands) / sizeof(*commands)];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        names[i] = commands[i].name;
    const char *nearest = tsr_nearest_word(word, names);
    if (nearest)
        tsr_log_error("tessera: unknown command '%s'; did you mean '%s'?", word, nearest);
    else
        tsr_log_error("tessera: unknown command '%s'; see 'tessera --help'", word);
    return TSR_EXIT_USAGE;
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return TSR_EXIT_USAGE;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        printf("tessera %s (plugin ABI %d.%d)\n", tsr_version(), TSR_ABI_MAJOR, TSR_ABI_MINOR);
        return TSR_EXIT_DONE;
    }
    if (is_one_of(argv[1], "--help", "-h")) {
        print_help(stdout);
        return TSR_EXIT_DONE;
    }
    for (const command *c = commands; c->name; c++) {
        if (strcmp(c->name, argv[1]) != 0)
            continue;
        if (!asks_help(argc - 1, argv + 1))
            return c->run(argc - 1, argv + 1);
        print_command_help(c);
        return TSR_EXIT_DONE;
    }
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    int code = run_command(argc, argv);
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || failed) {
        tsr_log_error("tessera: standard output cannot be written");
        return code ? code : TSR_EXIT_REFUSED;
    }
    return code;
}
