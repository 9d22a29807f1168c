/* Models that begin with a file's weights, from outside: PyTorch's give PyTorch's numbers, ours give again
   what they gave, and where the config and the file disagree that is said. The fixtures are networks that
   PyTorch trained on 120 images of 4 x 4, with its own defaults. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */
#define PYTORCH "tests/cli/fixtures/pytorch"

static char *folder;

/* A network on the digits of which the last epochs matter less than that they are few. */
static const char digits[] = "dataset = { plugin = \"digits\"; };\n"
                             "model = { plugin = \"mlp\"; width = 12; };\n"
                             "training = { epochs = 2; snapshots = [ 0, 1 ]; };\n"
                             "probes = ( \"redundancy\" );\n"
                             "output = { save_model = true; save_codes = true; };\n";

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "digits.cfg", digits);
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* The record of the only run of a results folder; json_decref it. */
static json_t *record_of(const char *results)
{
    char *pattern = tsr_format("%s/runs/*/run.json", results), *path = only_file(folder, pattern);
    json_t *record = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(record);
    free(pattern);
    free(path);
    return record;
}

/* A metric of its last snapshot. */
static double metric_of(const char *results, const char *metric)
{
    json_t *record = record_of(results), *snapshots = json_object_get(record, "snapshots");
    json_t *last = json_array_get(snapshots, json_array_size(snapshots) - 1);
    json_t *value = json_object_get(json_object_get(last, "metrics"), metric);
    ck_assert_msg(json_is_number(value), "no %s in %s", metric, results);
    double number = json_number_value(value);
    json_decref(record);
    return number;
}

/* What its config has under a key of a group. */
static double setting_of(const char *results, const char *group, const char *key)
{
    json_t *record = record_of(results);
    json_t *value = json_object_get(json_object_get(json_object_get(record, "config"), group), key);
    ck_assert_msg(value != NULL, "no %s.%s in %s", group, key, results);
    double number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
    json_decref(record);
    return number;
}

/* Trains on the digits with these settings and puts the model into the folder under this name. */
static void train(const char *name, const char *settings)
{
    command_gives(folder, 0, NULL, NULL, "run digits.cfg -q -o made-%s %s", name, settings);
    shell_gives(folder, 0, NULL, NULL, "cp made-%s/runs/*/model.safetensors %s", name, name);
}

/* The same last test metrics and test codes. */
static void same_network(const char *a, const char *b)
{
    ck_assert_double_eq(metric_of(a, "model.accuracy.test"), metric_of(b, "model.accuracy.test"));
    shell_gives(folder, 0, NULL, NULL, "cmp %s/runs/*/codes/test.npy %s/runs/*/codes/test.npy", a, b);
}

#define AGAIN "run digits.cfg -s training.epochs=0 "

/* PyTorch's. */

static bool has_idx(void)
{
    char *path = tsr_path_join(test_build(), "plugins/datasets/idx.la");
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void write_pytorch_config(void)
{
    char *text = tsr_format("dataset = { plugin = \"idx\"; path = \"%s/" PYTORCH "\"; };\n"
                            "model = { plugin = \"mlp\"; width = 8; depth = 2;\n"
                            "          weights = \"%s/" PYTORCH "/two-layers.safetensors\"; };\n"
                            "probes = ( \"redundancy\" );\n",
                            test_source(), test_source());
    write_text(folder, "two.cfg", text);
    free(text);
}

START_TEST(pytorchs_weights_give_pytorchs_numbers)
{
    if (!has_idx())
        return;
    write_pytorch_config();
    command_gives(
        folder, 0, NULL,
        "two-layers.safetensors: the file does not say its network's constants, and PyTorch's defaults "
        "are assumed: epsilon = 1e-05 (model.epsilon)",
        "run two.cfg -q -s training.epochs=0 -o two");
    ck_assert_double_eq_tol(metric_of("two", "model.loss.train"), 0.83735, 0.000005);
    ck_assert_double_eq_tol(metric_of("two", "model.accuracy.train"), 71 / 120.0, 1e-9);
    ck_assert_double_eq(setting_of("two", "model", "epsilon"), 1e-5);
    ck_assert_double_eq(setting_of("two", "model", "momentum"), 0.9);
    command_gives(folder, 0, NULL, NULL,
                  "run two.cfg -q -s training.epochs=0 -o one -s model.depth=1 -s "
                  "model.weights=%s/" PYTORCH "/one-layer.safetensors",
                  test_source());
    ck_assert_double_eq_tol(metric_of("one", "model.loss.train"), 0.75940, 0.000005);
}
END_TEST

START_TEST(an_epsilon_that_is_given_holds_for_pytorchs_weights_and_nothing_is_assumed)
{
    if (!has_idx())
        return;
    write_pytorch_config();
    command_result given =
        command(folder, "run two.cfg -q -s training.epochs=0 -o given -s model.epsilon=1e-5");
    ck_assert_msg(given.status == 0 && !strstr(given.err, "assumed"), "%s", given.err);
    command_free(&given);
    ck_assert_double_eq_tol(metric_of("given", "model.loss.train"), 0.83735, 0.000005);
    /* The run is the one in which the same value was assumed, and its config names it again. */
    command_gives(folder, 0, NULL, NULL, "run two.cfg -q -s training.epochs=0 -o assumed");
    shell_gives(folder, 0, NULL, NULL, "test \"$(ls given/runs)\" = \"$(ls assumed/runs)\"");
    command_result again = command(folder, "run assumed/config.cfg -q -o again");
    ck_assert_msg(again.status == 0 && !strstr(again.err, "warning"), "%s", again.err);
    command_free(&again);
    shell_gives(folder, 0, NULL, NULL, "test \"$(ls again/runs)\" = \"$(ls assumed/runs)\"");
    command_gives(
        folder, 0, NULL,
        "the file does not say its network's epsilon: model.epsilon = 0.001 is given and used; PyTorch's "
        "default is 1e-05",
        "run two.cfg -s training.epochs=0 -o other -s model.epsilon=1e-3");
    ck_assert_double_eq_tol(metric_of("other", "model.loss.train"), 0.8857, 0.0001);
}
END_TEST

/* Ours. */

START_TEST(constants_that_a_model_was_saved_with_are_used_again_and_recorded)
{
    train("m.st", "-s model.epsilon=0.5 -s model.momentum=0.25");
    command_gives(folder, 0, NULL, "m.st: epsilon = 0.5 is taken from the file, instead of the default 0.001",
                  AGAIN "-o again -s model.weights=m.st");
    same_network("made-m.st", "again");
    ck_assert_double_eq(setting_of("again", "model", "epsilon"), 0.5);
    ck_assert_double_eq(setting_of("again", "model", "momentum"), 0.25);
    json_t *record = record_of("again");
    json_t *constants = json_object_get(json_object_get(record, "model"), "constants");
    ck_assert_double_eq(json_real_value(json_object_get(constants, "norm.0.epsilon")), 0.5);
    json_decref(record);
    /* What is saved again has them too. */
    shell_gives(folder, 0, NULL, NULL, "cp again/runs/*/model.safetensors n.st");
    command_gives(folder, 0, NULL, NULL, AGAIN "-q -o third -s model.weights=n.st");
    same_network("made-m.st", "third");
}
END_TEST

START_TEST(a_constant_that_is_given_overrides_the_files_with_a_warning)
{
    train("m.st", "");
    command_gives(folder, 0, NULL,
                  "m.st: the network was saved with epsilon = 0.001, but model.epsilon = 2 is given and used",
                  AGAIN "-q -o given -s model.weights=m.st -s model.epsilon=2");
    ck_assert_double_eq(setting_of("given", "model", "epsilon"), 2);
    ck_assert_double_ne(metric_of("given", "model.loss.train"), metric_of("made-m.st", "model.loss.train"));
    command_result same = command(folder, AGAIN "-o same -s model.weights=m.st -s model.epsilon=0.001");
    ck_assert_msg(same.status == 0 && !strstr(same.err, "m.st:"), "%s", same.err);
    command_free(&same);
}
END_TEST

START_TEST(files_that_have_different_constants_can_be_swept_and_the_config_gives_them_again)
{
    train("a.st", "");
    train("b.st", "-s model.epsilon=0.5");
    command_gives(folder, 0, NULL, NULL,
                  AGAIN
                  "-q -o swept -s 'sweep=({key=\"model.weights\"; values=[\"%s/a.st\", \"%s/b.st\"];})'",
                  folder, folder);
    shell_gives(folder, 1, NULL, NULL, "grep 'epsilon = 0.[05]' swept/config.cfg");
    command_gives(folder, 0, NULL, NULL, "run swept/config.cfg -q -o swept");
    command_gives(folder, 0, NULL, NULL, "run swept/config.cfg -q -o anew");
    shell_gives(folder, 0, "2", NULL, "ls swept/runs | wc -l");
    same_files(folder, "swept/results.csv", "anew/results.csv");
}
END_TEST

START_TEST(the_mean_input_is_the_files_whatever_samples_there_are)
{
    train("m.st", "-s training.subtract_mean=true -s training.samples=300 -s model.depth=2");
    static const char *const samples[] = { "0", "100", "500" };
    for (size_t i = 0; i < 3; i++) {
        char *out = tsr_format("with-%s", samples[i]);
        command_gives(folder, 0, NULL, NULL,
                      AGAIN "-q -o %s -s model.depth=2 -s model.weights=m.st -s training.samples=%s "
                            "-s training.subtract_mean=true",
                      out, samples[i]);
        ck_assert_double_eq(metric_of(out, "model.accuracy.test"),
                            metric_of("made-m.st", "model.accuracy.test"));
        same_network("with-0", out);
        free(out);
    }
}
END_TEST

START_TEST(a_mean_in_the_file_is_part_of_the_network_whatever_the_config_says)
{
    train("m.st", "-s training.subtract_mean=true");
    command_gives(folder, 0, NULL, "m.st: its tensor input.mean is subtracted from inputs",
                  AGAIN "-o unsaid -s model.weights=m.st");
    same_network("made-m.st", "unsaid");
    ck_assert_double_eq(setting_of("unsaid", "training", "subtract_mean"), 1);
    command_gives(folder, 0, NULL,
                  "subtracted from inputs, as the network was trained, though "
                  "training.subtract_mean = false",
                  AGAIN "-q -o against -s model.weights=m.st -s training.subtract_mean=false");
    same_network("made-m.st", "against");
    /* Training goes on with it, and it is saved again. */
    command_gives(folder, 0, NULL, NULL,
                  "run digits.cfg -q -o on -s model.weights=m.st -s training.samples=90");
    shell_gives(folder, 0, NULL, NULL, "cp on/runs/*/model.safetensors on.st");
    command_gives(folder, 0, NULL, NULL, AGAIN "-q -o on-again -s model.weights=on.st");
    same_network("on", "on-again");
}
END_TEST

START_TEST(a_mean_that_the_file_lacks_is_taken_of_the_examples_with_a_warning)
{
    train("m.st", "");
    command_gives(folder, 0, NULL, "m.st: has no tensor input.mean; the mean of this run's training examples",
                  AGAIN "-q -o out -s model.weights=m.st -s training.subtract_mean=true");
}
END_TEST

START_TEST(another_activation_than_the_files_is_said)
{
    train("m.st", "-s 'model.activation={plugin=\"leaky_relu\"; slope=0.25;}'");
    command_gives(
        folder, 0, NULL,
        "m.st: its network was configured otherwise and may have given other outputs: activation is "
        "leaky_relu(slope=0.25) there and relu here",
        AGAIN "-q -o out -s model.weights=m.st");
    command_gives(folder, 0, NULL,
                  "activation is leaky_relu(slope=0.25) there and leaky_relu(slope=0.5) here",
                  AGAIN "-q -o slope -s model.weights=m.st "
                        "-s 'model.activation={plugin=\"leaky_relu\"; slope=0.5;}'");
    command_result same = command(folder, AGAIN "-o same -s model.weights=m.st "
                                                "-s 'model.activation={plugin=\"leaky_relu\"; slope=0.25;}'");
    ck_assert_msg(same.status == 0 && !strstr(same.err, "m.st:"), "%s", same.err);
    command_free(&same);
    same_network("made-m.st", "same");
}
END_TEST

START_TEST(what_an_activation_has_learned_is_saved)
{
    train("m.st", "-s model.activation.plugin=prelu");
    command_gives(folder, 0, NULL, NULL,
                  AGAIN "-q -o again -s model.activation.plugin=prelu -s model.weights=m.st");
    same_network("made-m.st", "again");
}
END_TEST

/* Snapshots. */

START_TEST(a_training_that_is_cut_short_leaves_out_the_snapshots_after_it)
{
    command_gives(folder, 0, NULL,
                  "training.snapshots: those after the last epoch, training.epochs = 0, are left out",
                  "run %s/configs/digits.cfg -o short -s training.epochs=0", test_source());
    json_t *record = record_of("short");
    ck_assert_uint_eq(json_array_size(json_object_get(record, "snapshots")), 1);
    json_decref(record);
    /* The same run as one whose config has the snapshots that are left. */
    command_gives(folder, 0, NULL, NULL, "run digits.cfg -q -o cut -s training.epochs=0");
    command_gives(folder, 0, NULL, NULL,
                  "run digits.cfg -q -o said -s training.epochs=0 -s 'training.snapshots=[0]'");
    shell_gives(folder, 0, NULL, NULL, "test \"$(ls cut/runs)\" = \"$(ls said/runs)\"");
}
END_TEST

START_TEST(snapshots_after_the_last_epoch_are_refused_where_both_are_written_together)
{
    write_text(folder, "both.cfg",
               "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
               "training = { epochs = 2; snapshots = [ 0, 3 ]; };\n");
    command_gives(folder, 2, NULL, "both.cfg:3: training.snapshots: epoch 3 is after the last one",
                  "run both.cfg -o out");
    command_gives(folder, 2, NULL, "training.snapshots: epoch 7 is after the last one",
                  "run digits.cfg -o out -s training.epochs=2 -s 'training.snapshots=[7]'");
}
END_TEST

START_TEST(swept_epochs_keep_the_snapshots_that_each_point_has_left)
{
    command_gives(folder, 0, NULL, NULL,
                  "run digits.cfg -q -o out -s 'sweep=({key=\"training.epochs\"; values=[0, 2];})'");
    shell_gives(folder, 0, "5", NULL, "wc -l < out/results.csv"); /* a header, 0; 0, 1, 2 */
    command_gives(folder, 0, NULL, NULL, "run out/config.cfg -q -o again");
    same_files(folder, "out/results.csv", "again/results.csv");
}
END_TEST

START_TEST(a_file_of_another_format_is_refused_with_what_to_do)
{
    shell_gives(folder, 0, NULL, NULL,
                "printf 'PK\\003\\004\\000\\000\\010\\010\\000\\000\\000\\000' > m.pt");
    command_gives(
        folder, 2, NULL,
        "m.pt: a PyTorch file (a zip archive, as torch.save writes it), expected a safetensors file; save "
        "it as one, in PyTorch by safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")",
        "run digits.cfg -o out -s model.weights=m.pt");
    ck_assert_uint_eq(count_files(folder, "out"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weights");
    TCase *tests = tcase_create("weights");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, pytorchs_weights_give_pytorchs_numbers);
    tcase_add_test(tests, an_epsilon_that_is_given_holds_for_pytorchs_weights_and_nothing_is_assumed);
    tcase_add_test(tests, constants_that_a_model_was_saved_with_are_used_again_and_recorded);
    tcase_add_test(tests, a_constant_that_is_given_overrides_the_files_with_a_warning);
    tcase_add_test(tests, files_that_have_different_constants_can_be_swept_and_the_config_gives_them_again);
    tcase_add_test(tests, the_mean_input_is_the_files_whatever_samples_there_are);
    tcase_add_test(tests, a_mean_in_the_file_is_part_of_the_network_whatever_the_config_says);
    tcase_add_test(tests, a_mean_that_the_file_lacks_is_taken_of_the_examples_with_a_warning);
    tcase_add_test(tests, another_activation_than_the_files_is_said);
    tcase_add_test(tests, what_an_activation_has_learned_is_saved);
    tcase_add_test(tests, a_training_that_is_cut_short_leaves_out_the_snapshots_after_it);
    tcase_add_test(tests, snapshots_after_the_last_epoch_are_refused_where_both_are_written_together);
    tcase_add_test(tests, swept_epochs_keep_the_snapshots_that_each_point_has_left);
    tcase_add_test(tests, a_file_of_another_format_is_refused_with_what_to_do);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
