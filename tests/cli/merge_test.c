/* tessera merge makes of several studies the one that a single command would have made, or refuses. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>

#define PATIENCE 180 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_small_study(folder, "epochs = 1; snapshots = [ 0 ];", "probes = ( \"redundancy\" );\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* The tables of a folder are those of the study that one command did, and no run is left to do. */
static void is_whole(const char *merged, const char *whole)
{
    same_tables(folder, merged, whole);
    command_gives(folder, 0, NULL, "all runs are done already", "run %s", merged);
    shell_gives(folder, 0, NULL, NULL, "cmp %s/results.csv %s/results.csv", merged, whole);
}

START_TEST(values_of_a_swept_key_come_together)
{
    do_study(folder, "a", "-s output.save_model=true -s 'sweep=({key=\"model.width\";values=[3,5];})'");
    do_study(folder, "b", "-s output.save_model=true -s 'sweep=({key=\"model.width\";values=[4,5];})'");
    do_study(folder, "all", "-s 'sweep=({key=\"model.width\";values=[3,5,4];})'");
    command_gives(folder, 0, "3 runs in c, 1 of several studies\n", NULL, "merge a b -o c");
    ck_assert_uint_eq(count_files(folder, "c/runs/*/model.safetensors"), 3);
    is_whole("c", "all");
}
END_TEST

START_TEST(a_fixed_value_and_a_second_key_come_together)
{
    do_study(folder, "a", "-s 'sweep=({key=\"model.width\";values=[3,6];})'");
    do_study(folder, "b",
             "-s 'sweep=({key=\"model.width\";values=[3,6];},{key=\"training.batch\";values=[16];})'");
    do_study(folder, "all",
             "-s 'sweep=({key=\"model.width\";values=[3,6];},{key=\"training.batch\";values=[64,16];})'");
    command_gives(folder, 0, "4 runs in c\n", NULL, "merge a b -o c");
    is_whole("c", "all");
    do_study(folder, "d", "-s training.batch=8");
    command_gives(folder, 0, "1 runs of the sweep are missing", NULL, "merge c d -o e");
    command_gives(folder, 0, NULL, NULL, "run e -q");
    command_gives(folder, 0, "6 runs: 6 done", NULL, "status e");
}
END_TEST

START_TEST(plugins_that_are_swept_come_together_however_they_are_written)
{
    do_study(folder, "a",
             "-s 'sweep=({key=\"model.activation\";values=(\"relu\",{plugin=\"leaky_relu\";slope=0.1;});})'");
    do_study(folder, "b",
             "-s 'sweep=({key=\"model.activation\";values=({plugin=\"leaky_relu\";slope=0.2;});})'");
    do_study(folder, "d", "");
    do_study(folder, "all",
             "-s 'sweep=({key=\"model.activation\";values=(\"relu\",{plugin=\"leaky_relu\";slope=0.1;},"
             "{plugin=\"leaky_relu\";slope=0.2;});})'");
    command_gives(folder, 0, "3 runs in c, 1 of several studies\n", NULL, "merge a b d -o c");
    is_whole("c", "all");
}
END_TEST

START_TEST(seeds_that_follow_each_other_are_replicates)
{
    do_study(folder, "a", "-s replicates=2");
    do_study(folder, "b", "-s seed=3 -s replicates=2");
    do_study(folder, "all", "-s seed=1 -s replicates=4");
    command_gives(folder, 0, "4 runs in c\n", NULL, "merge b a -o c");
    is_whole("c", "all");
    do_study(folder, "d", "-s seed=9");
    command_gives(folder, 2, NULL, "leave a gap, 3 to 8", "merge a d -o e");
    shell_gives(folder, 0, NULL, NULL, "cp -a a a2; cp -a a a3; cp -a a a4; cp -a a a5");
    command_gives(folder, 2, NULL, "leave a gap, 3 to 8", "merge a a2 d a3 a4 a5 -o e");
    ck_assert_uint_eq(count_files(folder, "e"), 0);
    command_gives(folder, 0, "4 runs in e, 2 of several studies\n", NULL, "merge a a2 a3 b -o e");
    is_whole("e", "all");
}
END_TEST

START_TEST(a_key_that_an_older_study_lacks_is_at_its_default)
{
    do_study(folder, "a", "");
    do_study(folder, "b", "-s dataset.class_count=4");
    shell_gives(folder, 0, NULL, NULL,
                "sed -i '/class_count = /d' a/config.cfg && ! grep -q class_count a/config.cfg");
    command_gives(folder, 2, NULL, "dataset.class_count", "merge a b -o c");
    do_study(folder, "swept", "-s 'sweep=({key=\"dataset.class_count\";values=[4,5];})'");
    command_gives(folder, 0, "3 runs in c\n", NULL, "merge swept a -o c");
    do_study(folder, "all", "-s 'sweep=({key=\"dataset.class_count\";values=[4,5,0];})'");
    is_whole("c", "all");
    do_study(folder, "same", "-s replicates=2");
    command_gives(folder, 0, "2 runs in d, 1 of several studies\n", NULL, "merge same a -o d");
    is_whole("d", "same");
}
END_TEST

START_TEST(probes_that_were_added_do_not_contradict_and_stay)
{
    do_study(folder, "a", "-s output.save_model=true");
    shell_gives(folder, 0, NULL, NULL, "cp -a a b");
    command_gives(folder, 0, NULL, NULL, "probe b -s 'probes=({plugin=\"kmeans\";k=4;restarts=1;})'");
    command_gives(folder, 0, "1 runs in c", NULL, "merge a b -o c");
    command_gives(folder, 0, "1 runs in d", NULL, "merge b a -o d");
    same_files(folder, "b/results.csv", "c/results.csv");
    same_files(folder, "b/results.csv", "d/results.csv");
}
END_TEST

START_TEST(other_files_of_a_plugin_are_refused_or_kept)
{
    do_study(folder, "a", "-s replicates=1");
    do_study(folder, "b", "-s seed=2");
    shell_gives(folder, 0, NULL, NULL,
                "sed -i '/\"kind\": \"probe\"/,/sha256/s/\"sha256\": \".*\"/\"sha256\": \"0123456789\"/' "
                "b/runs/*/run.json");
    command_gives(folder, 2, NULL, "was done with another probe redundancy than runs of a: SHA-256 01234567",
                  "merge a b -o c");
    ck_assert_uint_eq(count_files(folder, "c"), 0);
    command_gives(folder, 0, "2 runs in c\n", "made with other plugins", "merge a b -o c --keep");
}
END_TEST

START_TEST(the_new_folder_is_locked_and_nobody_elses)
{
    do_study(folder, "a", "-s replicates=1");
    do_study(folder, "b", "-s seed=2");
    shell_gives(folder, 0, NULL, NULL, "mkdir full empty && echo mine >full/notes");
    command_gives(folder, 2, NULL, "full: holds 'notes'", "merge a b -o full");
    ck_assert_uint_eq(count_files(folder, "full/*"), 1);
    shell_gives(folder, 0, NULL, "another tessera is working in this results folder: wait for it\n",
                "flock -s a/.lock sh -c '\"$TESSERA\" merge a b -o c; [ $? = 2 ]'");
    shell_gives(folder, 0, NULL, "empty: another tessera is working",
                "touch empty/.lock; flock empty/.lock sh -c '\"$TESSERA\" merge a b -o empty; [ $? = 2 ]'");
    shell_gives(folder, 0, "2 runs in c", NULL, "flock -s a/.lock \"$TESSERA\" merge a b -o c --no-lock");
    /* where the file system has no room, what was written goes, and the folder stays */
    shell_gives(folder, 0, NULL, NULL,
                "cd b/runs/* && mkdir probes && head -c 1000000 /dev/zero >probes/file");
    shell_gives(folder, 0, NULL, "probes/file",
                "(ulimit -f 64; \"$TESSERA\" merge a b -o empty; [ $? = 2 ]) && [ -z \"$(ls -A empty)\" ] && "
                "[ -d empty ]");
}
END_TEST

START_TEST(data_of_another_home_are_the_same_and_runs_get_the_first_ones_ids)
{
    static const char data[] =
        "-s 'dataset={plugin=\"table\";train=\"~/data.csv\";label=\"kind\";test_fraction=0.3;}' "
        "-s output.save_model=true -s 'sweep=({key=\"model.width\";values=[%s];})'";
    static const char *const studies[][3] = { { "one", "a", "3,4" },
                                              { "two", "b", "4,5" },
                                              { "one", "all", "3,4,5" } };
    shell_gives(folder, 0, NULL, NULL,
                "mkdir one two other && { echo a,b,kind; i=0; while [ $i -lt 60 ]; do echo $((i %% 7)),$((i "
                "* i %% 11)),"
                "$((i %% 2)); i=$((i+1)); done; } >one/data.csv && cp one/data.csv two && { cat "
                "one/data.csv; echo 1,1,1; } "
                ">other/data.csv");
    for (size_t i = 0; i < sizeof(studies) / sizeof(*studies); i++) {
        char *settings = tsr_format(data, studies[i][2]);
        shell_gives(folder, 0, NULL, NULL, "HOME=$PWD/%s \"$TESSERA\" run study.cfg -q -o %s %s",
                    studies[i][0], studies[i][1], settings);
        free(settings);
    }
    command_gives(folder, 0, "3 runs in c, 1 of several studies\n", NULL, "merge a b -o c");
    ck_assert_uint_eq(count_files(folder, "c/runs/*/model.safetensors"), 3);
    is_whole("c", "all");
    char *settings = tsr_format(data, "5");
    shell_gives(folder, 0, NULL, NULL, "HOME=$PWD/other \"$TESSERA\" run study.cfg -q -o d %s", settings);
    free(settings);
    command_gives(folder, 2, NULL, "other data under the same name", "merge a d -o e");
}
END_TEST

START_TEST(links_in_the_place_of_files_and_runs_are_refused_and_others_stay_where_they_are)
{
    do_study(folder, "a", "-s output.save_model=true");
    do_study(folder, "b", "-s seed=2");
    shell_gives(folder, 0, NULL, NULL,
                "echo mine >secret && cd b/runs/* && ln -s ../../../secret model.safetensors");
    command_gives(folder, 2, NULL, "/model.safetensors: is a link, which is not followed: expected files",
                  "merge a b -o c");
    shell_gives(folder, 0, NULL, NULL, "test ! -e c; cd b/runs/* && mv model.safetensors notes");
    command_gives(folder, 0, "2 runs in c", NULL, "merge a b -o c");
    ck_assert_uint_eq(count_files(folder, "c/runs/*/notes"), 0);
    shell_gives(folder, 0, NULL, NULL,
                "rm -r c; mv b/runs/* far; ln -s ../../far b/runs/$(cd a/runs; echo *)");
    command_gives(folder, 2, NULL, ": is a link, which is not followed: expected files", "merge a b -o c");
}
END_TEST

START_TEST(a_run_that_failed_in_one_is_taken_from_the_other)
{
    do_study(folder, "a", "-s 'sweep=({key=\"model.width\";values=[3,5];})'");
    do_study(folder, "b", "-s 'sweep=({key=\"model.width\";values=[3,5];})'");
    shell_gives(
        folder, 0, NULL, NULL,
        "cd a/runs && set -- * && sed -i 's/\"status\": \"done\"/\"status\": \"failed\"/' $1/run.json");
    command_gives(folder, 0, "2 runs in c", NULL, "merge a b -o c");
    is_whole("c", "b");
}
END_TEST

START_TEST(what_contradicts_is_refused_and_nothing_is_written)
{
    do_study(folder, "a", "-s training.batch=16");
    do_study(folder, "b", "-s training.batch=32");
    do_study(folder, "other", "-s model.width=7 -s training.batch=16");
    shell_gives(folder, 0, NULL, NULL,
                "cp -a a changed && sed -i 's/\"code.bits\": 6/\"code.bits\": 5/' changed/runs/*/run.json");
    shell_gives(folder, 0, NULL, NULL,
                "cp -a a data && sed -i 's/\"digest\": \".*\"/\"digest\": \"0123456789abcdef\"/' "
                "data/runs/*/run.json");
    command_gives(folder, 2, NULL, "training.batch is 16 there and 32 here", "merge a b -o c");
    command_gives(folder, 2, NULL, "model.width is 6 there and 7 here", "merge a other -o c");
    command_gives(folder, 2, NULL, "has other results in changed than in a", "merge a changed -o c");
    command_gives(folder, 2, NULL, "other data under the same name", "merge a data -o c");
    command_gives(folder, 2, NULL, "is given twice", "merge a a -o c");
    command_gives(folder, 2, NULL, "holds results already", "merge a b -o a");
    command_gives(folder, 2, NULL, "expected a results folder", "merge a nowhere -o c");
    command_gives(folder, 1, NULL, "expected -o DIR", "merge a b");
    command_gives(folder, 1, NULL, "expected two DIRs", "merge a -o c");
    ck_assert_uint_eq(count_files(folder, "c"), 0);
    shell_gives(folder, 0, NULL, NULL, "mkdir -p mine/runs");
    command_gives(folder, 2, NULL, "mine: holds 'runs'", "merge a b -o mine");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tests = tcase_create("tessera merge");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, values_of_a_swept_key_come_together);
    tcase_add_test(tests, a_fixed_value_and_a_second_key_come_together);
    tcase_add_test(tests, plugins_that_are_swept_come_together_however_they_are_written);
    tcase_add_test(tests, seeds_that_follow_each_other_are_replicates);
    tcase_add_test(tests, a_key_that_an_older_study_lacks_is_at_its_default);
    tcase_add_test(tests, probes_that_were_added_do_not_contradict_and_stay);
    tcase_add_test(tests, other_files_of_a_plugin_are_refused_or_kept);
    tcase_add_test(tests, the_new_folder_is_locked_and_nobody_elses);
    tcase_add_test(tests, data_of_another_home_are_the_same_and_runs_get_the_first_ones_ids);
    tcase_add_test(tests, links_in_the_place_of_files_and_runs_are_refused_and_others_stay_where_they_are);
    tcase_add_test(tests, a_run_that_failed_in_one_is_taken_from_the_other);
    tcase_add_test(tests, what_contradicts_is_refused_and_nothing_is_written);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
