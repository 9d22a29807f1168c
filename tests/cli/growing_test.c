/* A study grows in its folder: the runs that it has are taken as they are, and in the end all is as if one
   command had done it. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>

#define PATIENCE 180 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "study.cfg",
               "dataset = { plugin = \"digits\"; };\n"
               "model = { plugin = \"mlp\"; width = 6; };\n"
               "training = { epochs = 2; samples = 300; };\n"
               "probes = ( \"redundancy\", { plugin = \"kmeans\"; k = 5; restarts = 1; } );\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void study(const char *out, const char *settings)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o %s %s", out, settings);
}

/* The tables of a folder are those of the study that one command did. */
static void same_tables(const char *grown, const char *whole)
{
    shell_gives(folder, 0, NULL, NULL,
                "cmp %s/results.csv %s/results.csv && cmp %s/summary.csv %s/summary.csv", grown, whole, grown,
                whole);
}

START_TEST(a_second_key_values_and_replicates_take_up_what_is_done)
{
    study("out", "-s 'sweep=({key=\"model.width\";values=[3,6];})'");
    shell_gives(folder, 0, NULL, NULL,
                "cat out/runs/*/run.json | grep -c '\"total\"' | grep -x 2 && "
                "for r in out/runs/*; do grep '\"total\"' $r/run.json >$(basename $r).then; done");
    const char *more = "-s replicates=2 -s 'sweep=({key=\"training.batch\";values=[16,64];},"
                       "{key=\"model.width\";values=[3,4,6];})'";
    study("out", more);
    study("whole", more);
    same_tables("out", "whole");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 12);
    /* those that were there have the seconds that they had */
    shell_gives(
        folder, 0, NULL, NULL,
        "for f in *.then; do grep '\"total\"' out/runs/${f%%.then}/run.json | cmp - $f || exit 1; done");
}
END_TEST

START_TEST(a_folder_is_continued)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out --shard 1/2 -s replicates=3");
    command_gives(folder, 0, "results in out", NULL, "run out");
    study("whole", "-s replicates=3");
    same_tables("out", "whole");
    command_gives(folder, 0, NULL, "all runs are done already", "run out");
    command_gives(folder, 2, NULL, "expected a config or a results folder", "run .");
}
END_TEST

START_TEST(one_run_is_repeated_by_its_record)
{
    study("out",
          "-s seed=7 -s 'sweep=({key=\"model.activation\";values=(\"relu\",{plugin=\"leaky_relu\";slope="
          "0.1;});})'");
    shell_gives(
        folder, 0, NULL, NULL,
        "for r in out/runs/*; do \"$TESSERA\" run $r/run.json -q -o again || exit 1; id=$(basename $r)\n"
        "for f in $r again/runs/$id; do grep -E '\"(redundancy|kmeans|model)[.].*: [0-9]' $f/run.json "
        ">$f.told; "
        "done\n"
        "grep -q redundancy $r.told && cmp $r.told again/runs/$id.told && rm -r again $r.told || exit 1; "
        "done");
    shell_gives(folder, 0, "results in results/study-", NULL,
                "\"$TESSERA\" run $(ls out/runs/*/run.json | head -1)");
    shell_gives(folder, 0, NULL, " is run ",
                "\"$TESSERA\" run $(ls out/runs/*/run.json | head -1) -o other -s model.width=4");
    write_text(folder, "no.json", "{}");
    command_gives(folder, 2, NULL, "no.json: expected a run's record", "run no.json");
    write_text(folder, "no.json", "{");
    command_gives(folder, 2, NULL, "no.json:1: not a whole run.json", "run no.json");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growing");
    TCase *tests = tcase_create("tessera run");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_second_key_values_and_replicates_take_up_what_is_done);
    tcase_add_test(tests, a_folder_is_continued);
    tcase_add_test(tests, one_run_is_repeated_by_its_record);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
