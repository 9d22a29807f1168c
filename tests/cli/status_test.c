/* tessera status tells how studies are, from their folders alone and while they run. */
#include "command.h"

#include "support.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */
#define STUDY                                                                                                \
    "-s training.epochs=1 -s 'training.snapshots=[]' -s 'sweep=({key=\"model.width\";values=[3,5];})' "

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(runs_that_no_shard_has_done_are_missing_and_the_rest_is_estimated_from_those_that_are_done)
{
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out " STUDY "--shard 1/2",
                  test_source());
    command_gives(folder, 0, "out: 2 runs: 1 done, 0 failed, 0 diverged, 0 running, 1 missing", NULL,
                  "status out");
    command_gives(folder, 0, "one run after the other; no process is doing runs", NULL, "status out");
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out " STUDY, test_source());
    command_result result = command(folder, "status out");
    ck_assert_ptr_nonnull(strstr(result.out, "2 done, 0 failed, 0 diverged, 0 running, 0 missing"));
    ck_assert_ptr_null(strstr(result.out, "time left"));
    ck_assert_ptr_nonnull(strstr(result.out, "models "));
    command_free(&result);
}
END_TEST

START_TEST(a_run_that_diverged_is_told_with_its_reason)
{
    command_gives(folder, 3, NULL, NULL,
                  "run '%s/configs/digits.cfg' -q -o out -s training.optimizer.learning_rate=1e6 "
                  "-s model.batch_norm=false -s training.optimizer.plugin=sgd -s training.epochs=3",
                  test_source());
    command_gives(folder, 0, "0 done, 0 failed, 1 diverged, 0 running, 0 missing", NULL, "status out");
    command_gives(folder, 0, "not finite", NULL, "status out");
}
END_TEST

START_TEST(a_run_is_told_while_it_runs_and_neither_waits_for_the_other)
{
    write_text(folder, "long",
               "trap '' INT\n"
               "\"$TESSERA\" run \"$1\" -q -o out -s training.epochs=1000000 -s training.early_stop=0 "
               "-s 'training.snapshots=[]' >/dev/null 2>&1 &\n"
               "child=$!\n"
               "i=0\n"
               "while ! \"$TESSERA\" status out 2>/dev/null | grep -q '1 running'; do\n"
               "    i=$((i + 1)); [ $i -lt 300 ] || { kill -9 $child; exit 1; }; sleep 0.1\n"
               "done\n"
               "\"$TESSERA\" status out\n"
               "kill -TERM $child; wait $child\n"
               "\"$TESSERA\" status out | sed 's/^/after: /'\n"
               "exit 0\n");
    shell_gives(folder, 0, "is at epoch", NULL, "sh ./long '%s/configs/digits.cfg'", test_source());
    command_gives(folder, 0, "0 running, 1 missing", NULL, "status out");
    ck_assert_uint_eq(count_files(folder, "out/.progress*"), 0);
}
END_TEST

/* Two runs, of which the second one lasts: the page has the first meanwhile, and says that it is not all. */
START_TEST(the_page_is_made_while_runs_are_done_and_again_at_the_end)
{
    write_text(
        folder, "long",
        "\"$TESSERA\" run \"$1\" -q -o out -s 'sweep=({key=\"training.epochs\"; values=[1, 1000000];})' "
        "-s training.early_stop=0 -s 'training.snapshots=[]' -s report.live=1 -j 1 >/dev/null 2>&1 &\n"
        "child=$!\n"
        "i=0\n"
        "while ! grep -q 'Runs are being done' out/report.html 2>/dev/null; do\n"
        "    i=$((i + 1)); [ $i -lt 600 ] || { kill -9 $child; exit 1; }; sleep 0.1\n"
        "done\n"
        "cp out/report.html live.html\n"
        "kill -TERM $child; wait $child\n"
        "exit 0\n");
    shell_gives(folder, 0, NULL, NULL, "sh ./long '%s/configs/digits.cfg'", test_source());
    shell_gives(folder, 0, NULL, NULL,
                "grep -q '<meta http-equiv=\"refresh\" content=\"1\">' live.html && grep -q '1 of 2 runs "
                "done' live.html");
    shell_gives(folder, 0, NULL, NULL, "! grep -q -e 'Runs are being done' -e refresh out/report.html");
    command_gives(folder, 0, NULL, NULL,
                  "run '%s/configs/digits.cfg' -q -o never -s training.epochs=1 -s report.live=0",
                  test_source());
}
END_TEST

START_TEST(what_a_process_that_is_gone_has_told_does_not_count_and_goes_with_the_next_run)
{
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out " STUDY "--shard 1/2",
                  test_source());
    write_text(folder, "out/.progress",
               "{\"host\": \"elsewhere\", \"process\": 1, \"time\": 5, \"runs\": 1, \"running\": "
               "[{\"run\": \"0123456789abcdef\", \"epoch\": 1, \"epochs\": 2}]}");
    write_text(folder, "out/.progress-notes", "mine");
    command_gives(folder, 0, "1 done, 0 failed, 0 diverged, 0 running, 1 missing", NULL, "status out");
    write_text(folder, "out/.progress-1-of-9", "[ not what a process tells");
    command_gives(folder, 0, "0 running, 1 missing", NULL, "status out");
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out " STUDY, test_source());
    ck_assert_uint_eq(count_files(folder, "out/.progress"), 0);
    ck_assert_uint_eq(count_files(folder, "out/.progress-1-of-9"), 0);
    ck_assert_uint_eq(count_files(folder, "out/.progress-notes"), 1);
}
END_TEST

START_TEST(a_folder_without_a_study_is_refused_and_the_others_are_told)
{
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out -s training.epochs=0",
                  test_source());
    command_gives(folder, 2, "out: 1 run: 1 done", "nothing/config.cfg", "status nothing out");
    command_gives(folder, 1, NULL, "expected one DIR or more", "status");
}
END_TEST

START_TEST(a_report_of_a_folder_has_what_the_run_has_written)
{
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out -s replicates=2 " STUDY,
                  test_source());
    shell_gives(folder, 0, NULL, NULL, "mv out/summary.csv before && \"$TESSERA\" report out");
    same_files(folder, "before", "out/summary.csv");
}
END_TEST

START_TEST(a_record_that_was_cut_off_counts_as_missing_and_says_where)
{
    command_gives(folder, 0, NULL, NULL, "run '%s/configs/digits.cfg' -q -o out " STUDY, test_source());
    shell_gives(
        folder, 0, NULL, NULL,
        "for record in out/runs/*/run.json; do head -c 900 $record >cut && cp cut $record && break; done");
    command_gives(folder, 0, "1 done, 0 failed, 0 diverged, 0 running, 1 missing", "not a whole run.json",
                  "status out");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("tessera status");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(
        tests, runs_that_no_shard_has_done_are_missing_and_the_rest_is_estimated_from_those_that_are_done);
    tcase_add_test(tests, a_run_that_diverged_is_told_with_its_reason);
    tcase_add_test(tests, a_run_is_told_while_it_runs_and_neither_waits_for_the_other);
    tcase_add_test(tests, the_page_is_made_while_runs_are_done_and_again_at_the_end);
    tcase_add_test(tests, what_a_process_that_is_gone_has_told_does_not_count_and_goes_with_the_next_run);
    tcase_add_test(tests, a_folder_without_a_study_is_refused_and_the_others_are_told);
    tcase_add_test(tests, a_report_of_a_folder_has_what_the_run_has_written);
    tcase_add_test(tests, a_record_that_was_cut_off_counts_as_missing_and_says_where);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
