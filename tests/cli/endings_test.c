/* Plugins that end their process, in every way that there is: no end passes for success, and each is told
   with the plugin and the operation. Signals, which end the program for the user's sake, are told apart. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder, *file;

static const char study[] = "dataset = { plugin = \"synthetic\"; train = 40; test = 20; };\n"
                            "model = { plugin = \"mlp\"; width = 4; };\n"
                            "training = { epochs = 4; batch = 20; optimizer = { plugin = \"sgd\"; }; };\n"
                            "probes = ( \"redundancy\" );\n"
                            "executor = { plugin = \"local\"; jobs = 1; threads = 1; };\n";

static void setup(void)
{
    setenv("ASAN_OPTIONS", "handle_segv=0", 0); /* a crash is a signal, with the address sanitizer too */
    folder = test_folder();
    file = tsr_format("%s/tests/cli/fixtures/.libs/ends.so", test_build());
    setenv("FILE", file, 1);
    write_text(folder, "study.cfg", study);
}

static void teardown(void)
{
    test_folder_remove(folder);
    free(file);
}

static const char *const ways[] = { "exit", "_exit", "quick_exit", "exec", "exit_group" };
enum { N_WAYS = sizeof(ways) / sizeof(*ways) };

/* $FILE and $WAY are in the environment. */
static const struct {
    const char *kind, *operation, *settings;
    int status;
} places[] = {
    { "dataset", "open", "-s \"dataset={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"open\\\";}\"", 2 },
    { "dataset", "read", "-s \"dataset={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"read\\\";}\"", 2 },
    { "model", "build", "-s \"model={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"build\\\";}\"", 2 },
    { "probe", "init", /* of the second instance: the first one's is tried */
      "-s \"probes=({plugin=\\\"$FILE\\\";}, {plugin=\\\"$FILE\\\"; label=\\\"b\\\"; how=\\\"$WAY\\\"; "
      "in=\\\"init\\\";})\"",
      2 },
    { "loss", "target", "-s \"training.loss={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"target\\\";}\"",
      2 },
    { "loss", "outputs", "-s \"training.loss={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"outputs\\\";}\"",
      2 },
    { "augmentation", "is_idle",
      "-s \"training.augment=({plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"is_idle\\\";})\"", 2 },
    { "executor", "execute", "-s \"executor={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"execute\\\";}\"",
      3 },
};
enum { N_PLACES = sizeof(places) / sizeof(*places) };

START_TEST(a_plugin_that_ends_the_leading_process_is_named_and_is_no_success)
{
    char *message =
        tsr_format("/ends.so: %s ends: ended the process with status 0 in %s; try it with 'tessera "
                   "test', or run it under a debugger\n",
                   places[_i].kind, places[_i].operation);
    for (size_t i = 0; i < N_WAYS; i++) {
        setenv("WAY", ways[i], 1);
        if (places[_i].status == 2)
            command_gives(folder, 2, NULL, message, "check study.cfg %s", places[_i].settings);
        command_gives(folder, places[_i].status, NULL, message, "run study.cfg -q -o out%zu %s", i,
                      places[_i].settings);
    }
    free(message);
    ck_assert_uint_eq(count_files(folder, "out*/results.csv"), 0);
}
END_TEST

START_TEST(a_plugin_that_kills_the_leading_process_is_named)
{
    command_gives(folder, 2, NULL, "/ends.so: dataset ends: was killed in open (signal 9, Killed)\n",
                  "run study.cfg -o out -s 'dataset={plugin=\"%s\"; how=\"kill\"; in=\"open\";}'", file);
    command_gives(folder, 3, NULL,
                  "/ends.so: executor ends: crashed in execute (signal 11, Segmentation fault), in function "
                  "come_to (ends.so+0x",
                  "run study.cfg -o out -s 'executor={plugin=\"%s\"; how=\"segfault\"; in=\"execute\";}'",
                  file);
}
END_TEST

/* An executor that does runs in the leading process: what ends it is named as exactly as the executor itself.
 */
START_TEST(a_probe_that_ends_the_leading_process_is_named)
{
    command_gives(folder, 3, NULL, "/ends.so: probe ends: ended the process with status 0 in run; try it",
                  "run study.cfg -o out -s 'executor={plugin=\"%1$s\";}' "
                  "-s 'probes=({plugin=\"%1$s\"; how=\"_exit\"; in=\"run\";})'",
                  file);
}
END_TEST

/* Two steps in each epoch; what comes after four is in the third. */
static const struct {
    const char *kind, *operation, *settings;
} in_training[] = {
    { "optimizer", "update",
      "training.optimizer={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"update\\\"; after=4;}" },
    { "activation", "backward",
      "model.activation={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"backward\\\"; after=4;}" },
    { "activation", "forward",
      "model.activation={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"forward\\\"; after=4;}" },
    { "model", "backward", "model={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"backward\\\"; after=4;}" },
    { "model", "forward", "model={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"forward\\\"; after=4;}" },
    { "regularizer", "penalty", /* of two weights */
      "regularizers=({plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"penalty\\\"; after=8;})" },
    { "loss", "evaluate",
      "training.loss={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"evaluate\\\"; after=4;}" },
    { "schedule", "factor",
      "training.schedule={plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"factor\\\"; after=4;}" },
    { "augmentation", "change", /* of 40 examples */
      "training.augment=({plugin=\\\"$FILE\\\"; how=\\\"$WAY\\\"; in=\\\"change\\\"; after=80;})" },
};
enum { N_IN_TRAINING = sizeof(in_training) / sizeof(*in_training) };

/* `where` follows the epoch. */
static void costs_the_run(const char *way, const char *end, const char *where)
{
    setenv("WAY", way, 1);
    for (size_t i = 0; i < N_IN_TRAINING; i++) {
        char *reason = tsr_format("failed: %s, in %s of %s ends (%s), while training in epoch 3%s", end,
                                  in_training[i].operation, in_training[i].kind, file, where);
        command_gives(folder, 3, "results in", reason, "run study.cfg -q -o %s%zu -s \"%s\"", way, i,
                      in_training[i].settings);
        free(reason);
    }
}

START_TEST(what_ends_a_training_is_named_with_its_epoch)
{
    costs_the_run("segfault", "killed by signal 11 (Segmentation fault)",
                  ", in function come_to (ends.so+0x");
    costs_the_run("_exit", "its process ended with exit status 0 and no outcome", " (");
}
END_TEST

START_TEST(what_ends_a_trial_is_named)
{
    setenv("WAY", "segfault", 1);
    for (size_t i = 0; i < N_IN_TRAINING; i++) {
        char *reason =
            tsr_format("tried for a moment, crashed in %s of %s ends (%s) (signal 11, Segmentation "
                       "fault), in function come_to (ends.so+0x",
                       in_training[i].operation, in_training[i].kind, file);
        command_gives(folder, 0, reason, NULL, "check study.cfg -s \"%s\"", in_training[i].settings);
        free(reason);
    }
}
END_TEST

START_TEST(what_ends_a_run_before_and_after_its_training_is_named_too)
{
    char *settings =
        tsr_format("-s 'sweep=({key=\"probes.1.in\"; values=[\"nothing\", \"run\"];})' "
                   "-s 'probes=({plugin=\"%1$s\";}, {plugin=\"%1$s\"; label=\"b\"; how=\"exec\";})'",
                   file);
    char *reason = tsr_format("failed: after epoch 4: probe b: its process ended with exit status 0 and no "
                              "outcome, in run of probe ends (%s) (",
                              file);
    command_gives(folder, 3, "results in", reason, "run study.cfg -q -o out %s", settings);
    free(reason);
    free(settings);
    /* The dataset's first batch; what comes before is read in the leading process. */
    settings = tsr_format("-s 'dataset={plugin=\"%s\"; how=\"segfault\"; in=\"read\"; after=%d;}'", file, 5);
    reason =
        tsr_format("failed: killed by signal 11 (Segmentation fault), in read of dataset ends (%s)", file);
    command_gives(folder, 3, "results in", reason, "run study.cfg -q -o two %s", settings);
    free(reason);
    free(settings);
}
END_TEST

/* $PROBES stand between two that give with them what they give without them. */
static void costs_the_probes(const char *end)
{
    shell_gives(folder, 0, "3 rows, 1 model\n", NULL,
                "given=\"-q -s output.save_model=true -s training.snapshots=[0,2]\"; "
                "first='{plugin=\"redundancy\";}' last='{plugin=\"knn\"; k=1;}'\n"
                "rm -rf good bad; $TESSERA run study.cfg $given -o good -s \"probes=($first, $last)\" &&\n"
                "{ $TESSERA run study.cfg $given -o bad -s \"probes=($first, $PROBES, $last)\" 2>err; "
                "[ $? = 3 ]; } && cut -d, -f2- good/results.csv >a && cut -d, -f2- bad/results.csv >b && "
                "cmp a b && echo $(sed 1d b | wc -l) rows, $(ls bad/runs/*/model.safetensors | wc -l) model");
    char *err = read_text(folder, "err");
    ck_assert_msg(strstr(err, end) != NULL, "'%s' is not in: %s", end, err);
    free(err);
}

START_TEST(a_probe_that_ends_its_process_costs_neither_the_model_nor_other_metrics)
{
    static const struct {
        const char *way, *end, *function;
    } its[] = {
        { "segfault", "killed by signal 11 (Segmentation fault)", ", in function come_to (ends.so+0x" },
        { "kill", "killed by signal 9 (Killed), perhaps for want of memory", " (bad/runs/" },
        { "_exit", "its process ended with exit status 0 and no outcome", " (bad/runs/" },
        { "exec", "its process ended with exit status 0 and no outcome", " (bad/runs/" },
    };
    for (size_t i = 0; i < sizeof(its) / sizeof(*its); i++) {
        char *probe = tsr_format("{plugin=\"%s\"; how=\"%s\"; in=\"run\"; after=2;}", file, its[i].way);
        char *end = tsr_format("failed: after epoch 4: probe ends: %s, in run of probe ends (%s)%s",
                               its[i].end, file, its[i].function);
        setenv("PROBES", probe, 1);
        costs_the_probes(end);
        free(end);
        free(probe);
    }
}
END_TEST

START_TEST(each_of_two_probes_that_end_their_process_is_told)
{
    char *probes = tsr_format("{plugin=\"%1$s\"; how=\"segfault\"; in=\"run\";}, "
                              "{plugin=\"%1$s\"; label=\"b\"; how=\"_exit\"; in=\"run\";}",
                              file);
    setenv("PROBES", probes, 1);
    costs_the_probes("(and 1 more of its probes failed)");
    shell_gives(folder, 0, "\"b\": \"after epoch 0: probe b: its process ended with exit status 0", NULL,
                "grep -A2 failed_probes bad/runs/*/run.json");
    free(probes);
}
END_TEST

/* Starts a program that hangs where `settings` say, in a group of its own, and waits until it is there. */
static pid_t start_hanging(const char *settings)
{
    char *script = tsr_format("cd '%s' && exec '%s/tessera' run study.cfg -q -o out %s >.out 2>.err", folder,
                              test_build(), settings);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGINT, SIG_DFL); /* whoever runs the tests may have them ignored */
        signal(SIGHUP, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    setpgid(pid, pid);
    free(script);
    ck_assert_int_gt(pid, 0);
    return pid;
}

static void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){ .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000 },
              NULL);
}

/* Until the program says on stderr that it hangs; its worker's number. */
static pid_t wait_until_hanging(pid_t pid)
{
    char *path = tsr_format("/proc/%d/task/%d/children", (int)pid, (int)pid);
    for (bool hangs = false; !hangs; pause_for(5)) {
        char *err = count_files(folder, ".err") ? read_text(folder, ".err") : strdup("");
        hangs = strstr(err, "hangs\n") != NULL;
        free(err);
    }
    FILE *stream = fopen(path, "r");
    int worker = 0;
    ck_assert(stream && fscanf(stream, "%d", &worker) == 1);
    fclose(stream);
    free(path);
    return worker;
}

static const struct {
    int signal;
    bool all;
} deadly[] = {
    { SIGINT, true }, { SIGINT, false }, { SIGTERM, false }, { SIGHUP, false }, { SIGTERM, true }
};

START_TEST(a_signal_of_the_user_ends_both_processes_by_it_and_names_the_call)
{
    char *settings = tsr_format("-s 'dataset={plugin=\"%s\"; how=\"hang\"; in=\"open\";}'", file);
    pid_t pid = start_hanging(settings), worker = wait_until_hanging(pid);
    int ending = 0;
    kill(deadly[_i].all ? -pid : pid, deadly[_i].signal);
    ck_assert_int_eq(waitpid(pid, &ending, 0), pid);
    char *err = read_text(folder, ".err");
    ck_assert_msg(WIFSIGNALED(ending) && WTERMSIG(ending) == deadly[_i].signal, "%x: %s", ending, err);
    ck_assert_msg(strstr(err, "/ends.so: dataset ends: was killed in open (signal ") != NULL, "%s", err);
    ck_assert_int_ne(kill(worker, 0), 0);
    free(err);
    free(settings);
}
END_TEST

START_TEST(what_does_not_end_after_a_signal_is_named_and_killed_by_the_next)
{
    char *settings = tsr_format("-s 'executor={plugin=\"%s\"; how=\"hang\"; in=\"execute\";}'", file);
    pid_t pid = start_hanging(settings), worker = wait_until_hanging(pid);
    int ending = 0;
    char *err = NULL;
    kill(-pid, SIGINT);
    for (int i = 0; i < 1000; i++) {
        free(err);
        err = read_text(folder, ".err");
        if (strstr(err, "still in execute of executor ends ("))
            break;
        pause_for(10);
    }
    kill(-pid, SIGINT);
    ck_assert_int_eq(waitpid(pid, &ending, 0), pid);
    ck_assert_msg(WIFEXITED(ending) && WEXITSTATUS(ending) == 130, "%x: %s", ending, err);
    ck_assert_msg(strstr(err, "send it again to kill what runs") != NULL, "%s", err);
    ck_assert_int_ne(kill(worker, 0), 0);
    free(err);
    free(settings);
}
END_TEST

START_TEST(the_worker_dies_with_the_process_that_waits_for_it)
{
    char *settings = tsr_format("-s 'dataset={plugin=\"%s\"; how=\"hang\"; in=\"open\";}'", file);
    pid_t pid = start_hanging(settings), worker = wait_until_hanging(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    int tries = 0;
    char *path = tsr_format("/proc/%d/stat", (int)worker), state = 'R';
    for (; state != 'Z' && state != 'X' && tries < 2000; tries++) {
        FILE *stream = fopen(path, "r");
        if (!stream || fscanf(stream, "%*d %*s %c", &state) != 1)
            state = 'X';
        if (stream)
            fclose(stream);
        pause_for(2);
    }
    ck_assert_int_lt(tries, 2000);
    free(path);
    free(settings);
}
END_TEST

/* Where the crash is shown by how it is come by: read here, in the C library called from here, by abort. */
START_TEST(a_crash_names_the_function_that_it_is_in)
{
    static const char *const hows[] = { "reads", "copies", "aborts" };
    for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
        shell_gives(
            folder, 3, NULL, "in run of probe crashes_deep (",
            "rm -rf out; $TESSERA run study.cfg -q -o out -s 'probes=({plugin=\"%s/tests/cli/fixtures/"
            "probes/.libs/crashes_deep.so\"; how=\"%s\";})'",
            test_build(), hows[i]);
        shell_gives(folder, 0, "crashes_deep.so), in function sink_into (crashes_deep.so+0x", NULL,
                    "cat out/runs/*/run.json");
        shell_gives(folder, 0, NULL, NULL,
                    "place=$(sed -n 's/.*crashes_deep.so+\\(0x[0-9a-f]*\\)).*/\\1/p' out/runs/*/run.json); "
                    "! command -v addr2line >/dev/null || addr2line -f -e "
                    "'%s/tests/cli/fixtures/probes/.libs/crashes_deep.so' $place | grep -q ^sink_into",
                    test_build());
    }
}
END_TEST

START_TEST(a_stack_that_is_full_is_told_and_how_it_grows)
{
    static const struct {
        const char *how, *told;
    } its[] = {
        { "fills", ", in function fill_stack (crashes_deep.so+0x" },
        { "fills", ", as the first thread's stack of 40" },
        { "fills_threads", ", in function fill_stack (crashes_deep.so+0x" },
        { "fills_threads", ", as a worker thread's stack of 1024 KiB is full (OMP_STACKSIZE)" },
    };
    for (size_t i = 0; i < sizeof(its) / sizeof(*its); i++)
        shell_gives(folder, 3, NULL, its[i].told,
                    "rm -rf out; ulimit -s 4096; OMP_STACKSIZE=1m $TESSERA run study.cfg -q -o out -s "
                    "'executor={plugin=\"local\"; threads=2;}' -s "
                    "'probes=({plugin=\"%s/tests/cli/fixtures/probes/.libs/crashes_deep.so\"; how=\"%s\";})'",
                    test_build(), its[i].how);
}
END_TEST

START_TEST(without_a_worker_there_is_one_process_and_an_exit_is_told)
{
    shell_gives(folder, 0, NULL, NULL,
                "set -e; for option in -n --in-process; do\n"
                "[ $option = -n ] && worker=yes || worker=no\n"
                "option=$option sh -c 'echo $$ >shell; exec \"$TESSERA\" check -n study.cfg $option "
                "-s \"dataset={plugin=\\\"%s/tests/cli/fixtures/datasets/.libs/tally.so\\\"; "
                "file=\\\"$PWD/tally\\\";}\"' >/dev/null\n"
                "[ \"$(cat tally)\" = \"opened by process $(cat shell)\" ] && found=no || found=yes\n"
                "[ $found = $worker ]; rm tally; done",
                test_build());
    shell_gives(folder, 2, NULL, "/ends.so: dataset ends: ended the process with status 0 in open",
                "$TESSERA check study.cfg --in-process -s 'dataset={plugin=\"%s\"; in=\"open\";}'", file);
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_the_program_by_its_signal)
{
    shell_gives(
        folder, 0, "13\n", NULL,
        "( (trap '' INT; sh -c '\"$TESSERA\" check -n study.cfg; echo $(($? - 128)) >&3') | sleep 0 ) "
        "3>&1; cat .err >&2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endings");
    TCase *tests = tcase_create("endings");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_loop_test(tests, a_plugin_that_ends_the_leading_process_is_named_and_is_no_success, 0,
                        N_PLACES);
    tcase_add_test(tests, a_plugin_that_kills_the_leading_process_is_named);
    tcase_add_test(tests, a_probe_that_ends_the_leading_process_is_named);
    tcase_add_test(tests, what_ends_a_training_is_named_with_its_epoch);
    tcase_add_test(tests, what_ends_a_trial_is_named);
    tcase_add_test(tests, what_ends_a_run_before_and_after_its_training_is_named_too);
    tcase_add_test(tests, a_probe_that_ends_its_process_costs_neither_the_model_nor_other_metrics);
    tcase_add_test(tests, each_of_two_probes_that_end_their_process_is_told);
    tcase_add_loop_test(tests, a_signal_of_the_user_ends_both_processes_by_it_and_names_the_call, 0,
                        sizeof(deadly) / sizeof(*deadly));
    tcase_add_test(tests, what_does_not_end_after_a_signal_is_named_and_killed_by_the_next);
    tcase_add_test(tests, the_worker_dies_with_the_process_that_waits_for_it);
    tcase_add_test(tests, a_crash_names_the_function_that_it_is_in);
    tcase_add_test(tests, a_stack_that_is_full_is_told_and_how_it_grows);
    tcase_add_test(tests, without_a_worker_there_is_one_process_and_an_exit_is_told);
    tcase_add_test(tests, a_reader_that_goes_away_ends_the_program_by_its_signal);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
