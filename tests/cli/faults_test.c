/* Runs that go wrong: each costs itself alone, says why in its run.json, and can be made good by the same
   command later. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_faulty_study(folder, 8, 5, "executor = { plugin = \"local\"; jobs = 2; };\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static size_t lines_of(const char *name)
{
    char *text = read_text(folder, name);
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    free(text);
    return lines;
}

/* How often a text stands in the run.json files of a results folder. */
static size_t count_in_outcomes(const char *results, const char *text)
{
    char *line = tsr_format("cd '%s' && cat %s/runs/*/run.json >all", folder, results);
    ck_assert_int_eq(system(line), 0);
    char *all = read_text(folder, "all");
    size_t n = 0;
    for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    free(all);
    free(line);
    return n;
}

static const struct {
    const char *how, *settings, *error;
    size_t rows; /* a run of which a probe fails, or ends the process, has one all the same */
} faults[] = {
    { "segfault", "", "after epoch 1: probe misbehaves: killed by signal 11 (Segmentation fault)", 8 },
    { "kill", "", "after epoch 1: probe misbehaves: killed by signal 9 (Killed), perhaps for want of memory",
      8 },
    { "exit", "", "after epoch 1: probe misbehaves: its process ended with exit status 7 and no outcome", 8 },
    { "fail", "", "after epoch 1: probe misbehaves: the probe is out of order", 8 },
    { "hang", "-s executor.max_seconds=5", "did not end within max_seconds = 5", 7 },
};

START_TEST(a_run_that_goes_wrong_costs_no_other_and_says_why)
{
    shell_gives(folder, 3, "results in out", faults[_i].error,
                "TESSERA_MISBEHAVE=%s $TESSERA run study.cfg -o out %s", faults[_i].how, faults[_i].settings);
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + faults[_i].rows);
    char *error = tsr_format("\"error\": \"%s", faults[_i].error);
    ck_assert_uint_eq(count_in_outcomes("out", error), 1);
    ck_assert_uint_eq(count_in_outcomes("out", "\"status\": \"failed\""), 1);
    ck_assert_uint_eq(count_in_outcomes("out", "\"status\": \"done\""), 7);
    free(error);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

static const struct {
    const char *how, *what;
} changes[] = { { "umask", "the umask" },
                { "signals", "the signal mask" },
                { "chdir", "the working folder" },
                { "streams", "standard error" } };

/* What one run's plugin does to its process is told, and changes no result. */
START_TEST(a_run_whose_plugin_changes_its_process_says_so_and_goes_on)
{
    char *told = tsr_format("has changed %s; it is put back", changes[_i].what);
    shell_gives(folder, 0, "results in out", told, "TESSERA_MISBEHAVE=%s $TESSERA run study.cfg -o out",
                changes[_i].how);
    ck_assert_uint_eq(count_in_outcomes("out", "run of probe misbehaves ("), 1);
    ck_assert_uint_eq(count_in_outcomes("out", told), 1);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
    same_files(folder, "out/results.csv", "whole/results.csv");
    free(told);
}
END_TEST

START_TEST(a_run_whose_plugin_makes_results_doubtful_has_failed)
{
    static const char *const ways[][2] = { { "rounding", "the rounding mode" }, { "locale", "the locale" } };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char *told = tsr_format("has changed %s, so that results are in doubt", ways[i][1]);
        shell_gives(folder, 3, NULL, told,
                    "rm -rf out; TESSERA_MISBEHAVE=%s $TESSERA run study.cfg -q -o out", ways[i][0]);
        ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 7);
        ck_assert_uint_eq(count_in_outcomes("out", told), 1);
        ck_assert_uint_eq(count_in_outcomes("out", "\"error\": \"run of probe misbehaves ("), 1);
        free(told);
    }
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which wants terabytes of addresses */
START_TEST(a_run_without_enough_memory_fails_and_the_others_go_on)
{
    const char *sweep = "-s 'sweep=({key=\"model.width\"; values=[8, 1048576];})' -s 'probes=()'";
    shell_gives(folder, 3, NULL, "failed: not enough memory for",
                "ulimit -v 2000000; $TESSERA run study.cfg -o out %s", sweep);
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 1);
    ck_assert_uint_eq(count_in_outcomes("out", "\"error\": \"not enough memory for"), 1);
}
END_TEST
#endif

/* As ctrl-Z does it, for longer than the run may take. */
START_TEST(the_time_in_which_all_is_stopped_is_no_time_of_a_run)
{
    shell_gives(folder, 0, "results in out", NULL,
                "TESSERA_MISBEHAVE=sleep setsid $TESSERA run study.cfg -q -o out -s 'sweep=()' "
                "-s probes.1.at=0 -s executor.max_seconds=3 & "
                "until ls out/runs/*/probes; do sleep 0.02; done; kill -STOP -$!; sleep 3.5; kill -CONT -$!; "
                "wait $!");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_fails_its_run_and_harms_nothing_finished)
{
    const char *rest = "-s 'sweep=({key=\"model.width\"; values=[8, 3000];})' -s output.save_model=true";
    /* 200 blocks: 100 or 200 kB, according to the shell; the large model has 900. */
    shell_gives(folder, 3, NULL, "model.safetensors: cannot write: File too large",
                "ulimit -f 200; $TESSERA run study.cfg -o out %s", rest);
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 1);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 1);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/*.??????"), 0); /* nothing half written */
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out %s", rest);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole %s", rest);
    same_files(folder, "out/results.csv", "whole/results.csv");
}
END_TEST

/* A process that ended well and left no outcome has not done its run. */
START_TEST(a_run_whose_process_ends_well_without_an_outcome_has_failed)
{
    static const char *const ways[] = { "exit well", "quick_exit", "exec" };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        shell_gives(
            folder, 3, NULL,
            "failed: after epoch 1: probe misbehaves: its process ended with exit status 0 and no outcome",
            "rm -rf out; TESSERA_MISBEHAVE='%s' $TESSERA run study.cfg -q -o out", ways[i]);
        ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
        ck_assert_uint_eq(/* as the run's error and as the probe's */
                          count_in_outcomes(
                              "out", "ended with exit status 0 and no outcome, in run of probe misbehaves ("),
                          2);
    }
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
}
END_TEST

START_TEST(runs_that_an_executor_leaves_undone_are_said_and_counted)
{
    command_gives(folder, 3, NULL, "executor lazy did not do 4 of 8 runs: ",
                  "run study.cfg -q -o out -s executor.plugin=lazy");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 4);
    command_gives(folder, 3, NULL, "executor lazy did not do 2 of 4 runs: ",
                  "run study.cfg -q -o out -s executor.plugin=lazy");
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
}
END_TEST

START_TEST(a_plugin_that_changes_the_working_folder_moves_no_results)
{
    shell_gives(folder, 0, "results in rel/out", NULL,
                "TESSERA_MISBEHAVE=chdir $TESSERA run study.cfg -q -o rel/out");
    ck_assert_uint_eq(lines_of("rel/out/results.csv"), 1 + 8);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o plain");
    same_files(folder, "rel/out/results.csv", "plain/results.csv");
}
END_TEST

START_TEST(a_folder_without_room_is_refused_before_any_work)
{
    shell_gives(folder, 2, NULL, "out/config.cfg: cannot write: File too large",
                "ulimit -f 1; $TESSERA run study.cfg -o out");
}
END_TEST

/* A file system of its own, in a mount namespace: gone with the shell. */
START_TEST(a_full_disk_ends_the_runs_and_the_same_command_makes_them_good)
{
    command_result able =
        command(folder, "--version >/dev/null; mkdir disk; unshare -rm mount -t tmpfs none disk");
    int status = able.status;
    command_free(&able);
    if (status != 0) {
        fprintf(stderr, "skipped: no file system can be mounted here\n");
        return;
    }
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
    shell_gives(folder, 0, "first 3", "No space left on device",
                "unshare -rm sh -c 'mount -t tmpfs -o size=2m none disk || exit 9\n"
                "TESSERA_MISBEHAVE=fill $TESSERA run study.cfg -j 1 -o disk/out; echo first $?\n"
                "$TESSERA run study.cfg -j 1 -o disk/out || exit\n"
                "cp disk/out/results.csv out.csv'");
    same_files(folder, "out.csv", "whole/results.csv");
}
END_TEST

START_TEST(the_first_process_stays_single_threaded_and_the_runs_do_not)
{
    shell_gives(folder, 0, NULL, "threads before the runs: 1\n",
                "sed -i 's/^executor.*//' study.cfg; "
                "OMP_NUM_THREADS=4 $TESSERA run study.cfg -o out -s 'sweep=()' -s executor.plugin=witness");
}
END_TEST

START_TEST(the_data_is_opened_once_for_all_runs)
{
    command_gives(folder, 0, NULL, NULL, "%s",
                  "run study.cfg -o out -j 2 -s 'dataset={plugin=\"tally\"; file=\"tally\";}'");
    ck_assert_uint_eq(lines_of("tally"), 1);
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
}
END_TEST

START_TEST(a_parent_that_is_told_to_ignore_the_end_of_children_hears_of_it)
{
    shell_gives(folder, 3, NULL, "killed by signal 11",
                "trap '' CHLD; TESSERA_MISBEHAVE=segfault timeout 100 $TESSERA run study.cfg -o out");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
}
END_TEST

START_TEST(fresh_and_shard_exclude_each_other)
{
    command_gives(folder, 1, NULL, "--fresh would remove what the other shards have done",
                  "run study.cfg --fresh --shard 1/2");
}
END_TEST

START_TEST(a_shard_answers_for_its_own_runs_only)
{
    shell_gives(folder, 3, NULL, "killed by signal 11",
                "TESSERA_MISBEHAVE=segfault $TESSERA run study.cfg -o out --shard 2/2"); /* has number 5 */
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o out --shard 1/2");
    ck_assert_uint_eq(lines_of("out/results.csv"), 1 + 8);
}
END_TEST

START_TEST(shards_at_the_same_time_end_in_the_table_of_all)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -o whole");
    shell_gives(folder, 0, NULL, NULL,
                "for i in 1 2 3; do $TESSERA run study.cfg -j 1 -o out --shard $i/3 & done; wait; ");
    same_files(folder, "out/results.csv", "whole/results.csv");
    shell_gives(folder, 2, NULL, "another tessera is working in this results folder",
                "flock -s out/.lock $TESSERA run study.cfg -o out");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("faults");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_loop_test(tests, a_run_whose_plugin_changes_its_process_says_so_and_goes_on, 0,
                        sizeof(changes) / sizeof(*changes));
    tcase_add_test(tests, a_run_whose_plugin_makes_results_doubtful_has_failed);
    tcase_add_loop_test(tests, a_run_that_goes_wrong_costs_no_other_and_says_why, 0,
                        sizeof(faults) / sizeof(faults[0]));
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tests, a_run_without_enough_memory_fails_and_the_others_go_on);
#endif
    tcase_add_test(tests, the_time_in_which_all_is_stopped_is_no_time_of_a_run);
    tcase_add_test(tests, a_file_that_cannot_be_written_fails_its_run_and_harms_nothing_finished);
    tcase_add_test(tests, a_run_whose_process_ends_well_without_an_outcome_has_failed);
    tcase_add_test(tests, runs_that_an_executor_leaves_undone_are_said_and_counted);
    tcase_add_test(tests, a_plugin_that_changes_the_working_folder_moves_no_results);
    tcase_add_test(tests, a_folder_without_room_is_refused_before_any_work);
    tcase_add_test(tests, a_full_disk_ends_the_runs_and_the_same_command_makes_them_good);
    tcase_add_test(tests, the_first_process_stays_single_threaded_and_the_runs_do_not);
    tcase_add_test(tests, the_data_is_opened_once_for_all_runs);
    tcase_add_test(tests, a_parent_that_is_told_to_ignore_the_end_of_children_hears_of_it);
    tcase_add_test(tests, fresh_and_shard_exclude_each_other);
    tcase_add_test(tests, a_shard_answers_for_its_own_runs_only);
    tcase_add_test(tests, shards_at_the_same_time_end_in_the_table_of_all);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
