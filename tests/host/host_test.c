/* Tessera as a library: what a run gives, a program that is not ours gives too, to the last bit. */
#include "../cli/command.h"
#include "support.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>

static char *folder;
static tsr_host *host;

static void setup(void)
{
    folder = test_folder();
    ck_succeeds(tsr_host_new(NULL, &host));
}

static void teardown(void)
{
    tsr_host_free(host);
    test_folder_remove(folder);
}

static const char study[] =
    "dataset = { plugin = \"digits\"; };\n"
    "model = { plugin = \"mlp\"; width = 30; depth = 2; };\n"
    "training = { epochs = 2; subtract_mean = true; };\n"
    "probes = ( \"redundancy\", { plugin = \"kmeans\"; k = 10; }, { plugin = \"knn\"; k = 9; },"
    " \"logistic_regression\" );\n"
    "output = { save_model = true; save_codes = true; };\n";

/* A finished run of the study; the path of its folder. free() it. */
static char *run_study(const char *settings)
{
    write_text(folder, "study.cfg", study);
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out %s", settings);
    char *path = only_file(folder, "out/runs/*/run.json");
    *strrchr(path, '/') = '\0';
    return path;
}

/* Codes and labels of a part of the digits, by a network. */
typedef struct coded {
    size_t n;
    float *inputs;
    int32_t *labels;
    tsr_codes *codes;
} coded;

static coded encode_digits(tsr_encoder *encoder, tsr_split split)
{
    tsr_instance *digits;
    tsr_data *data;
    ck_succeeds(tsr_host_plugin(host, TSR_DATASET, "digits", NULL, &digits));
    ck_succeeds(tsr_data_open(digits, &data));
    const tsr_dataset_info *info = tsr_data_info(data);
    ck_assert_int_eq(info->classes, 10);
    coded out = { .n = info->n[split] };
    out.inputs = calloc(out.n, tsr_shape_size(info->shape) * sizeof(float));
    out.labels = calloc(out.n, sizeof(*out.labels));
    size_t *index = calloc(out.n, sizeof(*index));
    for (size_t i = 0; i < out.n; i++)
        index[i] = i;
    ck_succeeds(tsr_data_read(data, split, out.n, index, out.inputs, out.labels));
    index[0] = out.n;
    ck_fails(tsr_data_read(data, split, 1, index, out.inputs, NULL), TSR_REFUSED, "is asked for");
    ck_succeeds(tsr_encoder_encode(encoder, out.n, out.inputs, &out.codes));
    free(index);
    tsr_data_close(data);
    tsr_instance_free(digits);
    return out;
}

static void coded_clear(coded *c)
{
    free(c->inputs);
    free(c->labels);
    tsr_codes_free(c->codes);
}

/* The cell of the only row. */
static double result(const tsr_table *table, const char *name)
{
    for (size_t i = 0; i < tsr_table_n_columns(table); i++)
        if (strcmp(tsr_table_name(table, i), name) == 0) {
            double value;
            ck_assert_uint_eq(tsr_table_n_rows(table), 1);
            ck_assert(tsr_table_numbers(table, i, &value));
            return value;
        }
    ck_abort_msg("no %s", name);
}

/* Every metric of the probe is the run's. */
static void check_probe(const char *name, const char *settings, const tsr_probe_input *input,
                        const tsr_table *table)
{
    tsr_instance *probe;
    tsr_metrics *metrics;
    ck_succeeds(tsr_host_plugin(host, TSR_PROBE, name, settings, &probe));
    ck_succeeds(tsr_host_probe(probe, input, &metrics));
    ck_assert_uint_gt(tsr_metrics_count(metrics), 0);
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value metric = tsr_metrics_get(metrics, i);
        char *full = tsr_format("%s.%s", tsr_metrics_label(metrics), metric.name);
        double expected = result(table, full);
        ck_assert_msg(metric.value == expected, "%s: %.17g, expected %.17g", full, metric.value, expected);
        free(full);
    }
    tsr_metrics_free(metrics);
    tsr_instance_free(probe);
}

START_TEST(a_saved_network_encodes_and_probes_measure_as_in_its_run)
{
    char *path = run_study("-s seed=5");
    tsr_encoder *encoder;
    tsr_table *table;
    char *results = tsr_format("%s/out", folder);
    ck_succeeds(tsr_encoder_open(host, path, NULL, &encoder));
    ck_succeeds(tsr_table_read(results, &table));
    coded train = encode_digits(encoder, TSR_TRAIN), test = encode_digits(encoder, TSR_TEST);
    ck_assert_uint_eq(train.codes->bits, 60);
    ck_assert_uint_eq(train.codes->n_layers, 2);
    tsr_probe_input input = { .train = train.codes,
                              .test = test.codes,
                              .train_labels = train.labels,
                              .test_labels = test.labels,
                              .seed = 5 };
    check_probe("redundancy", NULL, &input, table);
    input.place = 1;
    check_probe("kmeans", "k = 10;", &input, table);
    input.place = 2;
    check_probe("knn", "k = 9;", &input, table);
    input.place = 3;
    check_probe("logistic_regression", NULL, &input, table);
    float *logits = calloc(test.n, 10 * sizeof(*logits));
    size_t right = 0;
    ck_succeeds(tsr_encoder_predict(encoder, test.n, test.inputs, logits));
    for (size_t i = 0; i < test.n; i++) {
        int best = 0;
        for (int c = 1; c < 10; c++)
            best = logits[i * 10 + (size_t)c] > logits[i * 10 + (size_t)best] ? c : best;
        right += best == test.labels[i];
    }
    ck_assert((double)right / (double)test.n == result(table, "model.accuracy.test"));
    float *values = calloc(test.n, 30 * sizeof(*values));
    ck_succeeds(tsr_encoder_values(encoder, 1, test.n, test.inputs, values));
    for (size_t i = 0; i < test.n; i++)
        for (size_t j = 0; j < 30; j++)
            ck_assert((values[i * 30 + j] > 0) == (tsr_codes_row(test.codes, i)[0] >> (30 + j) & 1));
    ck_fails(tsr_encoder_values(encoder, 2, test.n, test.inputs, values), TSR_REFUSED, "there are 2");
    free(logits);
    free(values);
    coded_clear(&train);
    coded_clear(&test);
    tsr_table_free(table);
    tsr_encoder_free(encoder);
    free(results);
    free(path);
}
END_TEST

START_TEST(settings_choose_the_bits_of_a_saved_network)
{
    char *path = run_study("");
    tsr_encoder *encoder;
    ck_succeeds(tsr_encoder_open(host, path, "codes = { layers = [ \"activation.1\" ]; };", &encoder));
    coded test = encode_digits(encoder, TSR_TEST);
    ck_assert_uint_eq(test.codes->bits, 30);
    coded_clear(&test);
    tsr_encoder_free(encoder);
    ck_fails(tsr_encoder_open(host, path, "codes = { layers = [ \"third\" ]; };", &encoder), TSR_REFUSED,
             "third");
    ck_fails(tsr_encoder_open(host, path, "width = 3;", &encoder), TSR_REFUSED, "unknown key 'width'");
    ck_fails(tsr_encoder_open(host, path, "shape = [ 0 ];", &encoder), TSR_REFUSED, "shape");
    ck_fails(tsr_encoder_open(host, path, "shape = [ 9 ];", &encoder), TSR_REFUSED, "expected");
    ck_fails(tsr_encoder_open(host, path, "outputs = \"ten\";", &encoder), TSR_REFUSED, "outputs");
    free(path);
}
END_TEST

START_TEST(a_model_is_built_without_a_file)
{
    tsr_instance *mlp;
    tsr_encoder *encoder;
    ck_succeeds(tsr_host_plugin(host, TSR_MODEL, "mlp", "width = 7;", &mlp));
    ck_succeeds(tsr_encoder_new(mlp, TSR_SHAPE(1, 8, 8), 10, 3, &encoder));
    ck_assert_uint_eq(tsr_network_layer(tsr_encoder_network(encoder), 0).units, 7);
    coded test = encode_digits(encoder, TSR_TEST);
    ck_assert_uint_eq(test.codes->bits, 7);
    coded_clear(&test);
    tsr_encoder_free(encoder);
    ck_fails(tsr_encoder_new(mlp, TSR_SHAPE(4), 0, 3, &encoder), TSR_REFUSED, "0 outputs");
    tsr_instance_free(mlp);
}
END_TEST

START_TEST(what_is_no_network_is_refused_with_its_path)
{
    tsr_encoder *encoder;
    write_text(folder, "a.safetensors", "nothing");
    char *bad = tsr_format("%s/a.safetensors", folder), *none = tsr_format("%s/none", folder),
         *unknown = tsr_format("%s/net.unheard", folder);
    ck_fails(tsr_encoder_open(host, bad, NULL, &encoder), TSR_REFUSED, "a.safetensors");
    ck_fails(tsr_encoder_open(host, none, NULL, &encoder), TSR_REFUSED, "none: cannot be read: No such file");
    ck_fails(tsr_encoder_open(host, unknown, NULL, &encoder), TSR_REFUSED, "net.unheard: cannot be read");
    write_text(folder, "net.unheard", "nothing");
    ck_fails(tsr_encoder_open(host, unknown, NULL, &encoder), TSR_REFUSED,
             "net.unheard: no model is called 'unheard'");
    ck_fails(tsr_encoder_open(host, folder, NULL, &encoder), TSR_REFUSED, "model.safetensors");
    free(bad);
    free(none);
    free(unknown);
}
END_TEST

/* --- probes --- */

static tsr_codes *codes_of(size_t n, size_t bits, const uint64_t *rows)
{
    tsr_codes *codes;
    ck_succeeds(tsr_codes_new(n, bits, &codes));
    for (size_t i = 0; i < n; i++)
        codes->words[i * codes->stride] = rows[i];
    return codes;
}

START_TEST(probes_refuse_what_they_cannot_measure)
{
    static const uint64_t rows[] = { 1, 2, 3 };
    int32_t labels[] = { 0, 1, 0 }, bad[] = { 0, -1, 0 }, zeros[] = { 0, 0, 0 };
    tsr_codes *three = codes_of(3, 2, rows), *wider = codes_of(3, 3, rows), *none = codes_of(0, 2, rows);
    tsr_instance *probe, *random, *layered, *elsewhere;
    tsr_metrics *metrics;
    ck_succeeds(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 1;", &probe));
    ck_succeeds(tsr_host_plugin(host, TSR_PROBE, "redundancy", "random = 10;", &random));
    ck_succeeds(tsr_host_plugin(host, TSR_PROBE, "redundancy", "layers = [ 0 ];", &layered));
    tsr_probe_input input = { .train = three, .test = three, .train_labels = labels, .test_labels = labels };
    ck_succeeds(tsr_host_probe(probe, &input, &metrics));
    ck_assert(tsr_metrics_get(metrics, 0).value == 1);
    tsr_metrics_free(metrics);
    ck_fails(tsr_host_probe(random, &input, &metrics), TSR_REFUSED, "redundancy: random inputs need");
    ck_fails(tsr_host_probe(layered, &input, &metrics), TSR_REFUSED, "these codes have none");
    ck_succeeds(
        tsr_host_plugin(host, TSR_PROBE, "knn", "k = 1; label = \"../a\"; predictions = true;", &elsewhere));
    ck_fails(tsr_host_probe(elsewhere, &input, &metrics), TSR_REFUSED, "label = \"../a\": expected");
    tsr_instance_free(elsewhere);
    input.test = wider;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "2 bits and test codes 3");
    input.test = none;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "3 training and 0 test codes");
    input.test = three;
    input.test_labels = bad;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "test label 1, counted from 0, is -1");
    bad[1] = 2000000000;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "is 2000000000, expected 0 to 1048575");
    input.classes = 1 << 21;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "2097152 classes, expected 0 to 1048576");
    input.classes = 0;
    input.test_labels = NULL;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "only the training codes have labels");
    input.train_labels = NULL;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "needs labels");
    input.train_labels = input.test_labels = zeros;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "all labels are 0");
    input.train_labels = labels;
    input.classes = 1;
    ck_fails(tsr_host_probe(probe, &input, &metrics), TSR_REFUSED, "training label 1, counted from 0, is 1");
    tsr_instance_free(probe);
    tsr_instance_free(random);
    tsr_instance_free(layered);
    tsr_codes_free(three);
    tsr_codes_free(wider);
    tsr_codes_free(none);
}
END_TEST

START_TEST(files_of_a_probe_are_kept_where_a_folder_is_given)
{
    static const uint64_t rows[] = { 1, 2, 1, 2 };
    int32_t labels[] = { 0, 1, 0, 1 };
    tsr_codes *codes = codes_of(4, 2, rows);
    tsr_instance *probe;
    tsr_metrics *metrics;
    ck_succeeds(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 1; predictions = true;", &probe));
    tsr_probe_input input = { .train = codes, .test = codes, .train_labels = labels, .test_labels = labels };
    ck_succeeds(tsr_host_probe(probe, &input, &metrics));
    tsr_metrics_free(metrics);
    ck_assert_uint_eq(count_files(folder, "*"), 0);
    input.folder = folder;
    ck_succeeds(tsr_host_probe(probe, &input, &metrics));
    tsr_metrics_free(metrics);
    ck_assert_uint_eq(count_files(folder, "*.npy"), 1);
    tsr_instance_free(probe);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(plugins_are_set_up_by_a_text_and_refused_at_its_line)
{
    tsr_instance *instance;
    ck_fails(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 0;", &instance), TSR_REFUSED, "k = 0");
    ck_fails(tsr_host_plugin(host, TSR_PROBE, "knn", "k = 1;\nkk = 2;", &instance), TSR_REFUSED,
             "settings:2");
    ck_fails(tsr_host_plugin(host, TSR_PROBE, "knn", "k = ", &instance), TSR_REFUSED, "settings:1");
    ck_fails(tsr_host_plugin(host, TSR_PROBE, "unheard_of", NULL, &instance), TSR_REFUSED, "unheard_of");
    ck_fails(tsr_host_plugin(host, TSR_N_KINDS, "knn", NULL, &instance), TSR_REFUSED, "no kind");
}
END_TEST

/* --- results --- */

START_TEST(results_are_a_table)
{
    write_text(folder, "study.cfg", study);
    command_gives(
        folder, 0, NULL, NULL,
        "run study.cfg -q -o out -s 'sweep=({key=\"model.activation.plugin\"; values=[\"relu\",\"prelu\"];})'"
        " -s training.epochs=1 -s 'training.snapshots=[0]' -s 'probes=(\"redundancy\")'");
    char *results = tsr_format("%s/out", folder);
    tsr_table *table;
    double numbers[4];
    ck_succeeds(tsr_table_read(results, &table));
    ck_assert_uint_eq(tsr_table_n_rows(table), 4);
    ck_assert_str_eq(tsr_table_name(table, 0), "run");
    ck_assert_str_eq(tsr_table_name(table, 3), "model.activation.plugin");
    ck_assert_str_eq(tsr_table_cell(table, 0, 3), "relu");
    ck_assert_str_eq(tsr_table_cell(table, 2, 3), "prelu");
    ck_assert(!tsr_table_numbers(table, 3, numbers));
    ck_assert_str_eq(tsr_table_name(table, 4), "epoch");
    ck_assert(tsr_table_numbers(table, 4, numbers));
    ck_assert(numbers[0] == 0 && numbers[1] == 1 && numbers[2] == 0 && numbers[3] == 1);
    ck_assert_str_eq(tsr_table_cell(table, 4, 0), "");
    tsr_table_free(table);
    ck_fails(tsr_table_read(folder, &table), TSR_REFUSED, "");
    free(results);
}
END_TEST

START_TEST(the_example_prints_the_metrics_of_a_run)
{
    char *path = run_study("-s seed=1 -s 'probes=({plugin=\"knn\"; k=9;})'");
    char *results = tsr_format("%s/out", folder), line[100];
    tsr_table *table;
    ck_succeeds(tsr_table_read(results, &table));
    snprintf(line, sizeof(line), "knn.test = %.6f", result(table, "knn.test"));
    shell_gives(folder, 0, line, NULL, "%s/tests/host/example %s", test_build(), path);
    shell_gives(folder, 1, NULL, "folder of a run", "%s/tests/host/example", test_build());
    tsr_table_free(table);
    free(results);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host");
    TCase *networks = tcase_create("networks"), *probes = tcase_create("probes"),
          *results = tcase_create("results");
    tcase_add_checked_fixture(networks, setup, teardown);
    tcase_add_test(networks, a_saved_network_encodes_and_probes_measure_as_in_its_run);
    tcase_add_test(networks, settings_choose_the_bits_of_a_saved_network);
    tcase_add_test(networks, a_model_is_built_without_a_file);
    tcase_add_test(networks, what_is_no_network_is_refused_with_its_path);
    tcase_add_checked_fixture(probes, setup, teardown);
    tcase_add_test(probes, probes_refuse_what_they_cannot_measure);
    tcase_add_test(probes, files_of_a_probe_are_kept_where_a_folder_is_given);
    tcase_add_test(probes, plugins_are_set_up_by_a_text_and_refused_at_its_line);
    tcase_add_checked_fixture(results, setup, teardown);
    tcase_add_test(results, results_are_a_table);
    tcase_add_test(results, the_example_prints_the_metrics_of_a_run);
    suite_add_tcase(suite, networks);
    suite_add_tcase(suite, probes);
    suite_add_tcase(suite, results);
    return test_main(suite);
}
