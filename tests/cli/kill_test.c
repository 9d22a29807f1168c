/* Killing the program, its children or all of them at random moments: the same command then ends in the same
   results.csv, byte for byte, as a study that nobody disturbed. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 240 /* seconds; the sanitizers slow everything down */
#define KILLS 3      /* of one study */
#define MAX_CHILDREN 16

static char *folder;

static const char study[] = "dataset = { plugin = \"digits\"; };\n"
                            "model = { plugin = \"mlp\"; width = 8; };\n"
                            "training = { epochs = 10; snapshots = [ 0, 5 ]; };\n"
                            "probes = ( { plugin = \"redundancy\"; }, { plugin = \"knn\"; k = 3; } );\n"
                            "sweep = ( { key = \"model.width\"; values = [ 4, 8, 16, 32 ]; } );\n"
                            "replicates = 2;\n"
                            "executor = { plugin = \"local\"; jobs = 2; };\n"
                            "output = { save_model = true; };\n";

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "study.cfg", study);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){ .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000 },
              NULL);
}

/* Starts the study in a process group of its own, as a shell does. */
static pid_t start(void)
{
    char *program = tsr_path_join(test_build(), "tessera");
    char *script = tsr_format("cd '%s' && exec '%s' run study.cfg -o out >.out 2>.err", folder, program);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    setpgid(pid, pid);
    free(script);
    free(program);
    ck_assert_int_gt(pid, 0);
    return pid;
}

static size_t children_of(pid_t pid, pid_t *out)
{
    char *path = tsr_format("/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *stream = fopen(path, "r");
    size_t n = 0;
    int child;
    while (stream && n < MAX_CHILDREN && fscanf(stream, "%d", &child) == 1)
        out[n++] = child;
    if (stream)
        fclose(stream);
    free(path);
    return n;
}

/* The processes of runs, which are the worker's. */
static size_t runs_of(pid_t pid, pid_t *out)
{
    pid_t worker[MAX_CHILDREN];
    return children_of(pid, worker) == 1 ? children_of(worker[0], out) : 0;
}

static bool has_ended(pid_t pid, int *ending)
{
    return waitpid(pid, ending, WNOHANG) == pid;
}

/* Whether a process that is not ours to wait for still works. */
static bool is_alive(pid_t pid)
{
    char *path = tsr_format("/proc/%d/stat", (int)pid), state = 'Z';
    FILE *stream = fopen(path, "r");
    if (stream && fscanf(stream, "%*d %*s %c", &state) != 1)
        state = 'Z';
    if (stream)
        fclose(stream);
    free(path);
    return state != 'Z' && state != 'X';
}

enum { PARENT, CHILD, ALL };

/* Lets the study go on until one more run is finished, and a random moment longer, and kills. */
static void disturb(int victim, unsigned *random)
{
    size_t before = count_files(folder, "out/runs/*/run.json"), n = 0;
    pid_t pid = start(), children[2 * MAX_CHILDREN];
    int ending = 0;
    bool ended = false;
    while (!(ended = has_ended(pid, &ending)) && count_files(folder, "out/runs/*/run.json") == before)
        pause_for(1);
    if (!ended)
        pause_for(rand_r(random) % 40);
    if (!ended && victim == CHILD)
        while (!(ended = has_ended(pid, &ending)) && (n = runs_of(pid, children)) == 0)
            pause_for(1);
    else
        n = runs_of(pid, children);
    n += children_of(pid, children + n); /* the worker */
    if (!ended) {
        kill(victim == ALL ? -pid : victim == PARENT ? pid : children[0], SIGKILL);
        waitpid(pid, &ending, 0);
    }
    /* What was killed last may have been the end of a study already. */
    if (victim == CHILD)
        ck_assert_msg(WIFEXITED(ending) && (WEXITSTATUS(ending) == 0 || WEXITSTATUS(ending) == 3), "%d",
                      ending);
    for (int tries = 0; victim != CHILD && n && tries < 2000; tries++) {
        if (!is_alive(children[n - 1]))
            n--;
        else
            pause_for(1);
    }
    ck_assert_msg(victim == CHILD || n == 0, "a run outlives the program");
}

START_TEST(a_study_that_was_killed_ends_as_if_it_had_not_been)
{
    unsigned random = 17 + (unsigned)_i;
    for (int kills = 0; kills < KILLS; kills++)
        disturb(_i, &random);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    same_files(folder, "out/results.csv", "whole/results.csv");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 8);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/*.??????"), 0); /* nothing half written is left */
}
END_TEST

START_TEST(what_a_killed_writer_left_goes_away_and_what_others_put_there_stays)
{
    write_text(folder, "whole/results.csv.a1B2c3", "half");
    write_text(folder, "whole/notes.backup", "kept");
    command_gives(folder, 0, NULL, "all runs are done already", "run study.cfg -o whole");
    ck_assert_uint_eq(count_files(folder, "whole/results.csv.*"), 0);
    ck_assert_uint_eq(count_files(folder, "whole/notes.backup"), 1);
}
END_TEST

/* Not a pause between: what the dead program's children hold is not in the way. */
START_TEST(the_folder_is_free_as_soon_as_its_holder_is_killed)
{
    pid_t pid = start();
    int ending;
    while (!has_ended(pid, &ending) && count_files(folder, "out/runs/*/run.json") == 0)
        pause_for(1);
    kill(pid, SIGKILL);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    waitpid(pid, &ending, 0);
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

static const struct {
    int signal, times;
    bool all;
} interrupts[] = { { SIGINT, 1, true }, { SIGINT, 2, true }, { SIGTERM, 1, false }, { SIGTERM, 1, true } };

START_TEST(an_interrupted_study_ends_with_130_and_the_same_command_does_the_rest)
{
    write_text(folder, "study.cfg",
               "dataset = { plugin = \"digits\"; };\n"
               "model = { plugin = \"mlp\"; width = 8; };\n"
               "sweep = ( { key = \"training.epochs\"; values = [ 0, 1, 1000000 ]; } );\n"
               "executor = { plugin = \"local\"; jobs = 1; };\n");
    pid_t pid = start(), children[MAX_CHILDREN];
    int ending = 0;
    while (count_files(folder, "out/runs/*/run.json") < 2 || runs_of(pid, children) == 0)
        pause_for(1);
    for (int i = 0; i < interrupts[_i].times; i++)
        kill(interrupts[_i].all ? -pid : pid, interrupts[_i].signal);
    waitpid(pid, &ending, 0);
    char *err = read_text(folder, ".err");
    ck_assert_msg(WIFEXITED(ending) && WEXITSTATUS(ending) == 130, "%d: %s", ending, err);
    ck_assert_msg(strstr(err, "interrupted; finished runs are kept") != NULL, "%s", err);
    free(err);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"),
                      2); /* the third is not said to have failed */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kill");
    TCase *tests = tcase_create("kill");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_loop_test(tests, a_study_that_was_killed_ends_as_if_it_had_not_been, PARENT, ALL + 1);
    tcase_add_test(tests, what_a_killed_writer_left_goes_away_and_what_others_put_there_stays);
    tcase_add_test(tests, the_folder_is_free_as_soon_as_its_holder_is_killed);
    tcase_add_loop_test(tests, an_interrupted_study_ends_with_130_and_the_same_command_does_the_rest, 0,
                        sizeof(interrupts) / sizeof(interrupts[0]));
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
