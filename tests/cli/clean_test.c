/* tessera clean removes what it is told to, says what that freed, touches nothing of anybody else's, and
   leaves a folder that the other commands take as it is. */
#include "command.h"

#include "support.h"

#include <stdlib.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_faulty_study(folder, 3, 1, "output = { save_model = true; save_codes = true; };\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(models_and_codes_go_and_the_study_stays_whole)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out");
    shell_gives(folder, 0, NULL, NULL, "cp out/results.csv before.csv");
    command_gives(folder, 0, "out: would free ", NULL, "clean out --models -n");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 3);
    command_gives(folder, 0, "(3 models, 18 files of codes)", NULL, "clean out --models --codes");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/*"), 3);
    shell_gives(folder, 0, NULL, NULL,
                "grep 'save_model = false' out/config.cfg && grep 'save_codes = false' out/config.cfg");
    command_gives(folder, 0, NULL, "all runs are done already", "run out");
    same_files(folder, "before.csv", "out/results.csv");
    command_gives(folder, 0, "freed 0 B\n", NULL, "clean out --models");
    command_gives(folder, 0, NULL, "has not saved its network after epoch 1 (output.save_model)", "run out -s output.save_model=true");
    same_files(folder, "before.csv", "out/results.csv");
}
END_TEST

START_TEST(failed_runs_go_with_what_killed_ones_have_left_and_are_done_by_the_next_command)
{
    shell_gives(folder, 3, NULL, NULL, "TESSERA_MISBEHAVE=fail \"$TESSERA\" run study.cfg -q -o out");
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p out/runs/00000000000000ab/codes && cd out/runs/00000000000000ab &&\n"
                "echo >codes/train.npy.123456 && echo >model.safetensors");
    command_gives(folder, 0, "2 runs, 1 record, ", NULL, "clean out --failed");
    ck_assert_uint_eq(count_files(folder, "out/runs/*"), 2);
    command_gives(folder, 0, "2 done, 0 failed, 0 diverged, 0 running, 1 missing", NULL, "status out");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o whole");
    same_files(folder, "out/results.csv", "whole/results.csv");
    same_files(folder, "out/summary.csv", "whole/summary.csv");
}
END_TEST

START_TEST(where_every_run_failed_the_tables_go_too)
{
    shell_gives(folder, 3, NULL, NULL,
                "TESSERA_MISBEHAVE=fail \"$TESSERA\" run study.cfg -q -o out -s 'sweep=()' -s probes.1.at=0");
    ck_assert_uint_eq(count_files(folder, "out/report.html"), 1);
    command_gives(folder, 0, "1 run, 1 record", NULL, "clean out --failed");
    ck_assert_uint_eq(count_files(folder, "out/*"), 2); /* config.cfg, runs */
    command_gives(folder, 0, "0 done, 0 failed, 0 diverged, 0 running, 1 missing", NULL, "status out");
}
END_TEST

START_TEST(what_is_not_ours_stays)
{
    shell_gives(folder, 3, NULL, NULL, "TESSERA_MISBEHAVE=fail \"$TESSERA\" run study.cfg -q -o out");
    shell_gives(
        folder, 0, NULL, NULL,
        "failed=$(dirname $(grep -l '\"status\": \"failed\"' out/runs/*/run.json))\n"
        "echo mine >$failed/notes.txt; mkdir out/runs/mine elsewhere; echo mine >out/runs/mine/run.json\n"
        "echo mine >elsewhere/run.json; ln -s ../../elsewhere out/runs/00000000000000cd");
    command_gives(folder, 0, NULL, "holds what is not of tessera and stays",
                  "clean out --failed --models --codes");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/notes.txt"), 1);
    ck_assert_uint_eq(count_files(folder, "out/runs/mine/run.json"), 1);
    ck_assert_uint_eq(count_files(folder, "elsewhere/run.json"), 1);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 0);
}
END_TEST

START_TEST(what_cannot_be_cleaned_is_refused)
{
    command_gives(folder, 1, NULL, "expected --failed, --outside, --models or --codes", "clean out");
    command_gives(folder, 1, NULL, "expected one DIR", "clean --failed");
    command_gives(folder, 2, NULL, "expected a results folder", "clean nowhere --failed");
    shell_gives(folder, 0, NULL, NULL, "mkdir -p other/runs/00000000000000ab && echo >other/config.cfg");
    command_gives(folder, 2, NULL, "expected a results folder", "clean other --failed");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out");
    shell_gives(folder, 0, NULL, "another tessera is working in this results folder",
                "flock -s out/.lock sh -c '\"$TESSERA\" clean out --models; [ $? = 2 ]'");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clean");
    TCase *tests = tcase_create("tessera clean");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, models_and_codes_go_and_the_study_stays_whole);
    tcase_add_test(tests, failed_runs_go_with_what_killed_ones_have_left_and_are_done_by_the_next_command);
    tcase_add_test(tests, where_every_run_failed_the_tables_go_too);
    tcase_add_test(tests, what_is_not_ours_stays);
    tcase_add_test(tests, what_cannot_be_cleaned_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
