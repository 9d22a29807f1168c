/* The program: prepares the environment that libraries read while they are loaded, then picks the command. */
#include "cli/cli.h"

#include "base/build.h"
#include "base/cpu.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/process.h"
#include "base/text.h"
#include "base/worker.h"
#include "cli/libraries.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/base.h>
#include <unistd.h>

typedef struct command {
    const char *name, *arguments, *summary, *details;
    int (*run)(int argc, char **argv);
    bool calls_plugins; /* in the leading process, which is a worker then */
} command;

static const command commands[] = {
    { "run", "CONFIG|DIR|run.json [OPTIONS]", "do an experiment's runs and show what they gave",
      "Trains the networks, takes their neural codes and probes them. Runs that the results folder already\n"
      "has are kept; the others are done. A results folder DIR stands for the config.cfg in it and -o DIR: "
      "what\n"
      "is left of it is done. The run.json of a run stands for the config of that run alone.\n"
      "\n"
      "  -s, --set KEY=VALUE   set a key of the config, such as model.width=50; may be repeated\n"
      "  -o, --output DIR      results folder (default: results/<name of the experiment>)\n"
      "  -j, --jobs N          runs at a time, whatever the executor; 0: as many as it finds good\n"
      "      --shard I/N       do only the I-th of N parts of the runs\n"
      "      --fresh           remove the results that the folder has and start anew\n"
      "      --redo-changed    do finished runs again whose data or plugins have changed since\n"
      "      --keep            keep such runs as they are; without either, they are refused\n"
      "      --retrain         train again what a changed config cannot be given without; else it is "
      "refused\n"
      "      --no-lock         hold no lock, where a file system has none and nobody else is in the folder\n"
      "  -q, --quiet           no progress and no notes, only errors and the table\n"
      "\n"
      "Exit status: 0 all runs done; 1 wrong usage; 2 something was refused before any work; 3 some runs\n"
      "failed, the others are kept; 130 interrupted, finished runs are kept.\n",
      tsr_cli_run, true },
    { "check", "CONFIG [OPTIONS]", "validate an experiment and print it with every default",
      "Loads the plugins, opens the data and validates all that run would; the experiment as resolved, its\n"
      "runs and about how long they will take go to stdout. For the time, the smallest and the largest run\n"
      "are tried for a second each. No results are written.\n"
      "\n"
      "  -s, --set KEY=VALUE   set a key of the config; may be repeated\n"
      "  -n, --no-timing       do not try how long the runs will take\n"
      "\n"
      "Exit status: 0 the experiment can be run; 1 wrong usage; 2 it is refused.\n",
      tsr_cli_check, true },
    { "probe", "DIR | --train CODES [LABELS] --test CODES [LABELS] [OPTIONS]",
      "more measures of a study, or those of codes that another program made",
      "DIR: adds probes to the finished runs of a results folder, on the networks that they have saved\n"
      "(output.save_model); nothing is trained, and what is there stays. Their metrics are those of the "
      "last\n"
      "snapshot. A probe that was added before is not done again.\n"
      "\n"
      "--train and --test: runs probes on codes of .npy files, without a network: rows of packed bits "
      "(uint8),\n"
      "of bits (bool, or numbers that are 0 or 1), or of numbers with a threshold; labels are whole numbers\n"
      "from 0. Columns that are constant are left out, as in a run. A probe that needs the network says so.\n"
      "\n"
      "      --bits N          codes are packed and have N bits; without it, whole bytes\n"
      "      --bitorder ORDER  of packed bits: little, as Tessera saves codes (the default), or big, as\n"
      "                        numpy.packbits packs by itself\n"
      "      --threshold X     a bit is whether the number is larger than X\n"
      "  -s, --set KEY=VALUE   probes=(\"knn\", { plugin=\"kmeans\"; k=10; }), as a config has them; may be\n"
      "                        repeated; without DIR also seed and plugin_path\n"
      "  -o, --output DIR      without DIR: write results.csv and the probes' files there\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 something was refused before any work; 3 a probe failed or a\n"
      "run is not finished, the others' metrics are there; 130 interrupted, what is done is kept.\n",
      tsr_cli_probe, true },
    { "encode", "MODEL CONFIG -o DIR [OPTIONS]",
      "codes, logits and pre-activations of a dataset as .npy files",
      "Has a trained network encode all training and test examples of the dataset that CONFIG names; nothing "
      "is\n"
      "trained. MODEL is a model.safetensors that a run has saved, the folder of such a run, or a file that "
      "a\n"
      "model plugin reads by its format's name. What such a file does not say of its network, CONFIG's model "
      "and\n"
      "codes do. Writes codes/train.npy, codes/test.npy and labels, packed as a run saves them but with "
      "constant\n"
      "columns too, and layers.csv, what the columns are.\n"
      "\n"
      "      --logits          also logits/train.npy and logits/test.npy, float32\n"
      "      --values          also values/LAYER/*.npy, pre-activations, float32\n"
      "  -s, --set KEY=VALUE   set a key of the config; may be repeated\n"
      "  -o, --output DIR      where to write: a new or an empty folder, or one of an earlier encode\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 something was refused, or cannot be written.\n",
      tsr_cli_encode, true },
    { "report", "DIR... [OPTIONS]", "tables and plots from a results folder, or several compared",
      "Reads config.cfg and the runs' run.json of a folder that run has left, loads no plugin and no data, "
      "and\n"
      "writes summary.csv and report.html into it. Runs that are no part of the config's sweep are left "
      "out.\n"
      "Plots need gnuplot.\n"
      "\n"
      "Of several DIRs it compares the studies and writes into none of them: their figures and tables on "
      "common\n"
      "axes, how far each differs from the first, with 95 % intervals (paired where seeds are common, else "
      "Welch's),\n"
      "and in what configs, metrics, data and plugins differ. The page is comparison.html in the working "
      "folder.\n"
      "\n"
      "  -o, --output FILE     write the page there, and nothing into the folder\n"
      "      --figures DIR     instead of the page: each figure as a file there, and its numbers as CSV;\n"
      "                        of several DIRs also differences.csv\n"
      "      --format FORMAT   ... svg, pdf or png (pdf)\n"
      "      --width MM        ... so wide, in millimetres (89, a journal's column)\n"
      "      --under X         phase chart: under-expressive above this redundancy (0.5)\n"
      "      --sufficient X    phase chart: sufficiently-expressive below this redundancy (0.01)\n"
      "      --within X        ... with accuracies so near to the best of the chart (0.05)\n"
      "\n"
      "The thresholds' defaults are those of the config's group report.\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 a folder holds no results, or the report cannot be written.\n",
      tsr_cli_report_command, false },
    { "results", "DIR [OPTIONS]", "a study's table for a paper or a program",
      "Prints a row for each configuration: its swept values, the epoch, the number n of runs, and each "
      "metric's\n"
      "mean with the half of its 95 % interval. Reads what report reads.\n"
      "\n"
      "      --metric NAME     this metric, or those of a pattern such as 'knn.*'; may be repeated. Without "
      "it:\n"
      "                        all that are not of a single layer\n"
      "      --where KEY=VALUE the rows with this value of a swept key, or of the epoch; may be repeated:\n"
      "                        of one key any value, of several keys all\n"
      "      --all-epochs      a row for each snapshot; without it, the last one\n"
      "      --format FORMAT   md or latex, rounded (default: md); csv or json, with all digits, deviations "
      "and\n"
      "                        each metric's own n; spreadsheet: csv whose texts cannot be formulas\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 the folder holds no results, or not what was asked for.\n",
      tsr_cli_results, false },
    { "status", "DIR...", "how far studies are, and what they take on the disk",
      "Tells of each results folder how many runs are done, failed, diverged, running and missing, about "
      "how\n"
      "long the rest will take, what lies on the disk, and why runs failed. It loads no plugin and no data,\n"
      "takes no lock and changes nothing: it can be asked while the study runs.\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 a folder holds no study.\n",
      tsr_cli_status, false },
    { "clean", "DIR --failed|--outside|--models|--codes [OPTIONS]", "remove what a study no longer needs",
      "Removes files that tessera has written for the runs of a results folder, and says what that freed.\n"
      "What else lies there stays. A folder in which a process does runs is refused.\n"
      "\n"
      "      --failed          runs that failed, and what runs without a record have left; the tables are "
      "made\n"
      "                        anew. Runs that diverged are results and stay\n"
      "      --outside         runs that the config's sweep does not have, such as others were taken over "
      "from\n"
      "      --models          all runs' networks and states of trainings; output.save_model, save_state\n"
      "                        and save_snapshots of the folder's config become false\n"
      "      --codes           all runs' codes; output.save_codes of the folder's config becomes false\n"
      "  -n, --dry-run         say what would be removed, and remove nothing\n"
      "      --no-lock         hold no lock, where a file system has none and nobody else is in the folder\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 the folder is none of tessera's, or something cannot be "
      "removed.\n",
      tsr_cli_clean, false },
    { "verify", "DIR [--sample N]", "do some runs again and compare them bit for bit",
      "Does runs of a results folder that are done once more, in a folder of its own that goes away, and\n"
      "compares the training's curve, every metric of every snapshot, and the networks and codes that were\n"
      "saved. Says of each run whether it is the same, and if not, what differs and what may be why. The\n"
      "folder stays as it is.\n"
      "\n"
      "      --sample N        so many runs, evenly picked (3); 0: all that are done\n"
      "\n"
      "Exit status: 0 all are the same; 1 wrong usage; 2 something was refused before any work; 3 some\n"
      "differ, or records are damaged; 130 interrupted.\n",
      tsr_cli_verify, true },
    { "merge", "DIR DIR... -o DIR [OPTIONS]", "one study of several",
      "Copies the runs of results folders into a new one, whose sweep has the values and whose replicates "
      "the\n"
      "seeds of all of them, and makes its tables, as if one command had done all. A key that one study "
      "sweeps\n"
      "may have one value in the other. What contradicts is refused: configs that differ elsewhere, other\n"
      "results of the same run, other data or another plugin under one name. No plugin is loaded.\n"
      "\n"
      "  -o, --output DIR      the new folder, or an empty one\n"
      "      --keep            merge studies that were made with different files of a plugin\n"
      "      --no-lock         hold no lock, where a file system has none and nobody else is in the folders\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 refused, nothing is written.\n",
      tsr_cli_merge, false },
    { "archive", "DIR -o FILE | --extract FILE -o DIR | --check FILE", "a study as one file, and back",
      "Writes a results folder into one file: config.cfg, the runs with all that they have saved, tables and "
      "page,\n"
      "and first of all MANIFEST, a line for each file with its SHA-256, its size and its name. FILE ends "
      "in\n"
      ".tar.zst, .tar.gz or .tar. The same folder gives the same bytes. What is none of tessera's is left "
      "out;\n"
      "links are refused, and so is a folder in which a process does runs. Reading refuses what is not, bit "
      "for\n"
      "bit, what MANIFEST says, and leaves nothing then.\n"
      "\n"
      "  -o, --output PATH     the archive; with --extract the new folder, or an empty one\n"
      "      --extract         write the study that FILE holds into a folder\n"
      "      --check           read FILE and compare it with its MANIFEST, and write nothing\n"
      "      --no-lock         hold no lock, where a file system has none and nobody else is in the folder\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 refused, nothing is written; 130 interrupted, nothing is "
      "written.\n",
      tsr_cli_archive, false },
    { "list", "[KIND] [--json]", "every plugin on the path",
      "Each plugin file is loaded in a process of its own; one that cannot be used is listed with the\n"
      "reason. The path: the folders of $TESSERA_PLUGIN_PATH (separated by ':', absolute),\n"
      "~/.local/lib/tessera, the installed plugins. KIND: model, dataset, activation, regularizer,\n"
      "optimizer, loss, schedule, augmentation, probe or executor.\n",
      tsr_cli_list, false },
    { "describe", "KIND/NAME | FILE.so [--json]", "what a plugin is and which keys it takes",
      "Prints a plugin's keys with their types, defaults, ranges and meanings, and a line to paste into\n"
      "a config. FILE.so, a path with a '/' in it, describes every plugin of that file.\n",
      tsr_cli_describe, false },
    { "new", "KIND NAME [DIR]", "begin a plugin of one's own",
      "Writes a plugin's source, a Makefile and a config that uses it into DIR (default: NAME), which must "
      "not\n"
      "hold anything yet. In it, 'make' builds the plugin with the installed headers, 'make check' tests it "
      "and\n"
      "does a run with it, 'make install' puts it where configs find it by name. KIND: model, dataset,\n"
      "activation, regularizer, optimizer, loss, schedule, augmentation, probe or executor.\n"
      "\n"
      "Exit status: 0 done; 1 wrong usage; 2 the folder cannot be used.\n",
      tsr_cli_new, false },
    { "test", "PLUGIN [CHECK] [-s KEY=VALUE]...", "check what a plugin must hold",
      "Loads the file as a run would and checks every plugin in it: declarations, init and fini, instances\n"
      "that share nothing, calls that leave memory and process as they were, and what its kind must hold:\n"
      "gradients against differences, nothing written beside an array, samples that stay the same, metrics\n"
      "that no number of threads changes. Each check has a process of its own. Prints TAP.\n"
      "\n"
      "PLUGIN: FILE.so, all plugins in it; FILE.so:NAME, one of them; KIND/NAME, one on the path.\n"
      "CHECK: the word of one check, to run it alone.\n"
      "\n"
      "  -s, --set KEY=VALUE   set a key of the plugin; may be repeated\n"
      "      --shape SHAPE     test models on inputs of this shape, such as 3x32x32; may be repeated\n"
      "      --limit SECONDS   how long one check may take (30)\n"
      "      --list            print the word and the claim of each check; without PLUGIN, of all kinds\n"
      "\n"
      "Exit status: 0 all checks hold; 1 some do not, or wrong usage; 2 nothing could be tested.\n",
      tsr_cli_test, false },
    { NULL, NULL, NULL, NULL, NULL, false },
};

int tsr_cli_report(tsr_status *status)
{
    if (!status)
        return TSR_EXIT_DONE;
    tsr_error code = tsr_status_error(status);
    tsr_log_error("%s", tsr_status_message(status));
    tsr_status_free(status);
    if (code == TSR_INTERRUPTED)
        return TSR_EXIT_INTERRUPTED;
    return code == TSR_USAGE ? TSR_EXIT_USAGE : TSR_EXIT_REFUSED;
}

/* --in-process, which every command takes, anywhere behind its name; it is taken out. */
static void take_in_process(int *argc, char **argv)
{
    int n = 0;
    for (int i = 0; i < *argc; i++)
        if (i > 1 && strcmp(argv[i], "--in-process") == 0)
            tsr_process_set_single();
        else
            argv[n++] = argv[i];
    argv[n] = NULL;
    *argc = n;
}

/* A standard stream that the user closed would be the next file that is opened, and get what is printed.
   Only for reading, so that printing to it fails as it did. */
static void hold_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static void print_help(FILE *out)
{
    fputs("Usage: tessera COMMAND [ARGUMENTS]\n"
          "Trains neural networks and measures how well their activation patterns hash.\n\nCommands:\n",
          out);
    for (const command *c = commands; c->name; c++)
        fprintf(out, "  %-10s %s\n", c->name, c->summary);
    fputs("\n  tessera COMMAND --help    a command's arguments\n"
          "  tessera --version         the version\n"
          "\n"
          "For a debugger every command takes --in-process: all is done in one process, and BLAS takes its "
          "default\n"
          "kernels.\n",
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

static const command *find_command(const char *name)
{
    for (const command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* NULL for `c`: none is meant. */
static int run_command(const command *c, int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return TSR_EXIT_USAGE;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        printf("tessera %s (plugin ABI %d.%d)\n", tsr_version(), TSR_ABI_MAJOR, TSR_ABI_MINOR);
        printf("revision %s, built by %s with %s\n", tsr_build_revision(), tsr_build_compiler(),
               *tsr_build_flags() ? tsr_build_flags() : "no flags");
        return TSR_EXIT_DONE;
    }
    if (is_one_of(argv[1], "--help", "-h")) {
        print_help(stdout);
        return TSR_EXIT_DONE;
    }
    if (!c)
        return unknown_command(argv[1]);
    int wrong = tsr_cli_report(tsr_kernels_check());
    if (wrong)
        return wrong;
    if (!asks_help(argc - 1, argv + 1))
        return c->run(argc - 1, argv + 1);
    print_command_help(c);
    return TSR_EXIT_DONE;
}

/* What is printed has to arrive too. */
static int run_and_flush(const command *c, int argc, char **argv)
{
    int code = run_command(c, argc, argv);
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    tsr_log_error("tessera: standard output cannot be written");
    return code ? code : TSR_EXIT_REFUSED;
}

static bool refuses_stacks(void)
{
    tsr_status *status = tsr_check_thread_stacks();
    if (status)
        tsr_log_error("tessera: %s", tsr_status_message(status));
    tsr_status_free(status);
    return status != NULL;
}

int main(int argc, char **argv)
{
    int code;
    hold_streams();
    setlocale(LC_CTYPE, "");
    take_in_process(&argc, argv);
    tsr_cli_prepare_libraries(argv);
    signal(SIGXFSZ, SIG_IGN); /* a file too large for a limit is an error of the write, as a full disk is */
    signal(SIGCHLD, SIG_DFL); /* ignored, how a process ended could not be told */
    const command *c = argc > 1 ? find_command(argv[1]) : NULL;
    if (c && refuses_stacks())
        return TSR_EXIT_REFUSED;
    if (!c || !c->calls_plugins)
        tsr_guard_lead(TSR_EXIT_REFUSED);
    else if (tsr_worker_start(TSR_EXIT_REFUSED, &code))
        return code;
    code = run_and_flush(c, argc, argv);
    tsr_guard_conclude(code);
    return code;
}
