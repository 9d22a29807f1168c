/* Model onnx: networks of files that the test makes, by values computed by hand, gradients and lines. What it
   refuses is in onnx_refused_test.c, what PyTorch exports is compared in tests/host/onnx_test.py. */
#include "onnx_nets.h"

#include "cli/command.h"
#include "config/value.h"
#include "experiment/model_digest.h"
#include "nn/network.h"
#include "nn/nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>
#include <tessera/line.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- building --- */

START_TEST(weights_are_the_files_and_a_softmax_at_the_end_is_the_losss)
{
    onnx_make_two_layers();
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2), 2);
    /* h = (1 + 4, -1 + 2 + 1, .5 - 4 - .5) = (5, 2, -4) */
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 5, 2);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 1);
    ck_assert_str_eq(tsr_network_layer(net.network, 0).name, "act.Relu");
    ck_assert_uint_eq(tsr_network_layer(net.network, 0).units, 3);
    ck_assert_uint_eq(tsr_network_parameters(net.network), 9 + 6);
    net_free(&net);
}
END_TEST

START_TEST(what_the_output_does_not_need_is_left_out)
{
    onnx_make_two_layers();
    onnx_node("beside", "NonMaxSuppression", "h", "boxes");
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2), 2);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 5, 2);
    net_free(&net);
}
END_TEST

/* x of 4 in all kinds of pieces, arithmetic of constants, and a shape that is computed of the batch. */
static void make_pieces(void)
{
    onnx_begin((const int64_t[]){ 2, 2, 0 }, (const int64_t[]){ 6, 0 });
    ONNX_FLOATS("low", ONNX_DIMS(1), -1);
    ONNX_FLOATS("high", ONNX_DIMS(1), 0.5f);
    ONNX_FLOATS("mean", ONNX_DIMS(1, 2, 1), 0.5f, -0.25f);
    ONNX_FLOATS("scale", ONNX_DIMS(2), 2, 4);
    ONNX_INTEGERS("zero", 0);
    ONNX_INTEGERS("rest", -1);
    ONNX_INTEGERS("pads", 0, 0, 0, 0, 1, 0);
    onnx_node("sub", "Sub", "x mean", "a");
    onnx_node("div", "Div", "a scale", "b");
    onnx_add_real(onnx_node("leaky", "LeakyRelu", "b", "c"), "alpha", 0.25);
    onnx_node("clip", "Clip", "c low high", "d");
    onnx_node("pad", "Pad", "d pads", "e");
    onnx_node("shape", "Shape", "x", "s");
    onnx_node("first", "Gather", "s zero", "n");
    onnx_add_int(onnx_node("new", "Concat", "n rest", "t"), "axis", 0);
    onnx_node("flat", "Reshape", "e t", "y");
}

START_TEST(pieces_pads_and_constants_compute_what_they_say)
{
    make_pieces();
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2, 2), 6);
    /* (2.5, -3.5; -.25, 8.25) - mean = (2, -4; 0, 8.5), / scale = (1, -1; 0, 2.125), leaky, clipped */
    ONNX_GIVES(&net, 6, ((const float[]){ 2.5f, -3.5f, -0.25f, 8.25f }), 0.5f, -0.25f, 0, 0.5f, 0, 0);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 2);
    ck_assert_uint_eq(tsr_network_layer(net.network, 1).n_breakpoints, 2);
    net_free(&net);
}
END_TEST

START_TEST(gradients_are_right)
{
    onnx_make_maps();
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2, 4, 3), 3);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double error = gradient_error(&net, BATCH);
    ck_assert_msg(error < 5e-3, "%g", error);
    net_free(&net);
}
END_TEST

START_TEST(courses_along_lines_are_those_of_the_network)
{
    enum { N = 3, SIZE = 4 };
    make_pieces();
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2, 2), 6);
    double x[N * SIZE], u[N * SIZE], t[N] = { 0.5, -1.25, 3 };
    float at[N * SIZE], logits[N * 6];
    fill_random(N * SIZE, at, 1);
    for (size_t i = 0; i < N * SIZE; i++) {
        x[i] = (double)at[i];
        u[i] = (double)(i % 3) - 0.75;
        at[i] = (float)(x[i] + t[i / SIZE] * u[i]);
    }
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(net.network, N, x, u, &lines));
    ck_succeeds(tsr_lines_move(lines, t));
    ck_succeeds(tsr_network_predict(net.network, N, at, logits));
    for (size_t i = 0; i < N * 6; i++)
        ck_assert_double_eq_tol(tsr_lines_logits(lines)[i], (double)logits[i], 1e-5);
    tsr_lines_free(lines);
    net_free(&net);
}
END_TEST

/* (x - mean) / sqrt(variance + epsilon) with its scale and shift is one layer norm. */
static void make_layer_norm(bool used_elsewhere)
{
    onnx_begin((const int64_t[]){ 4, 0 }, (const int64_t[]){ 4, 0 });
    ONNX_FLOATS("two", ONNX_DIMS(1), 2);
    ONNX_FLOATS("eps", ONNX_DIMS(1), 1e-5f);
    ONNX_FLOATS("g", ONNX_DIMS(4), 1, 2, 3, 4);
    ONNX_FLOATS("h", ONNX_DIMS(4), 0.5f);
    onnx_add_list(onnx_node("mean", "ReduceMean", "x", "m"), "axes", -1);
    onnx_node("sub", "Sub", "x m", "d");
    onnx_node("pow", "Pow", "d two", "p");
    onnx_add_list(onnx_node("mean2", "ReduceMean", "p", "v"), "axes", -1);
    onnx_node("add", "Add", "v eps", "w");
    onnx_node("sqrt", "Sqrt", "w", "r");
    onnx_node("div", "Div", "d r", "z");
    onnx_node("mul", "Mul", "z g", "q");
    onnx_node("end", "Add", "q h", used_elsewhere ? "u" : "s");
    if (used_elsewhere)
        onnx_node("more", "Add", "u d", "s");
    onnx_node("relu", "Relu", "s", "y");
}

START_TEST(a_layer_norm_written_out_is_one)
{
    make_layer_norm(false);
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(4), 4);
    ck_assert_uint_eq(tsr_network_parameters(net.network), 8);
    ONNX_GIVES(&net, 4, ((const float[]){ 1, 1, 3, 3 }), 0, 0, 3.499985f, 4.49998f);
    net_free(&net);
    make_layer_norm(true);
    onnx_write();
    net = onnx_build_net(TSR_SHAPE(4), 4);
    ONNX_GIVES(&net, 4, ((const float[]){ 1, 1, 3, 3 }), 0, 0, 4.499985f, 5.49998f);
    net_free(&net);
}
END_TEST

START_TEST(the_datas_shape_is_the_inputs_but_for_dimensions_of_one)
{
    onnx_make_two_layers();
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(1, 1, 2), 2);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 5, 2);
    net_free(&net);
    tsr_instance *m = onnx_instance();
    tsr_network *network;
    ck_fails(tsr_network_new(m, TSR_SHAPE(3), 2, 1, &network), TSR_REFUSED,
             "its input 'x' is 2, and the data are 3");
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 5, 1, &network), TSR_REFUSED, "5");
    tsr_instance_free(m);
}
END_TEST

START_TEST(weights_may_lie_in_a_file_beside_it)
{
    static const float w[] = { 9, 1, 2, -1, 1, 0.5f, -2 };
    static Onnx__Entry entries[] = { ONNX__ENTRY__INIT, ONNX__ENTRY__INIT };
    static Onnx__Entry *list[] = { &entries[0], &entries[1] };
    onnx_make_two_layers();
    Onnx__Tensor *t = onnx_model.graph->initializer[0];
    t->n_float_data = 0;
    t->has_data_location = 1;
    t->data_location = 1;
    t->n_external_data = 2;
    t->external_data = list;
    entries[0].key = onnx_copy("location"), entries[0].value = onnx_copy("net.data");
    entries[1].key = onnx_copy("offset"), entries[1].value = onnx_copy("4");
    files_write("net.data", w, sizeof(w));
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(2), 2);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 5, 2);
    net_free(&net);
    tsr_instance *m = onnx_instance();
    tsr_network *network;
    files_write("net.data", w, sizeof(w) - 1);
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED,
             "net.data: has 27 bytes, expected 24 from byte 4 on");
    entries[0].value = onnx_copy("../net.data");
    onnx_write();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED, "in the folder of this one");
    static const char *const names[] = { "\xff.data", "\x01.data", "\xed\xa0\x80.data" /* a surrogate */ };
    static const char *const shown[] = { "'?.data'", "'?.data'", "'?\?\?.data'" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char text[80];
        snprintf(text, sizeof(text), "lies in the file %s, expected a name in UTF-8", shown[i]);
        entries[0].value = onnx_copy(names[i]);
        onnx_write();
        ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED, text);
    }
    entries[0].value = onnx_copy("\xc3\xa9.data");
    files_write("\xc3\xa9.data", w, sizeof(w));
    onnx_write();
    net = onnx_build_net(TSR_SHAPE(2), 2);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 5, 2);
    net_free(&net);
    entries[0].value = onnx_copy("net.data"), entries[1].value = onnx_copy("18446744073709551615");
    onnx_write();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED, "expected 24 from byte");
    tsr_instance_free(m);
}
END_TEST

/* The second dimension of the file's input or output is a name, as one that an exporter does not know. */
static void leave_open(Onnx__ValueInfo *value)
{
    Onnx__Dimension *dim = value->type->tensor_type->shape->dim[1];
    dim->has_dim_value = 0;
    dim->dim_param = onnx_copy("any");
}

static void opens(const char *settings, const char *refused)
{
    tsr_host *host;
    tsr_encoder *encoder;
    char path[4096];
    float y[2];
    snprintf(path, sizeof(path), "%s/net.onnx", files_folder);
    onnx_write();
    ck_succeeds(tsr_host_new(NULL, &host));
    tsr_status *status = tsr_encoder_open(host, path, settings, &encoder);
    if (refused)
        ck_fails(status, TSR_REFUSED, refused);
    else {
        ck_succeeds(status);
        ck_succeeds(tsr_encoder_predict(encoder, 1, (const float[]){ 1, 2 }, y));
        ck_assert_float_eq_tol(y[0], 5, 1e-5f);
        tsr_encoder_free(encoder);
    }
    tsr_host_free(host);
}

START_TEST(sizes_that_the_file_leaves_open_are_taken_from_the_settings)
{
    onnx_make_two_layers();
    opens(NULL, NULL);
    leave_open(onnx_model.graph->input[0]);
    opens(NULL, "does not say which shape an input has: expected it in the settings");
    opens("shape = [2];", NULL);
    opens("shape = [3];", "its weight takes 2 features, and there are 3");
    leave_open(onnx_model.graph->output[0]);
    opens("shape = [2];", "does not say how many values come out: expected it in the settings");
    opens("shape = [2]; outputs = 2;", NULL);
}
END_TEST

static char *digest_of(void)
{
    tsr_run run = { .model = onnx_instance(), .config = tsr_value_group() };
    test_net other = { .model = test_instance(TSR_MODEL, "plugin = \"mlp\"; width = 3;") };
    ck_succeeds(tsr_network_new(other.model, TSR_SHAPE(2), 2, 1, &other.network)); /* which gives no values */
    ck_succeeds(tsr_model_digest_add(&run, other.network));
    const tsr_value *digest = tsr_value_member(run.config, "model_hash");
    ck_assert_ptr_nonnull(digest);
    char *text = strdup(digest->string);
    net_free(&other);
    tsr_value_free(run.config);
    tsr_instance_free(run.model);
    return text;
}

/* The file's length and its bytes, whatever the blocks in which it is read. */
START_TEST(the_digest_of_a_model_is_its_files)
{
    const size_t lengths[] = { 1, 65536, 200000 };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        size_t length = lengths[i];
        unsigned char *bytes = malloc(sizeof(length) + length);
        memcpy(bytes, &length, sizeof(length));
        for (size_t k = 0; k < length; k++)
            bytes[sizeof(length) + k] = (unsigned char)(k * k / 7 + i);
        files_write("net.onnx", bytes + sizeof(length), length);
        XXH128_hash_t hash = XXH3_128bits(bytes, sizeof(length) + length);
        char expected[33], *digest = digest_of();
        snprintf(expected, sizeof(expected), "%016llx%016llx", (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64);
        ck_assert_str_eq(digest, expected);
        free(digest);
        free(bytes);
    }
}
END_TEST

START_TEST(the_kit_finds_nothing)
{
    onnx_make_maps();
    onnx_write();
    command_gives(files_folder, 0, NULL, NULL, "test model/onnx -s file=net.onnx --limit 600");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx");
    TCase *networks = tcase_create("networks");
    tcase_add_checked_fixture(networks, files_make_folder, files_remove_folder);
    tcase_add_test(networks, weights_are_the_files_and_a_softmax_at_the_end_is_the_losss);
    tcase_add_test(networks, what_the_output_does_not_need_is_left_out);
    tcase_add_test(networks, pieces_pads_and_constants_compute_what_they_say);
    tcase_add_test(networks, gradients_are_right);
    tcase_add_test(networks, courses_along_lines_are_those_of_the_network);
    tcase_add_test(networks, a_layer_norm_written_out_is_one);
    tcase_add_test(networks, the_datas_shape_is_the_inputs_but_for_dimensions_of_one);
    tcase_add_test(networks, weights_may_lie_in_a_file_beside_it);
    tcase_add_test(networks, sizes_that_the_file_leaves_open_are_taken_from_the_settings);
    tcase_add_test(networks, the_digest_of_a_model_is_its_files);
    tcase_add_test(networks, the_kit_finds_nothing);
    tcase_set_timeout(networks, 600);
    suite_add_tcase(suite, networks);
    return test_main(suite);
}
