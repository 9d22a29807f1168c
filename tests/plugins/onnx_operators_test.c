/* Model onnx: operators one by one, by values computed by hand. */
#include "onnx_nets.h"

#include "nn/network.h"

static void begin(int64_t inputs, int64_t outputs, int64_t opset)
{
    onnx_begin((const int64_t[]){ inputs, 0 }, (const int64_t[]){ outputs, 0 });
    onnx_model.opset_import[0]->version = opset;
}

static void begin_maps(int64_t channels, int64_t side, int64_t outputs)
{
    onnx_begin((const int64_t[]){ channels, side, 0 }, (const int64_t[]){ outputs, 0 });
}

static void gives(tsr_shape shape, int outputs, const float *x, const float *expected)
{
    onnx_write();
    test_net net = onnx_build_net(shape, outputs);
    onnx_gives(&net, x, (size_t)outputs, expected);
    net_free(&net);
}

#define GIVES(shape, x, ...)                                                                                 \
    gives(shape, (int)(sizeof((float[]){ __VA_ARGS__ }) / sizeof(float)), x, (const float[]){ __VA_ARGS__ })

#define X(...) ((const float[]){ __VA_ARGS__ })

/* --- norms --- */

START_TEST(layer_normalization_is_over_its_last_axes)
{
    begin(4, 4, 17);
    ONNX_FLOATS("g", ONNX_DIMS(4), 1, 2, 3, 4);
    ONNX_FLOATS("h", ONNX_DIMS(4), 0.5f);
    onnx_add_real(onnx_node("norm", "LayerNormalization", "x g h", "y"), "epsilon", 1e-12);
    GIVES(TSR_SHAPE(4), X(1, 1, 3, 3), -0.5f, -1.5f, 3.5f, 4.5f);
    onnx_begin((const int64_t[]){ 2, 2, 0 }, (const int64_t[]){ 2, 2, 0 });
    onnx_model.opset_import[0]->version = 17;
    ONNX_FLOATS("g", ONNX_DIMS(2, 2), 1, 2, 3, 4);
    Onnx__Node *node = onnx_node("norm", "LayerNormalization", "x g", "y");
    onnx_add_real(node, "epsilon", 1e-12);
    onnx_add_int(node, "axis", 1);
    GIVES(TSR_SHAPE(2, 2), X(1, 1, 3, 3), -1, -2, 3, 4);
}
END_TEST

/* A norm written out, whose axes, exponent and epsilon Constant nodes make, as from operator set 18 on. */
static void written_norm(double exponent, const char *variance_axes, int64_t keepdims)
{
    begin(4, 4, 18);
    onnx_add_list(onnx_node("c1", "Constant", "", "axes"), "value_ints", -1);
    onnx_add_list(onnx_node("c2", "Constant", "", "others"), "value_ints", 0);
    onnx_add_real(onnx_node("c3", "Constant", "", "two"), "value_float", exponent);
    onnx_add_real(onnx_node("c4", "Constant", "", "eps"), "value_float", 1e-12);
    onnx_node("mean", "ReduceMean", "x axes", "m");
    onnx_node("sub", "Sub", "x m", "d");
    onnx_node("pow", "Pow", "d two", "p");
    onnx_add_int(onnx_node("mean2", "ReduceMean", variance_axes, "v"), "keepdims", keepdims);
    onnx_node("add", "Add", "eps v", "w");
    onnx_node("sqrt", "Sqrt", "w", "r");
    onnx_node("div", "Div", "d r", "y");
}

START_TEST(a_norm_written_out_may_have_its_numbers_in_constant_nodes)
{
    written_norm(2, "p axes", 1);
    GIVES(TSR_SHAPE(4), X(1, 1, 3, 3), -1, -1, 1, 1);
}
END_TEST

static const struct {
    double exponent;
    const char *axes;
    int64_t keepdims;
    const char *text;
} lookalikes[] = {
    { 3, "p axes", 1, "node 'pow' (Pow): raises to 3, expected 2" },
    { 2, "p others", 1, "node 'mean2' (ReduceMean): is over the batch" },
    { 2, "p axes", 0, "node 'sqrt' (Sqrt): takes a root" },
};

START_TEST(what_looks_like_a_norm_and_is_none_is_refused)
{
    tsr_network *network;
    written_norm(lookalikes[_i].exponent, lookalikes[_i].axes, lookalikes[_i].keepdims);
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(4), 4, 1, &network), TSR_REFUSED, lookalikes[_i].text);
    tsr_instance_free(m);
}
END_TEST

START_TEST(a_mean_over_no_axes_may_do_nothing)
{
    begin(2, 2, 18);
    onnx_add_int(onnx_node("mean", "ReduceMean", "x", "y"), "noop_with_empty_axes", 1);
    GIVES(TSR_SHAPE(2), X(1, 2), 1, 2);
}
END_TEST

/* --- parts and windows --- */

START_TEST(parts_of_a_split_are_those_it_says)
{
    begin(5, 4, 13);
    ONNX_INTEGERS("lengths", 1, 3, 1);
    onnx_add_int(onnx_node("split", "Split", "x lengths", "a b c"), "axis", 1);
    onnx_add_int(onnx_node("join", "Concat", "b a", "y"), "axis", -1);
    GIVES(TSR_SHAPE(5), X(1, 2, 3, 4, 5), 2, 3, 4, 1);
    begin(5, 5, 18);
    Onnx__Node *split = onnx_node("split", "Split", "x", "a b");
    onnx_add_int(split, "axis", 1);
    onnx_add_int(split, "num_outputs", 2);
    onnx_add_int(onnx_node("join", "Concat", "b a", "y"), "axis", 1);
    GIVES(TSR_SHAPE(5), X(1, 2, 3, 4, 5), 4, 5, 1, 2, 3);
}
END_TEST

START_TEST(a_global_max_pool_takes_the_largest_of_each_channel)
{
    begin_maps(2, 3, 2);
    onnx_node("pool", "GlobalMaxPool", "x", "p");
    onnx_node("flat", "Flatten", "p", "y");
    GIVES(TSR_SHAPE(2, 3), X(1, -2, 0.5f, -3, -1, -2), 1, -1);
}
END_TEST

START_TEST(same_lower_pads_before)
{
    begin_maps(1, 3, 3);
    ONNX_FLOATS("k", ONNX_DIMS(1, 1, 2), 1, 10);
    onnx_add_string(onnx_node("conv", "Conv", "x k", "y"), "auto_pad", "SAME_LOWER");
    GIVES(TSR_SHAPE(1, 3), X(1, 2, 3), 10, 21, 32);
    begin_maps(1, 3, 3);
    ONNX_FLOATS("k", ONNX_DIMS(1, 1, 2), 1, 10);
    onnx_add_string(onnx_node("conv", "Conv", "x k", "y"), "auto_pad", "SAME_UPPER");
    GIVES(TSR_SHAPE(1, 3), X(1, 2, 3), 21, 32, 3);
}
END_TEST

START_TEST(a_slice_of_the_whole_batch_takes_all)
{
    begin(3, 2, 13);
    ONNX_INTEGERS("first", 0, 1);
    ONNX_INTEGERS("last", INT64_MAX, 3);
    onnx_node("slice", "Slice", "x first last", "y");
    GIVES(TSR_SHAPE(3), X(1, 2, 3), 2, 3);
}
END_TEST

START_TEST(one_value_of_a_sample_is_flattened_to_one)
{
    begin(2, 1, 13);
    ONNX_INTEGERS("at", 1);
    onnx_model.graph->initializer[0]->n_dims = 0;
    onnx_add_int(onnx_node("pick", "Gather", "x at", "a"), "axis", 1);
    onnx_node("flat", "Flatten", "a", "y");
    GIVES(TSR_SHAPE(2), X(5, 7), 7);
}
END_TEST

START_TEST(a_hard_sigmoid_is_a_layer_of_two_breakpoints)
{
    begin(3, 3, 13);
    Onnx__Node *node = onnx_node("gate", "HardSigmoid", "x", "y");
    onnx_add_real(node, "alpha", 0.25);
    onnx_add_real(node, "beta", 0.5);
    onnx_write();
    test_net net = onnx_build_net(TSR_SHAPE(3), 3);
    ONNX_GIVES(&net, 3, X(-3, 1, 4), 0, 0.75f, 1);
    float at[6];
    tsr_network_breakpoints(net.network, 0, at);
    ck_assert_uint_eq(tsr_network_layer(net.network, 0).n_breakpoints, 2);
    ck_assert_float_eq_tol(at[0], -2, 1e-6f);
    net_free(&net);
}
END_TEST

START_TEST(limits_without_end_are_none)
{
    begin(2, 2, 13);
    ONNX_FLOATS("low", ONNX_DIMS(1), -__builtin_inff());
    ONNX_FLOATS("high", ONNX_DIMS(1), 1);
    onnx_node("clip", "Clip", "x low high", "y");
    GIVES(TSR_SHAPE(2), X(-5, 5), -5, 1);
}
END_TEST

/* --- constants --- */

START_TEST(constants_are_computed_beforehand)
{
    begin(6, 6, 13);
    ONNX_FLOATS("table", ONNX_DIMS(2, 3), 1, 2, 3, 4, 5, 6);
    ONNX_INTEGERS("shape", 3, 1);
    ONNX_INTEGERS("first", 2);
    ONNX_INTEGERS("last", -4);
    ONNX_INTEGERS("axis", 0);
    ONNX_INTEGERS("step", -1);
    ONNX_INTEGERS("flat", 6);
    onnx_node("turn", "Transpose", "table", "t");              /* 1 4; 2 5; 3 6 */
    onnx_node("back", "Slice", "t first last axis step", "s"); /* 3 6; 2 5; 1 4 */
    Onnx__Node *filled = onnx_node("fill", "ConstantOfShape", "shape", "f");
    Onnx__Tensor *ten = ONNX_FLOATS("ten", ONNX_DIMS(1), 10);
    Onnx__Attribute *value = onnx_add_int(filled, "value", 0);
    value->has_type = 0;
    value->t = ten;
    onnx_model.graph->n_initializer--;
    onnx_node("sum", "Add", "s f", "u"); /* of 3 x 2 and 3 x 1 */
    onnx_node("list", "Reshape", "u flat", "l");
    onnx_node("end", "Add", "x l", "y");
    GIVES(TSR_SHAPE(6), X(0, 0, 0, 0, 0, 100), 13, 16, 12, 15, 11, 114);
}
END_TEST

START_TEST(constants_are_joined_as_numpy_joins_them)
{
    begin(6, 6, 13);
    ONNX_FLOATS("row", ONNX_DIMS(3), 1, 2, 3);
    ONNX_FLOATS("column", ONNX_DIMS(2, 1), 10, 20);
    ONNX_INTEGERS("flat", -1);
    onnx_node("product", "Mul", "row column", "p");
    onnx_node("list", "Reshape", "p flat", "l");
    onnx_node("end", "Add", "x l", "y");
    GIVES(TSR_SHAPE(6), X(0, 0, 0, 0, 0, 0), 10, 20, 30, 20, 40, 60);
    begin(4, 4, 13); /* as many elements, and not of one shape */
    ONNX_FLOATS("row", ONNX_DIMS(2), 1, 2);
    ONNX_FLOATS("column", ONNX_DIMS(2, 1), 10, 20);
    ONNX_INTEGERS("flat", -1);
    onnx_node("sum", "Add", "row column", "p");
    onnx_node("list", "Reshape", "p flat", "l");
    onnx_node("end", "Add", "x l", "y");
    GIVES(TSR_SHAPE(4), X(0, 0, 0, 0), 11, 12, 21, 22);
}
END_TEST

/* Of one sample a constant of more dimensions is one too. */
START_TEST(a_constant_of_more_dimensions_goes_with_a_batch_of_one)
{
    begin(2, 2, 13);
    Onnx__Dimension *batch = onnx_model.graph->input[0]->type->tensor_type->shape->dim[0];
    batch->has_dim_value = 1;
    batch->dim_value = 1;
    ONNX_FLOATS("a", ONNX_DIMS(1, 2, 1), 10, 20);
    onnx_node("sum", "Add", "x a", "s");
    onnx_node("flat", "Flatten", "s", "y");
    GIVES(TSR_SHAPE(2), X(1, 2), 11, 12, 21, 22);
}
END_TEST

/* --- the end --- */

START_TEST(a_softmax_before_a_last_reshape_is_the_losss)
{
    static const char *const ends[] = { "Flatten", "Identity", "Reshape", "Squeeze" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        onnx_begin((const int64_t[]){ 2, 1, 0 }, (const int64_t[]){ 2, 0 });
        ONNX_INTEGERS("shape", 0, -1);
        ONNX_INTEGERS("axes", 2);
        onnx_add_int(onnx_node("soft", i % 2 ? "LogSoftmax" : "Softmax", "x", "s"), "axis", 1);
        onnx_node("end", ends[i], i == 2 ? "s shape" : i == 3 ? "s axes" : "s", "y");
        GIVES(TSR_SHAPE(2, 1), X(3, -4), 3, -4);
    }
}
END_TEST

START_TEST(a_softmax_over_a_part_of_a_sample_is_a_layer)
{
    onnx_begin((const int64_t[]){ 2, 2, 0 }, (const int64_t[]){ 4, 0 });
    onnx_add_int(onnx_node("soft", "Softmax", "x", "s"), "axis", 2);
    onnx_node("end", "Flatten", "s", "y");
    GIVES(TSR_SHAPE(2, 2), X(1, 1, 0, 100), 0.5f, 0.5f, 0, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx, operators");
    TCase *operators = tcase_create("operators");
    tcase_add_checked_fixture(operators, files_make_folder, files_remove_folder);
    tcase_add_test(operators, layer_normalization_is_over_its_last_axes);
    tcase_add_test(operators, a_norm_written_out_may_have_its_numbers_in_constant_nodes);
    tcase_add_loop_test(operators, what_looks_like_a_norm_and_is_none_is_refused, 0,
                        sizeof(lookalikes) / sizeof(*lookalikes));
    tcase_add_test(operators, a_mean_over_no_axes_may_do_nothing);
    tcase_add_test(operators, parts_of_a_split_are_those_it_says);
    tcase_add_test(operators, a_global_max_pool_takes_the_largest_of_each_channel);
    tcase_add_test(operators, same_lower_pads_before);
    tcase_add_test(operators, a_slice_of_the_whole_batch_takes_all);
    tcase_add_test(operators, one_value_of_a_sample_is_flattened_to_one);
    tcase_add_test(operators, a_hard_sigmoid_is_a_layer_of_two_breakpoints);
    tcase_add_test(operators, limits_without_end_are_none);
    tcase_add_test(operators, constants_are_computed_beforehand);
    tcase_add_test(operators, constants_are_joined_as_numpy_joins_them);
    tcase_add_test(operators, a_constant_of_more_dimensions_goes_with_a_batch_of_one);
    tcase_add_test(operators, a_softmax_before_a_last_reshape_is_the_losss);
    tcase_add_test(operators, a_softmax_over_a_part_of_a_sample_is_a_layer);
    tcase_set_timeout(operators, 60);
    suite_add_tcase(suite, operators);
    return test_main(suite);
}
