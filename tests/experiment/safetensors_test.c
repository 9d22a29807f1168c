/* Model files: what is written is read back, and a file that lies about itself, or belongs to another model,
   is refused with the place of the lie. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "experiment/model_file.h"
#include "nn/graph.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder, *path;

static void make_folder(void)
{
    folder = test_folder();
    path = tsr_path_join(folder, "model.safetensors");
}

static void remove_folder(void)
{
    free(path);
    test_folder_remove(folder);
}

/* Networks of the real perceptron: 3-2-2. */
typedef struct net {
    tsr_instance *model;
    tsr_network *network;
} net;

static net net_new(const char *settings, uint64_t seed)
{
    char *text = tsr_format("plugin = \"mlp\"; width = 2; %s", settings);
    net made = { .model = test_instance(TSR_MODEL, text) };
    ck_succeeds(tsr_network_new(made.model, TSR_SHAPE(3), 2, seed, &made.network));
    free(text);
    return made;
}

static void net_free(net *made)
{
    tsr_network_free(made->network);
    tsr_instance_free(made->model);
}

/* Gives every running statistic a value of its own. */
static void fill_states(const net *made)
{
    float value = 0.5f;
    for (size_t i = 0; i < tsr_network_n_states(made->network); i++)
        for (size_t k = 0; k < tsr_network_get_state(made->network, i)->n; k++)
            tsr_network_get_state(made->network, i)->values[k] = value += 0.25f;
}

static void ck_same_values(const net *a, const net *b)
{
    tsr_flat x = tsr_network_flat(a->network), y = tsr_network_flat(b->network);
    ck_assert_mem_eq(x.values, y.values, x.count * sizeof(float));
    for (size_t i = 0; i < tsr_network_n_states(a->network); i++) {
        const tsr_network_state *s = tsr_network_get_state(a->network, i),
                                *t = tsr_network_get_state(b->network, i);
        ck_assert_mem_eq(s->values, t->values, s->n * sizeof(float));
    }
}

START_TEST(what_is_written_is_read_back_to_the_last_bit)
{
    net one = net_new("", 1), two = net_new("", 2);
    tsr_safetensors *file;
    tsr_value *config = tsr_value_group();
    ck_succeeds(tsr_value_put(config, "seed", tsr_value_int(1)));
    fill_states(&one);
    ck_succeeds(tsr_model_file_write(path, one.network, config));
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_succeeds(tsr_model_file_load(file, two.network));
    ck_same_values(&one, &two);
    ck_assert_uint_eq(strlen(tsr_safetensors_hash(file)), 32);
    tsr_safetensors_free(file);
    tsr_value_free(config);
    net_free(&one);
    net_free(&two);
}
END_TEST

START_TEST(another_value_is_another_hash)
{
    net one = net_new("", 1);
    char hashes[2][33];
    for (int i = 0; i < 2; i++) {
        tsr_safetensors *file;
        ck_succeeds(tsr_model_file_write(path, one.network, NULL));
        ck_succeeds(tsr_safetensors_read(path, &file));
        strcpy(hashes[i], tsr_safetensors_hash(file));
        tsr_safetensors_free(file);
        tsr_network_flat(one.network).values[0] += 1;
    }
    ck_assert_str_ne(hashes[0], hashes[1]);
    net_free(&one);
}
END_TEST

/* A file of this header and n zero floats behind it. */
static void write_file(const char *header, size_t n)
{
    size_t length = strlen(header);
    char *bytes = calloc(8 + length + n * sizeof(float) + 1, 1);
    uint64_t prefix = htole64(length);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, &prefix, 8);
    memcpy(bytes + 8, header, length);
    ck_succeeds(tsr_write_file(path, bytes, 8 + length + n * sizeof(float)));
    free(bytes);
}

static void refused_with(const char *message)
{
    tsr_safetensors *file = NULL;
    char *whole = tsr_format("%s: %s", path, message);
    ck_fails(tsr_safetensors_read(path, &file), TSR_REFUSED, whole);
    ck_assert_ptr_null(file);
    free(whole);
}

#define TENSOR(name, dtype, shape, begin, end)                                                               \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static const struct {
    const char *header;
    size_t floats;
    const char *message;
} lies[] = {
    { "{", 0, "offset 9: the header is not JSON: " },
    { "\x80{}", 0, "offset 8: the header is not JSON: " },
    { "[]", 0, "offset 8: expected a JSON object as the header" },
    { "{" TENSOR("a", "F32", "[1]", "0", "4") "," TENSOR("a", "F32", "[1]", "0", "4") "}", 1,
      "offset 65: the header is not JSON: duplicate object key" },
    { "{\"a\":7}", 0, "tensor a: expected an object with dtype, shape and data_offsets" },
    { "{\"a\":{}}", 0, "tensor a: expected an object with dtype, shape and data_offsets" },
    { "{" TENSOR("a", "F16", "[2]", "0", "4") "}", 1, "tensor a: its dtype is F16, expected F32" },
    { "{" TENSOR("a", "I64", "[1]", "0", "8") "}", 2, "tensor a: its dtype is I64, expected F32" },
    { "{" TENSOR("a", "F32", "1", "0", "4") "}", 1, "tensor a: expected a list as its shape" },
    { "{" TENSOR("a", "F32", "[2,-1]", "0", "4") "}", 1, "tensor a: dimension 2 of its shape is no count" },
    { "{" TENSOR("a", "F32", "[1.0]", "0", "4") "}", 1, "tensor a: dimension 1 of its shape is no count" },
    { "{" TENSOR("a", "F32", "[4294967296,4294967296]", "0", "4") "}", 1,
      "tensor a: its shape is more than memory can hold" },
    { "{" TENSOR("a", "F32", "[4611686018427387905]", "0", "4") "}", 1,
      "tensor a: its shape is more than memory can hold" },
    { "{" TENSOR("a", "F32", "[99999999999999999999]", "0", "4") "}", 1,
      "offset 57: the header is not JSON: " },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 1, "tensor a: expected two counts as its data_offsets" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 1,
      "tensor a: expected two counts as its data_offsets" },
    { "{" TENSOR("a", "F32", "[1]", "-4", "0") "}", 1, "tensor a: expected two counts as its data_offsets" },
    { "{" TENSOR("a", "F32", "[2]", "0", "8") "}", 1,
      "tensor a: data_offsets 0 to 8, expected a range of the 4 bytes behind the header" },
    { "{" TENSOR("a", "F32", "[1]", "9223372036854775803", "9223372036854775807") "}", 1,
      "tensor a: data_offsets 9223372036854775803 to 9223372036854775807, expected a range of the 4 bytes" },
    { "{" TENSOR("a", "F32", "[1]", "4", "0") "}", 1,
      "tensor a: data_offsets 4 to 0, expected a range of the 4" },
    { "{" TENSOR("a", "F32", "[3]", "0", "8") "}", 2,
      "tensor a: data_offsets 0 to 8, expected the 12 bytes of its shape" },
    { "{" TENSOR("a", "F32", "[2]", "0", "8") "," TENSOR("b", "F32", "[2]", "4", "12") "}", 3,
      "tensor b: begins at data offset 4, inside a, which ends at 8" },
    { "{" TENSOR("b", "F32", "[1]", "8", "12") "," TENSOR("a", "F32", "[1]", "0", "4") "}", 3,
      "offset 120: 4 bytes belong to no tensor" },
    { "{" TENSOR("a", "F32", "[1]", "4", "8") "}", 2, "offset 62: 4 bytes belong to no tensor" },
    { "{" TENSOR("a", "F32", "[1]", "0", "4") "}", 3, "offset 66: 8 bytes belong to no tensor" },
    { "{" TENSOR("\\u001b[2J", "F16", "[1]", "0", "4") "}", 1, "tensor (not text): its dtype is F16" },
};

START_TEST(a_header_that_lies_is_refused_with_the_lie)
{
    write_file(lies[_i].header, lies[_i].floats);
    refused_with(lies[_i].message);
}
END_TEST

START_TEST(a_header_longer_than_the_file_is_refused)
{
    static const uint64_t lengths[] = { 3, 1 << 30, UINT64_MAX, UINT64_MAX - 7 };
    for (size_t i = 0; i < 4; i++) {
        char bytes[10] = { 0 };
        uint64_t prefix = htole64(lengths[i]);
        memcpy(bytes, &prefix, 8);
        memcpy(bytes + 8, "{}", 2);
        ck_succeeds(tsr_write_file(path, bytes, 10));
        char *message =
            tsr_format("offset 0: a header of %llu bytes is promised, expected at most the 2 that follow",
                       (unsigned long long)lengths[i]);
        refused_with(message);
        free(message);
    }
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    net one = net_new("", 1);
    struct stat info;
    ck_succeeds(tsr_model_file_write(path, one.network, NULL));
    ck_assert_int_eq(stat(path, &info), 0);
    for (off_t length = info.st_size - 1; length >= 0; length--) {
        tsr_safetensors *file = NULL;
        ck_assert_int_eq(truncate(path, length), 0);
        ck_fails(tsr_safetensors_read(path, &file), TSR_REFUSED, path);
    }
    net_free(&one);
}
END_TEST

START_TEST(a_value_that_is_not_finite_is_refused_with_its_place)
{
    net one = net_new("", 1);
    tsr_network_tensor(one.network, 1)->values[1] = _i ? INFINITY : NAN;
    ck_succeeds(tsr_model_file_write(path, one.network, NULL));
    refused_with("tensor hidden.0.bias: offset ");
    net_free(&one);
}
END_TEST

START_TEST(a_negative_variance_is_refused)
{
    net one = net_new("", 1);
    for (size_t i = 0; i < tsr_network_n_states(one.network); i++)
        tsr_network_get_state(one.network, i)->values[0] = -1;
    ck_succeeds(tsr_model_file_write(path, one.network, NULL));
    refused_with("tensor norm.0.running_var: offset "); /* a mean may be negative */
    net_free(&one);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    tsr_safetensors *file = NULL;
    refused_with("cannot read the model: No such file or directory");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused_with("expected a model file, not a device");
    ck_fails(tsr_safetensors_read(folder, &file), TSR_REFUSED, "expected a model file, not a folder");
}
END_TEST

/* What people save models as beside safetensors, by its first bytes. */
static const struct {
    const char *bytes;
    size_t length;
    const char *message;
} formats[] = {
    { "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0", 16,
      "a PyTorch file (a zip archive, as torch.save writes it), expected a "
      "safetensors file; save it as one, in PyTorch by "
      "safetensors.torch.save_file(model.state_dict(), " },
    { "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x80\4\x95\x1a\0\0\0\0\0\0\0}\x94", 13, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x89HDF\r\n\x1a\n\0\0\0\0", 12, "an HDF5 file, as Keras writes it, expected a safetensors file" },
    { "\x93NUMPY\1\0v\0{", 11, "a NumPy array, expected a safetensors file" },
    { "\x80\2\0\0\0\0\0\0{\"a\"", 12, "offset 0: a header of 640 bytes is promised" }, /* one that is cut */
};

START_TEST(another_format_is_refused_by_its_name)
{
    ck_succeeds(tsr_write_file(path, formats[_i].bytes, formats[_i].length));
    refused_with(formats[_i].message);
}
END_TEST

/* The first constant of a name. */
static double constant_of(const net *made, const char *name)
{
    const tsr_graph *graph = tsr_network_graph(made->network);
    for (size_t i = 0; i < graph->n_constants; i++)
        if (strcmp(graph->constants[i].spec.name, name) == 0)
            return graph->constant_values[i];
    ck_abort_msg("no constant %s", name);
    return 0;
}

static void load(net *made)
{
    tsr_safetensors *file;
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_succeeds(tsr_model_file_load(file, made->network));
    tsr_safetensors_free(file);
}

START_TEST(constants_are_the_configs_where_given_else_the_files)
{
    net saved = net_new("epsilon = 1e-4; momentum = 0.5;", 1), plain = net_new("", 1),
        given = net_new("epsilon = 1e-2;", 1);
    ck_assert_double_eq(constant_of(&plain, "epsilon"), 1e-3);
    ck_succeeds(tsr_model_file_write(path, saved.network, NULL));
    load(&plain);
    ck_assert_double_eq(constant_of(&plain, "epsilon"), 1e-4);
    ck_assert_double_eq(constant_of(&plain, "momentum"), 0.5);
    load(&given);
    ck_assert_double_eq(constant_of(&given, "epsilon"), 1e-2);
    ck_assert_double_eq(constant_of(&given, "momentum"), 0.5);
    net_free(&saved);
    net_free(&plain);
    net_free(&given);
}
END_TEST

/* The first sample's first logit. */
static float logit_of(const net *made)
{
    float logits[2];
    ck_succeeds(tsr_network_predict(made->network, 1, (const float[]){ 1, 2, 3 }, logits));
    return logits[0];
}

START_TEST(a_constant_is_what_the_network_computes_with)
{
    net saved = net_new("epsilon = 2.0;", 1), plain = net_new("", 1);
    float expected = logit_of(&saved);
    ck_assert_float_ne(logit_of(&plain), expected); /* planned before the file is loaded */
    ck_succeeds(tsr_model_file_write(path, saved.network, NULL));
    load(&plain);
    ck_assert_float_eq(logit_of(&plain), expected);
    net_free(&saved);
    net_free(&plain);
}
END_TEST

/* One step of training on feature maps, whose batch norm runs together with what follows it: the loss, and
   what the running statistics become. */
static double step_of(tsr_network *network, float *statistics)
{
    size_t n = 2 * 3 * 8 * 8;
    ck_succeeds(tsr_network_plan(network, 2, true));
    for (size_t i = 0; i < n; i++)
        tsr_network_input_values(network)[i] = (float)(i % 7) - 3;
    tsr_instance *softmax = test_give_loss(network);
    double loss = tsr_network_gradient(network, 2, (const int32_t[]){ 0, 1 }, 1, 1, NULL);
    *statistics = tsr_network_get_state(network, 0)->values[0];
    tsr_instance_free(softmax);
    return loss;
}

START_TEST(constants_hold_for_feature_maps_and_while_training)
{
    static const char *const settings[] = {
        "plugin = \"resnet\"; width_multiplier = 0.1; epsilon = 2.0; momentum = 0.5;",
        "plugin = \"resnet\"; width_multiplier = 0.1;"
    };
    tsr_instance *models[2];
    tsr_network *networks[2];
    float statistics[2], before;
    for (int i = 0; i < 2; i++) {
        models[i] = test_instance(TSR_MODEL, settings[i]);
        ck_succeeds(tsr_network_new(models[i], TSR_SHAPE(3, 8, 8), 2, 1, &networks[i]));
    }
    ck_succeeds(tsr_model_file_write(path, networks[0], NULL));
    double expected = step_of(networks[0], &statistics[0]);
    ck_assert_double_ne(step_of(networks[1], &before), expected);
    net plain = { .network = networks[1] };
    load(&plain);
    ck_assert_double_eq(step_of(networks[1], &statistics[1]), expected);
    ck_assert_float_eq(statistics[0], statistics[1]);
    ck_assert_float_ne(statistics[0], before);
    for (int i = 0; i < 2; i++) {
        tsr_network_free(networks[i]);
        tsr_instance_free(models[i]);
    }
}
END_TEST

static const struct {
    const char *metadata, *message;
} bad_metadata[] = {
    { "\"constants\":\"{\"", "the metadata's \"constants\" is not a JSON object" },
    { "\"constants\":\"[1]\"", "the metadata's \"constants\" is not a JSON object" },
    { "\"constants\":\"{\\\"norm.0.epsilon\\\":\\\"1\\\"}\"", "the constant norm.0.epsilon is not a number" },
    { "\"constants\":\"{\\\"norm.0.epsilon\\\":-1}\"", "norm.0: epsilon is -1, expected 1e-30 to 1000" },
    { "\"constants\":\"{\\\"norm.0.momentum\\\":1.5}\"", "norm.0: momentum is 1.5, expected 0 to 1" },
};

START_TEST(constants_that_cannot_be_are_refused)
{
    char *header = tsr_format(
        "{\"__metadata__\":{%s}," TENSOR("hidden.0.weight", "F32", "[2,3]", "0", "24") "," TENSOR(
            "hidden.0.bias", "F32", "[2]", "24",
            "32") "," TENSOR("norm.0.weight", "F32", "[2]", "32",
                             "40") "," TENSOR("norm.0.bias", "F32", "[2]", "40",
                                              "48") "," TENSOR("norm.0.running_mean", "F32", "[2]", "48",
                                                               "56") "," TENSOR("norm.0.running_var", "F32",
                                                                                "[2]", "56",
                                                                                "64") "," TENSOR("output."
                                                                                                 "weight",
                                                                                                 "F32",
                                                                                                 "[2,2]",
                                                                                                 "64",
                                                                                                 "80") "," TENSOR("output.bias",
                                                                                                                  "F32",
                                                                                                                  "[2]",
                                                                                                                  "80",
                                                                                                                  "88") "}",
        bad_metadata[_i].metadata);
    net one = net_new("", 1);
    tsr_safetensors *file;
    write_file(header, 22);
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_fails(tsr_model_file_check(file, one.network, NULL), TSR_REFUSED, bad_metadata[_i].message);
    tsr_safetensors_free(file);
    net_free(&one);
    free(header);
}
END_TEST

START_TEST(the_mean_that_is_subtracted_is_saved_in_a_samples_shape)
{
    static const float mean[] = { 1, -2, 3 };
    net one = net_new("", 1), two = net_new("", 2);
    float read[3];
    tsr_safetensors *file;
    tsr_network_subtract(one.network, mean);
    ck_succeeds(tsr_model_file_write(path, one.network, NULL));
    load(&two);
    ck_same_values(&one, &two);
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_assert(tsr_model_file_has_mean(file));
    const json_t *shape = tsr_safetensors_find(file, "input.mean")->shape;
    ck_assert_uint_eq(json_array_size(shape), 1);
    ck_assert_int_eq(json_integer_value(json_array_get(shape, 0)), 3);
    tsr_model_file_mean(file, 3, read);
    ck_assert_mem_eq(read, mean, sizeof(mean));
    tsr_safetensors_free(file);
    tsr_network_subtract(one.network, NULL);
    ck_succeeds(tsr_model_file_write(path, one.network, NULL));
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_assert(!tsr_model_file_has_mean(file));
    tsr_safetensors_free(file);
    net_free(&one);
    net_free(&two);
}
END_TEST

static void misfit(const net *written, const net *wanting, const char *message)
{
    tsr_safetensors *file;
    ck_succeeds(tsr_model_file_write(path, written->network, NULL));
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_fails(tsr_model_file_check(file, wanting->network, NULL), TSR_REFUSED, message);
    ck_fails(tsr_model_file_load(file, wanting->network), TSR_REFUSED, path);
    tsr_safetensors_free(file);
}

START_TEST(another_models_file_is_refused_with_what_differs)
{
    net plain = net_new("batch_norm = false;", 1), normed = net_new("", 1),
        deep = net_new("batch_norm = false; depth = 3;", 1), wide = net_new("widths = [ 5 ];", 1);
    misfit(&plain, &normed,
           "expected the same: it lacks norm.0.weight, norm.0.bias, norm.0.running_mean, norm.0.running_var");
    misfit(&normed, &plain,
           "expected the same: the model has no norm.0.weight, norm.0.bias, norm.0.running_mean, "
           "norm.0.running_var");
    misfit(
        &normed, &deep,
        "it lacks hidden.1.weight, hidden.1.bias, hidden.2.weight, hidden.2.bias; the model has no norm.0");
    misfit(&wide, &normed,
           "tensor hidden.0.weight: its shape is [5, 3], expected [2, 3] as the model has it");
    net_free(&plain);
    net_free(&normed);
    net_free(&deep);
    net_free(&wide);
}
END_TEST

/* As PyTorch writes a model with batch norm: the arrays in another order, and a count beside them. */
START_TEST(order_does_not_matter_and_pytorchs_count_of_batches_is_passed_over)
{
    write_file(
        "{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("output.bias", "F32", "[2]", "80", "88") "," TENSOR(
            "output.weight", "F32", "[2,2]", "64",
            "80") "," TENSOR("norm.0.num_batches_tracked", "I64", "[]", "0",
                             "8") "," TENSOR("norm.0.weight", "F32", "[2]", "8",
                                             "16") "," TENSOR("norm.0.bias", "F32", "[2]", "16",
                                                              "24") "," TENSOR("norm.0.running_mean", "F32",
                                                                               "[2]", "24",
                                                                               "32") "," TENSOR("norm.0."
                                                                                                "running_var",
                                                                                                "F32", "[2]",
                                                                                                "32",
                                                                                                "40") "," TENSOR("hidden.0.weight",
                                                                                                                 "F32",
                                                                                                                 "[2,3]",
                                                                                                                 "40",
                                                                                                                 "64") "," TENSOR("hidden.0.bias",
                                                                                                                                  "F32",
                                                                                                                                  "[2]",
                                                                                                                                  "88",
                                                                                                                                  "96") "}     ",
        24);
    net one = net_new("", 1);
    tsr_safetensors *file;
    ck_succeeds(tsr_safetensors_read(path, &file));
    ck_succeeds(tsr_model_file_load(file, one.network));
    for (size_t i = 0; i < tsr_network_flat(one.network).count; i++)
        ck_assert(tsr_network_flat(one.network).values[i] == 0);
    ck_assert_double_eq(constant_of(&one, "epsilon"), 1e-5);
    ck_assert_double_eq(constant_of(&one, "momentum"), 0.9);
    tsr_safetensors_free(file);
    net_free(&one);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("safetensors");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, what_is_written_is_read_back_to_the_last_bit);
    tcase_add_test(tests, another_value_is_another_hash);
    tcase_add_loop_test(tests, a_header_that_lies_is_refused_with_the_lie, 0, sizeof(lies) / sizeof(lies[0]));
    tcase_add_test(tests, a_header_longer_than_the_file_is_refused);
    tcase_add_test(tests, a_file_cut_anywhere_is_refused);
    tcase_add_loop_test(tests, a_value_that_is_not_finite_is_refused_with_its_place, 0, 2);
    tcase_add_test(tests, a_negative_variance_is_refused);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_loop_test(tests, another_format_is_refused_by_its_name, 0,
                        sizeof(formats) / sizeof(formats[0]));
    tcase_add_test(tests, constants_are_the_configs_where_given_else_the_files);
    tcase_add_test(tests, a_constant_is_what_the_network_computes_with);
    tcase_add_test(tests, constants_hold_for_feature_maps_and_while_training);
    tcase_add_loop_test(tests, constants_that_cannot_be_are_refused, 0,
                        sizeof(bad_metadata) / sizeof(bad_metadata[0]));
    tcase_add_test(tests, the_mean_that_is_subtracted_is_saved_in_a_samples_shape);
    tcase_add_test(tests, another_models_file_is_refused_with_what_differs);
    tcase_add_test(tests, order_does_not_matter_and_pytorchs_count_of_batches_is_passed_over);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
