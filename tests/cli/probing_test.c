/* What probes are given in real runs: inputs, labels, columns, whole and previous codes, other probes to run.
 */
#include "command.h"

#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* The cell of row `row` (0: the first run's first snapshot) in the column of this name. */
static double cell(const char *csv, size_t row, const char *name)
{
    char *text = strdup(csv), *rest = text, *line = strsep(&rest, "\n"), *word;
    size_t column = 0, at = 0;
    for (at = 0; (word = strsep(&line, ",")) && strcmp(word, name); at++)
        continue;
    ck_assert_msg(word, "no column %s", name);
    column = at;
    for (size_t i = 0; i <= row; i++)
        line = strsep(&rest, "\n");
    ck_assert_ptr_nonnull(line);
    for (at = 0; at <= column; at++)
        word = strsep(&line, ",");
    double value = strtod(word, NULL);
    free(text);
    return value;
}

#define MODULE "%s/tests/cli/fixtures/probes/.libs/sees.so"

static void write_study(const char *training, const char *probes)
{
    static char text[4096], path[1024];
    snprintf(path, sizeof(path), MODULE, test_build());
    snprintf(text, sizeof(text),
             "name = \"seen\";\ndataset = { plugin = \"digits\"; };\n"
             "model = { plugin = \"mlp\"; width = 20; depth = 2; };\n"
             "training = { epochs = 2; snapshots = [ 0, 1, 2 ]; %s };\nseed = 7; replicates = 2;\n"
             "probes = ( %s );\n",
             training, probes);
    char *whole = malloc(strlen(text) + 4 * strlen(path)), *at;
    strcpy(whole, text);
    while ((at = strstr(whole, "@"))) {
        char *tail = strdup(at + 1);
        strcpy(stpcpy(at, path), tail);
        free(tail);
    }
    write_text(folder, "study.cfg", whole);
    free(whole);
}

START_TEST(all_that_a_probing_tells_agrees)
{
    write_study("label_noise = 0.25; input_noise = 0.5; holdout = 0.1; subtract_mean = true;"
                " augment = { shift = 0.2; };",
                "{ plugin = \"@:sees\"; }, { plugin = \"@:sees\"; label = \"one\"; layers = [ 1 ]; },"
                "{ plugin = \"@:sees\"; label = \"few\"; projection = 9; }");
    command_gives(folder, 0, "results in out", NULL, "run study.cfg -q -o out");
    char *csv = read_text(folder, "out/results.csv");
    for (size_t row = 0; row < 6; row++) {
        ck_assert_double_eq(cell(csv, row, "sees.epoch"), (double)(row % 3));
        ck_assert_double_eq(cell(csv, row, "sees.replicate"), (double)(row / 3));
        ck_assert_double_eq(cell(csv, row, "sees.seed"), 7 + (double)(row / 3));
        ck_assert_double_eq(cell(csv, row, "sees.bits") + cell(csv, row, "sees.constant"),
                            cell(csv, row, "sees.units"));
        ck_assert_double_eq(cell(csv, row, "sees.units"), 40);
        ck_assert_double_le(cell(csv, row, "one.bits"), 20);
        ck_assert_double_eq(cell(csv, row, "few.projected_bits"), 9);
        ck_assert_double_eq(cell(csv, row, "sees.previous_epoch"), (double)(row % 3) - 1);
        if (row % 3)
            ck_assert_double_eq(cell(csv, row, "sees.previous"), cell(csv, row - 1, "sees.codes"));
        else
            ck_assert_double_eq(cell(csv, row, "sees.previous"), -1);
        ck_assert_double_gt(cell(csv, row, "sees.noisy"), 0.9);
        ck_assert_double_gt(cell(csv, row, "sees.moved"), 0.5);
        ck_assert_double_gt(cell(csv, row, "sees.held_out"), 100);
        ck_assert_double_gt(cell(csv, row, "sees.mislabelled"), 0.15);
    }
    ck_assert_double_ne(cell(csv, 0, "sees.codes"), cell(csv, 1, "sees.codes"));
    free(csv);
}
END_TEST

START_TEST(inputs_are_one_thing_where_nothing_disturbs_them)
{
    write_study("", "{ plugin = \"@:sees\"; }");
    command_gives(folder, 0, "results in out", NULL, "run study.cfg -q -o out");
    char *csv = read_text(folder, "out/results.csv");
    ck_assert_double_eq(cell(csv, 2, "sees.noisy"), 0);
    ck_assert_double_eq(cell(csv, 2, "sees.moved"), 0);
    ck_assert_double_eq(cell(csv, 2, "sees.mislabelled"), 0);
    ck_assert_double_eq(cell(csv, 2, "sees.held_out"), 0);
    free(csv);
}
END_TEST

START_TEST(a_probe_runs_another_on_codes_that_it_made)
{
    write_study("", "{ plugin = \"knn\"; k = 3; },"
                    "{ plugin = \"@:filters\"; step = 1; inner = { plugin = \"knn\"; k = 3; }; },"
                    "{ plugin = \"@:filters\"; label = \"half\"; inner = { plugin = \"knn\"; k = 3; }; },"
                    "{ plugin = \"@:filters\"; label = \"drawn\"; step = 1;"
                    "  inner = { plugin = \"redundancy\"; projection = 5; }; }");
    command_gives(folder, 0, "results in out", NULL, "run study.cfg -q -o out");
    char *csv = read_text(folder, "out/results.csv");
    for (size_t row = 0; row < 6; row++) {
        ck_assert_double_eq(cell(csv, row, "filters.kept.test"), cell(csv, row, "knn.test"));
        ck_assert_double_eq(cell(csv, row, "half.bits"), ceil(cell(csv, row, "filters.bits") / 2));
        ck_assert_double_eq(cell(csv, row, "drawn.kept.projection"), 5);
        ck_assert_double_gt(cell(csv, row, "drawn.kept.projected_train"), 0.5);
    }
    free(csv);
}
END_TEST

START_TEST(a_probe_that_another_runs_fails_with_both_names)
{
    write_study("", "{ plugin = \"@:filters\"; inner = { plugin = \"knn\"; layers = [ 5 ]; }; }");
    command_gives(folder, 3, NULL, "after epoch 0: probe filters: knn: no layer 5",
                  "run study.cfg -q -o out");
}
END_TEST

START_TEST(a_probe_that_fails_costs_neither_the_model_nor_other_metrics)
{
    write_study("", "{ plugin = \"knn\"; k = 3; },"
                    "{ plugin = \"@:filters\"; inner = { plugin = \"knn\"; layers = [ 5 ]; }; },"
                    "{ plugin = \"redundancy\"; }");
    command_gives(folder, 3, NULL, "after epoch 0: probe filters: knn: no layer 5",
                  "run study.cfg -q -o out -s output.save_model=true");
    char *csv = read_text(folder, "out/results.csv");
    for (size_t row = 0; row < 6; row++) {
        ck_assert_double_gt(cell(csv, row, "knn.test"), 0);
        ck_assert_double_gt(cell(csv, row, "redundancy.train"), -1);
        ck_assert_double_gt(cell(csv, row, "model.accuracy.test"), 0);
    }
    ck_assert_ptr_null(strstr(csv, "filters."));
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 2);
    free(csv);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probing");
    TCase *tests = tcase_create("probing");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, all_that_a_probing_tells_agrees);
    tcase_add_test(tests, inputs_are_one_thing_where_nothing_disturbs_them);
    tcase_add_test(tests, a_probe_runs_another_on_codes_that_it_made);
    tcase_add_test(tests, a_probe_that_another_runs_fails_with_both_names);
    tcase_add_test(tests, a_probe_that_fails_costs_neither_the_model_nor_other_metrics);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
