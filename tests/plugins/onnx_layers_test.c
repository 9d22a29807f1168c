/* Model onnx: what nodes and layers are called, which weights they share, and what belongs to one layer. */
#include "onnx_nets.h"

#include "nn/network.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void begin(void)
{
    onnx_begin((const int64_t[]){ 2, 0 }, (const int64_t[]){ 2, 0 });
    ONNX_FLOATS("w", ONNX_DIMS(2, 2), 1, 2, -1, 1);
    ONNX_FLOATS("b", ONNX_DIMS(2), 0.5f, 1);
}

static test_net written(void)
{
    onnx_write();
    return onnx_build_net(TSR_SHAPE(2), 2);
}

static bool has_tensor(const tsr_network *network, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++)
        found = found || strcmp(tsr_network_tensor(network, i)->parameter.name, name) == 0;
    return found;
}

/* --- names --- */

START_TEST(names_are_the_files_and_unlike)
{
    begin();
    onnx_node("input", "MatMul", "x w", "h"); /* which is the data's name */
    onnx_node("act", "Relu", "h", "r");
    onnx_node("act", "Relu", "r", "s");
    onnx_node("act_1", "Relu", "s", "u");
    onnx_node("act", "Relu", "u", "v");
    onnx_node("gate", "HardSwish", "v", "y");
    onnx_model.opset_import[0]->version = 14;
    test_net net = written();
    static const char *const expected[] = { "act", "act_2", "act_1", "act_4", "gate" };
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(tsr_network_layer(net.network, i).name, expected[i]);
    ck_assert(has_tensor(net.network, "input_0.weight"));
    net_free(&net);
}
END_TEST

START_TEST(a_node_that_passes_its_input_on_does_not_rename_it)
{
    begin();
    onnx_node("a/b", "MatMul", "x w", "h");
    onnx_node("a", "Identity", "h", "i");
    onnx_node("relu", "Relu", "i", "y");
    test_net net = written();
    ck_assert(has_tensor(net.network, "a.b.weight"));
    net_free(&net);
}
END_TEST

START_TEST(names_may_be_those_of_what_other_nodes_are_made_of)
{
    onnx_begin((const int64_t[]){ 1, 2, 0 }, (const int64_t[]){ 1, 2, 0 });
    ONNX_FLOATS("k", ONNX_DIMS(1, 1, 2), 1, 2);
    onnx_add_string(onnx_node("c", "Conv", "x k", "h"), "auto_pad", "SAME_UPPER"); /* c.pad0 and c */
    onnx_node("c/pad0", "Relu", "h", "r");
    onnx_node("c.pad0", "Relu", "r", "y");
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(1, 2), 2);
    ck_assert_str_eq(tsr_network_layer(net.network, 0).name, "c.pad0_1");
    ck_assert_str_eq(tsr_network_layer(net.network, 1).name, "c.pad0_2");
    net_free(&net);
}
END_TEST

START_TEST(names_that_are_no_text_are_made_one)
{
    begin();
    onnx_node("w\xff\x80/\x01", "MatMul", "x w", "h\xff");
    onnx_node("\xc3\xa9", "Relu", "h\xff", "y");
    test_net net = written();
    ck_assert(has_tensor(net.network, "w__._.weight"));
    ck_assert_str_eq(tsr_network_layer(net.network, 0).name, "__");
    net_free(&net);
    onnx_model.graph->node[1]->op_type = onnx_copy("Re\xff");
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &net.network), TSR_REFUSED,
             "node '?\?' (Re?): the operator Re? is not known here");
    tsr_instance_free(m);
}
END_TEST

/* --- one layer --- */

START_TEST(an_add_of_others_behind_a_product_is_no_bias)
{
    tsr_network *network;
    begin();
    onnx_node("product", "MatMul", "x w", "h");
    onnx_node("add", "Add", "h b", "y")->domain = onnx_copy("com.example");
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED,
             "node 'add' (Add): is of the domain 'com.example', expected ONNX's own operators");
    onnx_model.graph->node[1]->domain = onnx_copy("ai.onnx");
    onnx_add_int(onnx_model.graph->node[1], "axis", 1);
    onnx_write();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED,
             "node 'add' (Add): has the attribute 'axis', which is not known here");
    tsr_instance_free(m);
    onnx_model.graph->node[1]->n_attribute = 0;
    test_net net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 6);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), -0.5f, 5);
    ck_assert(has_tensor(net.network, "product.bias"));
    net_free(&net);
}
END_TEST

/* --- shared weights --- */

START_TEST(weights_that_nodes_share_are_one_layers)
{
    begin();
    ONNX_FLOATS("g", ONNX_DIMS(2), 0.5f, 2);
    onnx_add_int(onnx_node("one", "Gemm", "x w b", "h"), "transB", 1);
    onnx_node("relu", "Relu", "h", "r");
    onnx_add_int(onnx_node("two", "Gemm", "r w b", "s"), "transB", 1);
    onnx_node("scale", "Mul", "s g", "u");
    onnx_node("again", "Mul", "u g", "y");
    test_net net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 4 + 2 + 2);
    /* h = (1 + 4 + .5, -1 + 2 + 1) = (5.5, 2); then (5.5 + 4 + .5, -5.5 + 2 + 1) = (10, -2.5) */
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 2.5f, -10);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double error = gradient_error(&net, BATCH);
    ck_assert_msg(error < 5e-3, "%g", error);
    net_free(&net);
}
END_TEST

/* As some exporters write a product with shared weights: each has the weight, and both the bias. */
START_TEST(copies_of_a_weight_are_shared_where_another_array_is)
{
    for (int shares = 0; shares < 2; shares++) {
        begin();
        ONNX_FLOATS("w2", ONNX_DIMS(2, 2), 1, 2, -1, 1);
        ONNX_FLOATS("b2", ONNX_DIMS(2), 0.5f, 1);
        onnx_node("one", "Gemm", "x w b", "h");
        onnx_node("two", "Gemm", shares ? "h w2 b" : "h w2 b2", "y");
        test_net net = written();
        ck_assert_uint_eq(tsr_network_parameters(net.network), shares ? 6 : 12);
        /* (1 - 2 + .5, 2 + 2 + 1) = (-.5, 5); (-.5 - 5 + .5, -1 + 5 + 1) */
        ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), -5, 5);
        net_free(&net);
    }
}
END_TEST

START_TEST(convolutions_slopes_and_norms_are_shared_too)
{
    onnx_begin((const int64_t[]){ 1, 4, 0 }, (const int64_t[]){ 1, 4, 0 });
    ONNX_FLOATS("k", ONNX_DIMS(1, 1, 3), 0, 1, 0);
    ONNX_FLOATS("slope", ONNX_DIMS(1, 1), 0.5f);
    ONNX_FLOATS("one", ONNX_DIMS(1), 1);
    ONNX_FLOATS("two", ONNX_DIMS(1), 2);
    ONNX_FLOATS("zero", ONNX_DIMS(1), 0);
    onnx_add_list(onnx_node("conv", "Conv", "x k", "a"), "pads", 1, 1);
    onnx_node("act", "PRelu", "a slope", "b");
    onnx_add_real(onnx_node("norm", "BatchNormalization", "b two one zero one", "c"), "epsilon", 1e-12);
    onnx_add_list(onnx_node("conv2", "Conv", "c k", "d"), "pads", 1, 1);
    onnx_node("act2", "PRelu", "d slope", "e");
    onnx_add_real(onnx_node("norm2", "BatchNormalization", "e two one zero one", "y"), "epsilon", 1e-12);
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(1, 4), 4);
    ck_assert_uint_eq(tsr_network_parameters(net.network), 3 + 1 + 2);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 2);
    ck_assert_str_eq(tsr_network_layer(net.network, 1).name, "act2");
    /* (1, -1, 3, -2), (3, -1, 7, -3), (3, -.5, 7, -1.5) */
    ONNX_GIVES(&net, 4, ((const float[]){ 1, -2, 3, -4 }), 7, 0, 15, -2);
    net_free(&net);
}
END_TEST

/* What is said on the standard error while the file is built; to be freed. */
static char *said_of(void)
{
    char path[4096], text[1024] = "";
    snprintf(path, sizeof(path), "%s/said", files_folder);
    int before = dup(STDERR_FILENO), to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(before >= 0 && to >= 0);
    fflush(stderr);
    dup2(to, STDERR_FILENO);
    test_net net = written();
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    ck_assert(pread(to, text, sizeof(text) - 1, 0) >= 0);
    close(to);
    close(before);
    net_free(&net);
    return strdup(text);
}

START_TEST(weights_that_layers_unlike_each_other_share_are_told_of)
{
    begin();
    onnx_add_int(onnx_node("one", "Gemm", "x w", "h"), "transB", 1);
    onnx_node("two", "Gemm", "h w", "y");
    char *said = said_of();
    ck_assert_msg(strstr(said, "net.onnx: 'w' is used by layers that are not one") != NULL, "%s", said);
    free(said);
    begin();
    onnx_node("one", "Gemm", "x w", "h");
    onnx_node("two", "Gemm", "h w", "y");
    said = said_of();
    ck_assert_str_eq(said, "");
    free(said);
    begin();
    onnx_node("norm", "BatchNormalization", "x b b b b", "y"); /* one array for all of one layer */
    said = said_of();
    ck_assert_str_eq(said, "");
    free(said);
}
END_TEST

/* As exporters write a layer that is applied twice: each time its weight transposed, or in another shape. */
START_TEST(weights_in_another_order_or_shape_are_shared_too)
{
    begin();
    onnx_add_list(onnx_node("t1", "Transpose", "w", "w1"), "perm", 1, 0);
    onnx_add_list(onnx_node("t2", "Transpose", "w", "w2"), "perm", 1, 0);
    onnx_node("one", "MatMul", "x w1", "h");
    onnx_node("two", "MatMul", "h w2", "y");
    test_net net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 4);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 7, -4); /* (1 + 4, -1 + 2) = (5, 1) */
    net_free(&net);
    begin();
    ONNX_INTEGERS("shape", 1, 2);
    onnx_node("r1", "Reshape", "b shape", "b1");
    onnx_node("r2", "Reshape", "b shape", "b2");
    onnx_node("one", "Add", "x b1", "h");
    onnx_node("two", "Add", "h b2", "y");
    net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 2);
    ONNX_GIVES(&net, 2, ((const float[]){ 1, 2 }), 2, 4);
    net_free(&net);
}
END_TEST

/* Equal now, the weight and its transpose do not stay equal. */
START_TEST(a_weight_and_its_transpose_are_two_layers)
{
    begin();
    ONNX_FLOATS("one", ONNX_DIMS(2, 2), 1, 0, 0, 1);
    onnx_add_list(onnx_node("turn", "Transpose", "one", "turned"), "perm", 1, 0);
    onnx_node("first", "MatMul", "x one", "h");
    onnx_node("second", "MatMul", "h turned", "y");
    char *said = said_of();
    ck_assert_msg(strstr(said, "net.onnx: 'one' is used by layers that are not one") != NULL, "%s", said);
    free(said);
    test_net net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 8);
    net_free(&net);
}
END_TEST

/* As PyTorch writes arrays that begin with equal values: what is shared by that alone is told, and stays two.
 */
START_TEST(arrays_that_an_identity_makes_equal_stay_two_layers)
{
    begin();
    onnx_node("same", "Identity", "w", "w1");
    onnx_node("one", "Gemm", "x w", "h");
    onnx_node("two", "Gemm", "h w1", "y");
    char *said = said_of();
    ck_assert_msg(strstr(said, "net.onnx: 'w' is used by layers that are not one") != NULL, "%s", said);
    free(said);
    test_net net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 8);
    net_free(&net);
    begin();
    onnx_node("same", "Identity", "w", "w1");
    onnx_node("one", "Gemm", "x w1", "h");
    onnx_node("two", "Gemm", "h w1", "y"); /* and one of them is one */
    net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 4);
    net_free(&net);
    begin();
    onnx_node("same", "Identity", "b", "b1");
    onnx_node("one", "Add", "x b1", "h");
    onnx_node("two", "Add", "h b1", "y");
    net = written();
    ck_assert_uint_eq(tsr_network_parameters(net.network), 2);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx, layers");
    TCase *layers = tcase_create("layers");
    tcase_add_checked_fixture(layers, files_make_folder, files_remove_folder);
    tcase_add_test(layers, names_are_the_files_and_unlike);
    tcase_add_test(layers, a_node_that_passes_its_input_on_does_not_rename_it);
    tcase_add_test(layers, names_may_be_those_of_what_other_nodes_are_made_of);
    tcase_add_test(layers, names_that_are_no_text_are_made_one);
    tcase_add_test(layers, an_add_of_others_behind_a_product_is_no_bias);
    tcase_add_test(layers, weights_that_nodes_share_are_one_layers);
    tcase_add_test(layers, copies_of_a_weight_are_shared_where_another_array_is);
    tcase_add_test(layers, convolutions_slopes_and_norms_are_shared_too);
    tcase_add_test(layers, weights_that_layers_unlike_each_other_share_are_told_of);
    tcase_add_test(layers, weights_in_another_order_or_shape_are_shared_too);
    tcase_add_test(layers, a_weight_and_its_transpose_are_two_layers);
    tcase_add_test(layers, arrays_that_an_identity_makes_equal_stay_two_layers);
    tcase_set_timeout(layers, 60);
    suite_add_tcase(suite, layers);
    return test_main(suite);
}
