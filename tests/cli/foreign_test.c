/* Codes that other programs made, by the real program: they are measured as a run measures its own, and what
   is wrong with a file is said with its name and place, before anything is written. */
#include "command.h"
#include "support.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/npy.h>

#define PROBES                                                                                               \
    "'probes=(\"redundancy\",{plugin=\"kmeans\";k=4;},{plugin=\"knn\";k=3;predictions=true;},"               \
    "\"logistic_regression\",{plugin=\"knn\";k=3;projection=20;label=\"few\";})'"
#define FILES "--train codes/train.npy codes/train_labels.npy --test codes/test.npy codes/test_labels.npy"

static char *folder;

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "study.cfg",
               "dataset = { plugin = \"digits\"; };\n"
               "model = { plugin = \"mlp\"; width = 37; depth = 2; };\n"
               "training = { epochs = 1; };\n"
               "output = { save_model = true; save_codes = true; };\n");
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* A run with these probes, whose codes are then in codes/. */
static void run_study(void)
{
    command_gives(folder, 0, NULL, NULL, "run study.cfg -q -o out -s seed=7 -s " PROBES);
    shell_gives(folder, 0, NULL, NULL, "cp -r out/runs/*/codes .");
}

static void write_array(const char *name, tsr_element element, size_t n, size_t m, const void *values)
{
    char *path = tsr_format("%s/%s", folder, name);
    ck_succeeds(tsr_npy_write(path, element, m ? 2 : 1, (size_t[]){ n, m }, values));
    free(path);
}

/* The columns of results.csv that both have, but for the seed, hold the same texts. Returns how many. */
static size_t count_equal_columns(const char *results, const char *others)
{
    char *names[2], *values[2], *text[2] = { read_text(folder, results), read_text(folder, others) };
    for (int i = 0; i < 2; i++) {
        names[i] = text[i];
        values[i] = strchr(text[i], '\n');
        *values[i]++ = '\0';
        ck_assert_ptr_nonnull(strchr(values[i], '\n'));
        *strchr(values[i], '\n') = '\0';
    }
    size_t equal = 0;
    char *rest = names[0], *value_rest = values[0], *name, *value;
    while ((name = strsep(&rest, ",")) && (value = strsep(&value_rest, ","))) {
        char *other_names = strdup(names[1]), *other_values = strdup(values[1]), *a = other_names,
             *b = other_values, *other_name, *other_value;
        while ((other_name = strsep(&a, ",")) && (other_value = strsep(&b, ",")))
            if (strcmp(name, other_name) == 0) {
                ck_assert_msg(strcmp(value, other_value) == 0, "%s: %s and %s", name, value, other_value);
                equal++;
            }
        free(other_names);
        free(other_values);
    }
    free(text[0]);
    free(text[1]);
    return equal;
}

START_TEST(codes_of_a_run_give_its_metrics_again_to_the_last_bit)
{
    run_study();
    command_gives(folder, 0, "few.projected_test", NULL, "probe " FILES " -s seed=7 -s " PROBES " -o again");
    ck_assert_uint_eq(count_equal_columns("again/results.csv", "out/results.csv"), 23);
    ck_assert_uint_eq(count_files(folder, "again/probes/knn/knn_predictions.npy"), 1);
    ck_assert_uint_eq(count_files(folder, "again/probes/*"), 1);
}
END_TEST

START_TEST(every_form_of_a_file_gives_the_same_metrics)
{
    enum { N = 40, BITS = 21 };
    static unsigned char packed[N][3], turned[N][3], bits[N][BITS];
    static float numbers[N][BITS];
    static int64_t labels[N];
    for (size_t i = 0; i < N; i++) {
        labels[i] = (int64_t)(i % 3);
        for (size_t j = 0; j < BITS; j++) {
            bits[i][j] = (i * 37 + j * j * 11) % 7 < 3;
            packed[i][j / 8] |= (unsigned char)(bits[i][j] << j % 8);
            turned[i][j / 8] |= (unsigned char)(bits[i][j] << (7 - j % 8));
            numbers[i][j] = bits[i][j] ? 2.5f : -1;
        }
    }
    write_array("packed.npy", TSR_ELEMENT_UINT8, N, 3, packed);
    write_array("turned.npy", TSR_ELEMENT_UINT8, N, 3, turned);
    write_array("bools.npy", TSR_ELEMENT_BOOL, N, BITS, bits);
    write_array("bytes.npy", TSR_ELEMENT_UINT8, N, BITS, bits);
    write_array("numbers.npy", TSR_ELEMENT_FLOAT32, N, BITS, numbers);
    write_array("labels.npy", TSR_ELEMENT_INT64, N, 0, labels);
    static const char *const forms[][2] = {
        { "packed", "--bits 21" }, { "packed", "" }, { "turned", "--bits 21 --bitorder big" },
        { "bools", "" },           { "bytes", "" },  { "numbers", "--threshold 0.5" }
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        command_gives(folder, 0, "results in", NULL,
                      "probe --train %s.npy labels.npy --test %s.npy labels.npy %s -s "
                      "'probes=(\"redundancy\",{plugin=\"knn\";k=3;})' -o out%zu",
                      forms[i][0], forms[i][0], forms[i][1], i);
        char *results = tsr_format("out%zu/results.csv", i);
        same_files(folder, "out0/results.csv", results);
        free(results);
    }
}
END_TEST

START_TEST(labels_are_needed_by_those_who_need_them)
{
    run_study();
    command_gives(folder, 0, "redundancy.test", NULL,
                  "probe --train codes/train.npy --test codes/test.npy -s 'probes=(\"redundancy\")'");
    command_gives(
        folder, 2, NULL, "probe knn: it needs labels, and there are none",
        "probe --train codes/train.npy --test codes/test.npy -s 'probes=(\"redundancy\",\"knn\")' -o no");
    command_gives(folder, 2, NULL, "redundancy: random inputs need the network",
                  "probe " FILES " -s 'probes=({plugin=\"redundancy\";random=5;})' -o no");
    ck_assert_uint_eq(count_files(folder, "no"), 0);
}
END_TEST

START_TEST(what_cannot_be_read_is_refused_and_nothing_is_written)
{
    static const float bad[2][2] = { { 0, 1 }, { 0.25f, 1 } };
    static const int32_t negative[2] = { 0, -3 };
    run_study();
    write_array("bad.npy", TSR_ELEMENT_FLOAT32, 2, 2, bad);
    write_array("negative.npy", TSR_ELEMENT_INT32, 2, 0, negative);
    shell_gives(folder, 0, NULL, NULL, "head -c 2000 codes/train.npy >short.npy; echo nothing >text.npy");
    static const char *const wrong[][2] = {
        { "--train none.npy --test codes/test.npy", "none.npy: No such file" },
        { "--train short.npy --test codes/test.npy", "short.npy" },
        { "--train text.npy --test codes/test.npy", "text.npy" },
        { "--train bad.npy --test bad.npy", "bad.npy: row 1, column 0 is 0.25, expected 0 or 1" },
        { "--train codes/train_labels.npy --test codes/test.npy", "train_labels.npy: it has 1 dimension" },
        { "--train codes/train.npy --test bad.npy --threshold 0.1", "bad.npy: codes have 2 bits, expected" },
        { "--train codes/train.npy codes/test_labels.npy --test codes/test.npy codes/test_labels.npy",
          "test_labels.npy: has 360 labels, expected 1437, one for each row of codes/train.npy" },
        { "--train bad.npy negative.npy --test bad.npy negative.npy --threshold 0.1",
          "negative.npy: label 1, counted from 0, is -3" },
        { "--train codes/train.npy --test codes/test.npy --bits 30", "30 bits are to lie in rows of" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        command_gives(folder, 2, NULL, wrong[i][1], "probe %s -s 'probes=(\"redundancy\")' -o no",
                      wrong[i][0]);
    ck_assert_uint_eq(count_files(folder, "no"), 0);
}
END_TEST

START_TEST(wrong_command_lines_are_told_apart_from_refusals)
{
    static const char *const wrong[][2] = {
        { "", "expected --train" },
        { "--train a.npy", "expected --train" },
        { "--train a.npy l.npy --test b.npy", "only the training codes have labels" },
        { "--train a.npy --train a.npy --test b.npy", "given twice" },
        { "--train a.npy l.npy x.npy --test b.npy", "'x.npy' is too much" },
        { "--train a.npy --test b.npy --bits many", "--bits many" },
        { "--train a.npy --test b.npy --bits 0", "--bits 0" },
        { "--train a.npy --test b.npy --bitorder middle", "--bitorder middle" },
        { "--train a.npy --test b.npy --threshold x", "--threshold x" },
        { "--train a.npy --test b.npy --threshold 1 --bits 3", "expected one of them" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        command_gives(folder, 1, NULL, wrong[i][1], "probe %s", wrong[i][0]);
    command_gives(folder, 1, NULL, "no probes are given", "probe --train a.npy --test b.npy");
    command_gives(folder, 2, NULL, "unknown key 'model'",
                  "probe --train a.npy --test b.npy -s 'probes=(\"knn\")' -s model.width=3");
    command_gives(folder, 2, NULL, "label = \"../out\": expected at most 64 letters",
                  "probe --train a.npy --test b.npy -s 'probes=({plugin=\"knn\";label=\"../out\";})' -o no");
    command_gives(folder, 2, NULL, "two probes are called knn",
                  "probe --train a.npy --test b.npy -s 'probes=(\"knn\",\"knn\")'");
}
END_TEST

START_TEST(folders_of_others_are_left_alone)
{
    run_study();
    write_text(folder, "results.csv", "mine");
    command_gives(folder, 2, NULL, "holds 'results.csv' and is not a results folder",
                  "probe " FILES " -s 'probes=(\"redundancy\")' -o .");
    command_gives(folder, 2, NULL, "holds the results of an experiment",
                  "probe " FILES " -s 'probes=(\"redundancy\")' -o out");
    char *text = read_text(folder, "results.csv");
    ck_assert_str_eq(text, "mine");
    free(text);
    shell_gives(folder, 0, NULL, NULL, "mkdir -p mine/probes mine/codes");
    command_gives(folder, 2, NULL, "mine: holds 'probes' and is not a folder of tessera",
                  "probe " FILES " -s 'probes=(\"redundancy\")' -o mine");
    command_gives(folder, 2, NULL, "mine: holds 'codes' and is not", "encode out/runs/* study.cfg -o mine");
    ck_assert_uint_eq(count_files(folder, "mine/*"), 2);
    command_gives(folder, 0, NULL, NULL, "probe " FILES " -s " PROBES " -o new");
    command_gives(folder, 0, NULL, NULL, "probe " FILES " -s 'probes=(\"redundancy\")' -o new");
    ck_assert_uint_eq(count_files(folder, "new/probes"), 0); /* what was left of the first */
    command_gives(folder, 0, NULL, NULL, "encode out/runs/* study.cfg -o encoded --logits");
    command_gives(folder, 0, NULL, NULL, "encode out/runs/* study.cfg -o encoded");
    ck_assert_uint_eq(count_files(folder, "encoded/*"), 3);
}
END_TEST

START_TEST(encode_gives_the_codes_that_the_run_saved)
{
    run_study();
    command_gives(folder, 0, "codes in enc", NULL, "encode out/runs/* study.cfg -o enc --logits --values");
    same_files(folder, "enc/codes/train.npy", "codes/train.npy");
    same_files(folder, "enc/codes/test.npy", "codes/test.npy");
    same_files(folder, "enc/codes/train_labels.npy", "codes/train_labels.npy");
    same_files(folder, "enc/codes/test_labels.npy", "codes/test_labels.npy");
    char *layers = read_text(folder, "enc/layers.csv");
    ck_assert_str_eq(layers, "layer,name,first,bits,units,channels,positions,breakpoints\n"
                             "0,activation.0,0,37,37,37,1,1\n1,activation.1,37,37,37,37,1,1\n");
    free(layers);
    char *paths[] = { tsr_format("%s/enc/values/1-activation.1/test.npy", folder),
                      tsr_format("%s/enc/logits/test.npy", folder) };
    static const size_t widths[] = { 37, 10 };
    for (int i = 0; i < 2; i++) {
        tsr_array *array;
        ck_succeeds(tsr_npy_open(paths[i], &array));
        ck_assert(array->element == TSR_ELEMENT_FLOAT32 && array->n_dims == 2 && array->dims[0] == 360);
        ck_assert_uint_eq(array->dims[1], widths[i]);
        tsr_array_free(array);
        free(paths[i]);
    }
    /* Pre-activations above 0 are the bits of their layer. */
    command_gives(
        folder, 0, "redundancy.test", NULL,
        "probe --train enc/values/1-activation.1/train.npy --test enc/values/1-activation.1/test.npy"
        " --threshold 0 -s 'probes=(\"redundancy\")'");
}
END_TEST

START_TEST(a_network_that_does_not_fit_the_data_is_refused)
{
    run_study();
    command_gives(folder, 2, NULL, "its network takes inputs of 1 x 8 x 8, and dataset synthetic gives",
                  "encode out/runs/* study.cfg -s dataset.plugin=synthetic -o no");
    command_gives(folder, 2, NULL, "none: cannot be read", "encode none study.cfg -o no");
    command_gives(folder, 2, NULL, "none.cfg", "encode out/runs/* none.cfg -o no");
    command_gives(folder, 2, NULL, "'dataset' is missing", "encode out/runs/* /dev/null -o no");
    command_gives(folder, 1, NULL, "expected a folder behind -o", "encode out/runs/* study.cfg");
    command_gives(folder, 1, NULL, "expected MODEL and CONFIG", "encode study.cfg -o no");
    command_gives(folder, 2, NULL, "holds the results of an experiment",
                  "encode out/runs/* study.cfg -o out");
    ck_assert_uint_eq(count_files(folder, "no"), 0);
}
END_TEST

/* PyTorch's file says nothing of its network, whose accuracy is known. */
START_TEST(weights_of_others_take_their_model_from_the_config)
{
    char *source = tsr_format("%s/tests/cli/fixtures/pytorch", test_source());
    shell_gives(folder, 0, NULL, NULL, "cp '%s'/* .", source);
    free(source);
    write_text(folder, "foreign.cfg",
               "dataset = { plugin = \"idx\"; path = \".\"; };\n"
               "model = { plugin = \"mlp\"; width = 8; depth = 2; };\n");
    command_result result = command(folder, "describe dataset/idx");
    bool has_idx = result.status == 0;
    command_free(&result);
    if (!has_idx)
        return;
    command_gives(folder, 2, NULL, "two-layers.safetensors",
                  "encode two-layers.safetensors foreign.cfg -s "
                  "model.width=3 -o no");
    command_gives(folder, 0, NULL, NULL, "encode two-layers.safetensors foreign.cfg --logits -o enc");
    char *paths[] = { tsr_format("%s/enc/logits/train.npy", folder),
                      tsr_format("%s/enc/codes/train_labels.npy", folder) };
    tsr_array *logits, *labels;
    ck_succeeds(tsr_npy_open(paths[0], &logits));
    ck_succeeds(tsr_npy_open(paths[1], &labels));
    size_t right = 0, classes = logits->dims[1];
    for (size_t i = 0; i < logits->dims[0]; i++) {
        double label, best = -1e30, value;
        size_t at = 0;
        for (size_t c = 0; c < classes; c++) {
            tsr_array_doubles(logits, i * classes + c, 1, &value);
            at = value > best ? c : at;
            best = value > best ? value : best;
        }
        tsr_array_doubles(labels, i, 1, &label);
        right += (size_t)label == at;
    }
    ck_assert_uint_eq(right, 71);
    ck_assert_uint_eq(logits->dims[0], 120);
    tsr_array_free(logits);
    tsr_array_free(labels);
    free(paths[0]);
    free(paths[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("foreign");
    TCase *codes = tcase_create("codes");
    tcase_add_checked_fixture(codes, setup, teardown);
    tcase_add_test(codes, codes_of_a_run_give_its_metrics_again_to_the_last_bit);
    tcase_add_test(codes, every_form_of_a_file_gives_the_same_metrics);
    tcase_add_test(codes, labels_are_needed_by_those_who_need_them);
    tcase_add_test(codes, what_cannot_be_read_is_refused_and_nothing_is_written);
    tcase_add_test(codes, wrong_command_lines_are_told_apart_from_refusals);
    tcase_add_test(codes, folders_of_others_are_left_alone);
    suite_add_tcase(suite, codes);
    TCase *encode = tcase_create("encode");
    tcase_add_checked_fixture(encode, setup, teardown);
    tcase_add_test(encode, encode_gives_the_codes_that_the_run_saved);
    tcase_add_test(encode, a_network_that_does_not_fit_the_data_is_refused);
    tcase_add_test(encode, weights_of_others_take_their_model_from_the_config);
    suite_add_tcase(suite, encode);
    return test_main(suite);
}
