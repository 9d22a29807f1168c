/* Sweeps over what is no number: plugins, whole groups, lists of groups; and the time that a study will take.
 */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_text(
        folder, "base.cfg",
        "dataset = { plugin = \"digits\"; };\n"
        "model = { plugin = \"mlp\"; width = 8; activation = { plugin = \"prelu\"; initial = 0.1; }; };\n"
        "training = { epochs = 1; };\n"
        "regularizers = ( { plugin = \"l1\"; weight = 1e-5; } );\n"
        "probes = ( { plugin = \"redundancy\"; }, { plugin = \"knn\"; k = 3; } );\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static void csv_has(const char *name, const char *text)
{
    char *csv = read_text(folder, name);
    ck_assert_msg(strstr(csv, text) != NULL, "'%s' is not in %s", text, csv);
    free(csv);
}

/* What is swept gives what the same thing written in the config gives. */
static void same_as_written(const char *results, const char *label, const char *setting)
{
    command_gives(folder, 0, NULL, NULL, "run base.cfg -o written --fresh -s '%s'", setting);
    char *line = tsr_format("cd '%s' && cut -d, -f1 written/results.csv | tail -n 1 >id && "
                            "grep -F ',%s,' %s/results.csv | cut -d, -f1 | cmp - id",
                            folder, label, results);
    ck_assert_msg(system(line) == 0, "%s is not the run of %s", label, setting);
    free(line);
}

START_TEST(an_activation_is_swept_as_a_whole)
{
    command_gives(folder, 0, "leaky_relu(slope=0.1)", NULL, "%s",
                  "run base.cfg -o out -s 'sweep=({key=\"model.activation\"; values=({plugin=\"relu\";}, "
                  "{plugin=\"leaky_relu\"; slope=0.1;}, \"prelu\");})'");
    csv_has("out/results.csv", "run,replicate,seed,model.activation,epoch,");
    same_as_written("out", "relu", "model.activation={plugin=\"relu\";}");
    same_as_written("out", "leaky_relu(slope=0.1)", "model.activation={plugin=\"leaky_relu\"; slope=0.1;}");
    same_as_written("out", "prelu", "model.activation=\"prelu\"");
}
END_TEST

START_TEST(lists_of_regularizers_are_swept_the_empty_one_too)
{
    command_gives(folder, 0, "l2(weight=0.001) + l1", NULL, "%s",
                  "run base.cfg -o out -s 'sweep=({key=\"regularizers\"; values=((), "
                  "({plugin=\"l2\"; weight=1e-3;}), ({plugin=\"l2\"; weight=1e-3;}, {plugin=\"l1\";}));})'");
    same_as_written("out", "none", "regularizers=()");
    same_as_written("out", "l2(weight=0.001)", "regularizers=({plugin=\"l2\"; weight=1e-3;})");
    same_as_written("out", "l2(weight=0.001) + l1",
                    "regularizers=({plugin=\"l2\"; weight=1e-3;}, {plugin=\"l1\";})");
    command_gives(folder, 0, NULL, "all runs are done already", "run out/config.cfg -o out");
}
END_TEST

START_TEST(any_key_is_swept_a_plugins_name_a_list_the_seed_an_element_of_a_list)
{
    command_gives(
        folder, 0, NULL, NULL, "%s",
        "run base.cfg -o out -s 'sweep=({key=\"training.optimizer.plugin\"; values=[\"adam\",\"sgd\"];}, "
        "{key=\"model.widths\"; values=([3],[5,4]);}, {key=\"seed\"; values=[1,7];}, "
        "{key=\"probes.1.k\"; values=[1];})'");
    csv_has("out/results.csv",
            "run,replicate,seed,training.optimizer.plugin,model.widths,probes.1.k,epoch,"); /* seed once */
    csv_has("out/results.csv", ",0,7,sgd,5 4,1,1,");
    csv_has("out/results.csv", ",0,1,adam,3,1,1,");
}
END_TEST

START_TEST(each_replicate_is_the_run_of_its_own_seed)
{
    command_gives(folder, 0, NULL, NULL, "run base.cfg -o plain -s replicates=2 -s output.save_model=true");
    same_as_written("plain", "1,2", "seed=2");
    command_gives(folder, 0, NULL, NULL, "%s",
                  "run base.cfg -o out -s replicates=2 -s 'sweep=({key=\"seed\"; values=[1,7];})'");
    same_as_written("out", "1,8", "seed=8");
    shell_gives(folder, 0, "\"seed\": 8\n", NULL, "grep -h '\"seed\": 8' out/runs/*/run.json | sed 's/,$//'");
    shell_gives(folder, 0, NULL, NULL, "grep -q '{.\"seed.\":2,' plain/runs/*/model.safetensors");
}
END_TEST

START_TEST(a_bad_value_of_a_swept_group_is_refused_with_its_place)
{
    command_gives(folder, 2, NULL, "(sweep of model.activation): model.activation.slope = \"x\": expected",
                  "%s",
                  "run base.cfg -o out -s 'sweep=({key=\"model.activation\"; values=({plugin=\"relu\";}, "
                  "{plugin=\"leaky_relu\"; slope=\"x\";});})'");
    command_gives(
        folder, 2, NULL, "(sweep of regularizers)", "%s",
        "run base.cfg -o out -s 'sweep=({key=\"regularizers\"; values=((), ({plugin=\"l3\";}));})'");
    ck_assert_uint_eq(count_files(folder, "out"), 0);
}
END_TEST

START_TEST(check_tells_the_runs_and_about_how_long_they_take)
{
    const char *sweep = "-s 'sweep=({key=\"model.activation\"; values=({plugin=\"relu\";}, "
                        "{plugin=\"leaky_relu\"; slope=0.1;});})'";
    command_gives(folder, 0, "seed 1  model.activation = leaky_relu(slope=0.1)\n", NULL, "check base.cfg %s",
                  sweep);
    command_gives(folder, 0, "\n# about ", NULL, "check base.cfg %s", sweep);
    command_gives(folder, 0, " days, ", NULL,
                  "check base.cfg -s training.epochs=1000000 -s replicates=1000 -s training.batch=1");
    command_result quick = command(folder, "check -n base.cfg");
    ck_assert_ptr_null(strstr(quick.out, "about"));
    command_free(&quick);
    ck_assert_uint_eq(count_files(folder, "*"), 1); /* the config */
}
END_TEST

START_TEST(check_says_so_where_a_trial_cannot_tell)
{
    char *text =
        tsr_format("plugin_path = [ \"%s/tests/cli/fixtures\" ];\ndataset = { plugin = \"digits\"; };\n"
                   "model = { plugin = \"mlp\"; width = 8; };\ntraining = { epochs = 1; };\n"
                   "probes = ( { plugin = \"misbehaves\"; } );\n",
                   test_build());
    write_text(folder, "hangs.cfg", text);
    free(text);
    shell_gives(folder, 0, "probing took too long for a trial and is not counted", NULL,
                "TESSERA_MISBEHAVE=hang $TESSERA check hangs.cfg");
    shell_gives(folder, 0, "probing could not be tried", NULL,
                "TESSERA_MISBEHAVE=segfault $TESSERA check hangs.cfg");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *tests = tcase_create("sweep");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, an_activation_is_swept_as_a_whole);
    tcase_add_test(tests, lists_of_regularizers_are_swept_the_empty_one_too);
    tcase_add_test(tests, any_key_is_swept_a_plugins_name_a_list_the_seed_an_element_of_a_list);
    tcase_add_test(tests, each_replicate_is_the_run_of_its_own_seed);
    tcase_add_test(tests, a_bad_value_of_a_swept_group_is_refused_with_its_place);
    tcase_add_test(tests, check_tells_the_runs_and_about_how_long_they_take);
    tcase_add_test(tests, check_says_so_where_a_trial_cannot_tell);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
