/* The executor mpi, as ranks of a real job on this machine: the results of the local executor, byte for byte,
   and what a rank that dies leaves. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 240 /* seconds; the sanitizers slow everything down */

/* Open MPI's own leaks are not ours to report. */
#define MPIRUN                                                                                               \
    "ASAN_OPTIONS=detect_leaks=0 timeout 200 mpirun --allow-run-as-root --oversubscribe -n 3 $TESSERA run "
#define MPI " -s executor.plugin=mpi "

static char *folder;
static bool able;

static void setup(void)
{
    folder = test_folder();
    char *text =
        tsr_format("plugin_path = [ \"%s/tests/cli/fixtures\" ];\n"
                   "dataset = { plugin = \"digits\"; };\n"
                   "model = { plugin = \"mlp\"; width = 8; };\n"
                   "training = { epochs = 10; label_noise = 0.1; };\n"
                   "probes = ( { plugin = \"redundancy\"; }, { plugin = \"misbehaves\"; at = 5; } );\n"
                   "sweep = ( { key = \"probes.1.number\"; values = [ 0, 1, 2, 3, 4, 5, 6, 7 ]; } );\n",
                   test_build());
    write_text(folder, "study.cfg", text);
    free(text);
    able = system("mpirun --allow-run-as-root --oversubscribe -n 2 true >/dev/null 2>&1") == 0;
    if (!able)
        fprintf(stderr, "skipped: mpirun does not run here\n");
    else
        command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(ranks_give_what_processes_give_byte_for_byte)
{
    if (!able)
        return;
    command_result result = command(folder, "--version >/dev/null;" MPIRUN "study.cfg -o out" MPI);
    ck_assert_msg(result.status == 0, "%d: %s", result.status, result.err);
    const char *once = strstr(result.out, "results in out");
    ck_assert(once && !strstr(once + 1, "results in out")); /* one rank speaks for all */
    command_free(&result);
    same_files(folder, "out/results.csv", "whole/results.csv");
    shell_gives(folder, 0, NULL, "all runs are done already", MPIRUN "study.cfg -o out" MPI);
    command_gives(folder, 0, NULL, "all runs are done already", "run study.cfg -o out");
}
END_TEST

START_TEST(ranks_go_on_from_where_a_process_stood)
{
    static const char more[] = "-s output.save_state=true -s training.epochs=12";
    if (!able)
        return;
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s output.save_state=true");
    shell_gives(folder, 0, NULL, "8 runs go on from where", MPIRUN "study.cfg -o out %s" MPI, more);
    shell_gives(folder, 0, NULL, NULL, "[ $(grep -l taken_over out/runs/*/run.json | wc -l) = 8 ]");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o longer %s", more);
    same_files(folder, "out/results.csv", "longer/results.csv");
}
END_TEST

START_TEST(without_mpirun_the_one_process_does_all)
{
    if (!able)
        return;
    shell_gives(folder, 0, NULL, NULL, "ASAN_OPTIONS=detect_leaks=0 $TESSERA run study.cfg -o out" MPI);
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

START_TEST(what_the_leader_refuses_ends_the_job)
{
    if (!able)
        return;
    shell_gives(folder, 2, NULL, "model.width is 8 there and 9 here",
                MPIRUN "study.cfg -o whole -s model.width=9" MPI);
    shell_gives(folder, 2, NULL, "another tessera is working in this results folder",
                "flock -s whole/.lock sh -c '" MPIRUN "study.cfg -o whole" MPI "'");
}
END_TEST

START_TEST(a_run_that_crashes_in_a_rank_costs_one_row)
{
    if (!able)
        return;
    shell_gives(folder, 3, NULL, "killed by signal 11",
                "TESSERA_MISBEHAVE=segfault " MPIRUN "study.cfg -o out" MPI);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 8);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

/* A run that never ends keeps the job alive until a rank is killed: the one that does it, or another. */
START_TEST(a_rank_that_dies_leaves_the_finished_runs_to_a_later_command)
{
    if (!able)
        return;
    shell_gives(folder, 0, NULL, NULL,
                "TESSERA_MISBEHAVE=hang " MPIRUN "study.cfg -o out" MPI "& job=$!\n"
                "until [ $(ls out/runs/*/run.json 2>/dev/null | wc -l) -ge 7 ]; do sleep 0.05; done\n"
                "mpirun=$(cat /proc/$job/task/*/children | tr -d ' ')\n"
                "set -- $(cat /proc/$mpirun/task/*/children)\n"
                "kill -9 $2\n"
                "wait $job; [ $? -ne 0 ]");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 7);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

START_TEST(an_interrupted_job_keeps_what_is_finished)
{
    if (!able)
        return;
    shell_gives(folder, 0, NULL, NULL,
                "TESSERA_MISBEHAVE=hang " MPIRUN "study.cfg -o out" MPI "& job=$!\n"
                "until [ $(ls out/runs/*/run.json 2>/dev/null | wc -l) -ge 7 ]; do sleep 0.05; done\n"
                "kill -TERM $job; wait $job; [ $? -ne 0 ]");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 7);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mpi");
    TCase *tests = tcase_create("mpi");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, ranks_give_what_processes_give_byte_for_byte);
    tcase_add_test(tests, ranks_go_on_from_where_a_process_stood);
    tcase_add_test(tests, without_mpirun_the_one_process_does_all);
    tcase_add_test(tests, what_the_leader_refuses_ends_the_job);
    tcase_add_test(tests, a_run_that_crashes_in_a_rank_costs_one_row);
    tcase_add_test(tests, a_rank_that_dies_leaves_the_finished_runs_to_a_later_command);
    tcase_add_test(tests, an_interrupted_job_keeps_what_is_finished);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
