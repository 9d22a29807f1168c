/* tessera verify finds what is not what the runs give, and changes nothing. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    command_gives(folder, 0, NULL, NULL,
                  "run '%s/configs/digits.cfg' -q -o out -s training.epochs=2 -s 'training.snapshots=[1]' "
                  "-s 'probes=(\"redundancy\")' -s 'sweep=({key=\"model.width\";values=[3,5,7];})'",
                  test_source());
}

static void teardown(void)
{
    test_folder_remove(folder);
}

START_TEST(runs_that_give_what_they_gave_are_the_same_and_the_folder_stays)
{
    shell_gives(folder, 0, NULL, NULL, "cp -a out before");
    command_gives(folder, 0, "out: 2 of 3 finished runs were done again: 2 the same, 0 differ", NULL,
                  "verify out --sample 2");
    command_gives(folder, 0, "out: 3 of 3 finished runs were done again: 3 the same, 0 differ", NULL,
                  "verify out --sample 0");
    shell_gives(folder, 0, NULL, NULL, "diff -r before out");
}
END_TEST

START_TEST(a_record_says_what_the_program_was_built_from)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "revision=$(\"$TESSERA\" --version | sed -n 's/^revision \\([^,]*\\),.*/\\1/p') && [ -n "
        "\"$revision\" ] &&\n"
        "for r in out/runs/*/run.json; do\n"
        "    grep -qF \"\\\"revision\\\": \\\"$revision\\\"\" $r && grep -q '\"compiler\": \"[gc]' $r &&\n"
        "        grep -q '\"flags\": \"' $r || exit 9\n"
        "done");
}
END_TEST

START_TEST(what_a_probe_has_added_is_not_missed)
{
    command_gives(folder, 0, NULL, NULL, "probe out -s 'probes=({plugin=\"kmeans\";k=4;restarts=1;})'");
    command_gives(folder, 0, "1 the same, 0 differ", NULL, "verify out --sample 1");
}
END_TEST

/* What is changed in the first run, and what is said of it. */
static const struct {
    const char *change, *said;
} changes[] = {
    { "sed -i 's/\"redundancy.train\": 0/\"redundancy.train\": 9/' $1/run.json",
      "redundancy.train after epoch 1 was 9" },
    { "sed -i '0,/\"loss\": [0-9][0-9.]*/s//\"loss\": 7.5/' $1/run.json",
      "the training's loss after epoch 1 was 7.5 and is " },
    { "printf '\\377' | dd of=$1/model.safetensors bs=1 conv=notrunc seek=$(($(stat -c %s "
      "$1/model.safetensors) - 1))",
      "model.safetensors holds other arrays" },
    { "printf '\\377' | dd of=$1/codes/test.npy bs=1 conv=notrunc seek=$(($(stat -c %s $1/codes/test.npy) - "
      "1))",
      "codes/test.npy holds other arrays" },
};

START_TEST(what_differs_is_named)
{
    shell_gives(folder, 0, NULL, NULL, "cd out/runs && for run in *; do set -- $run; %s; done",
                changes[_i].change);
    command_gives(folder, 3, changes[_i].said, NULL, "verify out --sample 1");
}
END_TEST

START_TEST(what_may_explain_a_difference_is_named)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "sed -i 's/\"redundancy.train\": 0/\"redundancy.train\": 9/; s/\"flags\": \"/\"flags\": \"-Ofast /' "
        "out/runs/*/run.json");
    command_gives(folder, 3, "(flags was -Ofast ", NULL, "verify out --sample 1");
}
END_TEST

START_TEST(what_cannot_be_verified_is_refused)
{
    command_gives(folder, 1, NULL, "expected one DIR", "verify");
    command_gives(folder, 1, NULL, "expected a number of runs", "verify out --sample many");
    command_gives(folder, 2, NULL, "nowhere/config.cfg", "verify nowhere");
    shell_gives(folder, 0, NULL, NULL, "rm -r out/runs");
    command_gives(folder, 2, NULL, "no run is done", "verify out");
}
END_TEST

START_TEST(records_that_say_nothing_or_no_longer_fit_are_failures)
{
    shell_gives(folder, 0, NULL, NULL, "cd out/runs && set -- * && echo '{' >$1/run.json");
    command_gives(folder, 3, "is damaged: ", NULL, "verify out --sample 1");
    command_gives(folder, 3, "out: 1 damaged record: 'tessera run out' does such runs again", NULL,
                  "verify out --sample 0");
    command_gives(folder, 0, NULL, NULL, "run out -q");
    shell_gives(folder, 0, NULL, NULL,
                "cd out/runs && set -- * && sed -i 's/\"depth\": 1/\"depth\": 2/' $1/run.json");
    command_gives(folder, 3, "its config is that of run ", NULL, "verify out --sample 1");
    command_gives(folder, 0, NULL, NULL, "run out -q");
    shell_gives(folder, 0, NULL, NULL,
                "cd out/runs && set -- * && cp -r $1 0000000000000000 && sed -i \"s/$1/0000000000000000/\" "
                "0000000000000000/run.json");
    command_gives(folder, 3, "run 0000000000000000 is damaged: ", NULL, "verify out --sample 1");
}
END_TEST

START_TEST(an_interrupt_ends_the_run_that_is_done_again)
{
    char *config =
        tsr_format("plugin_path = [ \"%s/tests/cli/fixtures\" ];\n"
                   "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; width = 3; };\n"
                   "training = { epochs = 1; };\nprobes = ( { plugin = \"misbehaves\"; } );\n",
                   test_build());
    write_text(folder, "slow.cfg", config);
    free(config);
    command_gives(folder, 0, NULL, NULL, "run slow.cfg -q -o slow");
    shell_gives(
        folder, 130, NULL, "interrupted; 0 of 1 runs were done again",
        "mkdir tmp; TMPDIR=$PWD/tmp TESSERA_MISBEHAVE=hang env --default-signal=INT \"$TESSERA\" verify slow "
        "& sleep 2; kill -INT $!; wait $!");
    ck_assert_uint_eq(count_files(folder, "tmp/*"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *tests = tcase_create("tessera verify");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, runs_that_give_what_they_gave_are_the_same_and_the_folder_stays);
    tcase_add_test(tests, a_record_says_what_the_program_was_built_from);
    tcase_add_test(tests, what_a_probe_has_added_is_not_missed);
    tcase_add_loop_test(tests, what_differs_is_named, 0, sizeof(changes) / sizeof(*changes));
    tcase_add_test(tests, what_may_explain_a_difference_is_named);
    tcase_add_test(tests, what_cannot_be_verified_is_refused);
    tcase_add_test(tests, records_that_say_nothing_or_no_longer_fit_are_failures);
    tcase_add_test(tests, an_interrupt_ends_the_run_that_is_done_again);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
