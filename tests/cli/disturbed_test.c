/* Keys that choose and disturb what trains, as a user meets them: what is refused and where, that runs follow
   from them, and that results from before such a key are still those of a config without it. */
#include "command.h"

#include "base/text.h"
#include "support.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static const struct {
    const char *config, *message;
} refused[] = {
    { "training = {\n label_noise_kind = \"shuffle\"; };",
      "bad.cfg:4: training.label_noise_kind = \"shuffle\": expected one of \"redraw\", \"permute\"" },
    { "probes = ( { plugin = \"redundancy\";\n unit_share = 0.0; } );",
      "bad.cfg:4: probes.0.unit_share = 0.0: expected" },
    { "probes = ( { plugin = \"redundancy\";\n unit_share = 1.5; } );",
      "bad.cfg:4: probes.0.unit_share = 1.5: expected" },
    { "probes = ( { plugin = \"redundancy\"; unit_share = 0.5; random = 10; } );",
      "bad.cfg:3: probe redundancy: random inputs, for which 'random' asks, are of whole layers" },
    { "training = {\n instance_noise = 1.5; };", "bad.cfg:4: training.instance_noise = 1.5: expected" },
    { "training = {\n instance_noise = \"half\"; };",
      "bad.cfg:4: training.instance_noise = \"half\": expected" },
    { "training = {\n samples_at = \"last\"; };",
      "bad.cfg:4: training.samples_at = \"last\": expected one of \"first\", \"spread\"" },
    { "training = {\n instance_nois = 0.5; };", "did you mean 'instance_noise'?" },
};

START_TEST(what_cannot_be_is_refused_at_its_line)
{
    char *text =
        tsr_format("dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; width = 4; };\n%s\n",
                   refused[_i].config);
    write_text(folder, "bad.cfg", text);
    command_gives(folder, 2, NULL, refused[_i].message, "check bad.cfg");
    free(text);
}
END_TEST

static const struct {
    const char *dataset, *message;
} unkept[] = {
    { "class_count = 1;", "bad.cfg:2: dataset digits: class_count is 1, expected 2 to the 10 classes" },
    { "only_classes = [ 1, 12 ];",
      "bad.cfg:2: dataset digits: only_classes names class 12, expected 0 to 9" },
    { "only_classes = [ 1, -2 ];", "bad.cfg:2: dataset.only_classes" },
};

START_TEST(classes_that_cannot_be_kept_are_refused_at_the_dataset)
{
    char *text =
        tsr_format("model = { plugin = \"mlp\"; width = 4; };\ndataset = { plugin = \"digits\"; %s };\n",
                   unkept[_i].dataset);
    write_text(folder, "bad.cfg", text);
    command_gives(folder, 2, NULL, unkept[_i].message, "check bad.cfg");
    free(text);
}
END_TEST

#define SMALL                                                                                                \
    "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; width = 4; };\n"                       \
    "training = { epochs = 1; samples = 100; label_noise = 0.5; };\nprobes = ( \"redundancy\" );\n"

START_TEST(each_key_makes_another_run_and_its_default_does_not)
{
    static const char *const defaults[] = { "training.label_noise_kind=redraw", "training.instance_noise=0",
                                            "training.samples_at=first",        "dataset.class_count=0",
                                            "dataset.only_classes=[]",          "probes.0.unit_share=1" };
    static const char *const others[] = { "training.label_noise_kind=permute", "training.instance_noise=0.5",
                                          "training.samples_at=spread",        "dataset.class_count=5",
                                          "dataset.only_classes=[1,2]",        "probes.0.unit_share=0.5" };
    write_text(folder, "small.cfg", SMALL);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out");
    for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
        command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out -s '%s'",
                      defaults[i]);
    char *results = read_text(folder, "out/results.csv");
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o other%zu -s '%s'", i, others[i]);
        char *name = tsr_format("other%zu/results.csv", i), *other = read_text(folder, name);
        ck_assert_str_ne(results, other);
        free(name);
        free(other);
    }
    free(results);
}
END_TEST

/* Takes the keys out of the record of the only run. */
static void forget_keys(void)
{
    static const char *const keys[][2] = { { "training", "label_noise_kind" },
                                           { "training", "instance_noise" },
                                           { "training", "samples_at" },
                                           { "dataset", "class_count" },
                                           { "dataset", "only_classes" } };
    char *path = only_file(folder, "out/runs/*/run.json");
    json_t *record = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(record);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        ck_assert_int_eq(
            json_object_del(json_object_get(json_object_get(record, "config"), keys[i][0]), keys[i][1]), 0);
    json_t *probes = json_object_get(json_object_get(record, "config"), "probes");
    ck_assert_int_eq(json_object_del(json_array_get(probes, 0), "unit_share"), 0);
    ck_assert_int_eq(json_dump_file(record, path, JSON_INDENT(1)), 0);
    json_decref(record);
    free(path);
}

/* A folder that an earlier program has left names no such key. */
START_TEST(results_from_before_a_key_are_those_of_its_default)
{
    write_text(folder, "small.cfg", SMALL);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out");
    forget_keys();
    shell_gives(
        folder, 0, NULL, NULL,
        "sed -i "
        "'/label_noise_kind\\|instance_noise\\|samples_at\\|class_count\\|only_classes\\|unit_share/d' "
        "out/config.cfg && ! grep -q samples_at out/config.cfg out/runs/*/run.json");
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out");
    shell_gives(folder, 0, NULL, NULL, "grep -q 'samples_at' out/config.cfg"); /* the folder's is of today */
    command_gives(folder, 2, NULL, "training.samples_at is \"first\" there and \"spread\" here",
                  "run small.cfg -o out -s training.samples_at=spread");
}
END_TEST

START_TEST(what_a_share_of_units_gives_is_named_so_and_described)
{
    write_text(folder, "small.cfg", SMALL);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out -s %s",
                  "'probes=({plugin=\"redundancy\"; unit_share=0.5;})'");
    char *csv = read_text(folder, "out/results.csv");
    ck_assert(strstr(csv, ",redundancy.pruned,redundancy.pruned_train,redundancy.pruned_test"));
    free(csv);
    char *path = only_file(folder, "out/runs/*/run.json");
    json_t *record = json_load_file(path, 0, NULL);
    const json_t *said = json_object_get(record, "metrics");
    ck_assert(json_object_get(said, "redundancy.pruned") && json_object_get(said, "redundancy.pruned_test"));
    json_decref(record);
    free(path);
}
END_TEST

START_TEST(a_study_sweeps_over_the_number_of_classes)
{
    write_text(folder, "small.cfg", SMALL);
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -q -o out -s 'sweep=({key=\"dataset.class_count\"; values=[2, 10];})'");
    char *csv = read_text(folder, "out/results.csv");
    ck_assert(strstr(csv, ",dataset.class_count,") && strstr(csv, ",1,2,1,") && strstr(csv, ",1,10,1,"));
    free(csv);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disturbed");
    TCase *tests = tcase_create("disturbed");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, what_cannot_be_is_refused_at_its_line, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_loop_test(tests, classes_that_cannot_be_kept_are_refused_at_the_dataset, 0,
                        sizeof(unkept) / sizeof(unkept[0]));
    tcase_add_test(tests, each_key_makes_another_run_and_its_default_does_not);
    tcase_add_test(tests, results_from_before_a_key_are_those_of_its_default);
    tcase_add_test(tests, what_a_share_of_units_gives_is_named_so_and_described);
    tcase_add_test(tests, a_study_sweeps_over_the_number_of_classes);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
