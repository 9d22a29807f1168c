/* Model onnx: what is said of files that are damaged or beyond it. */
#include "onnx_nets.h"

#include "nn/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static Onnx__Graph *graph(void)
{
    return onnx_model.graph;
}

/* The node that was made last in place of the second. */
static void put_in_the_middle(Onnx__Node *node)
{
    graph()->node[1] = node;
    graph()->n_node--;
}

static void no_graph(void)
{
    onnx_model.graph = NULL;
}

static void old(void)
{
    onnx_model.opset_import[0]->version = 6;
}

static void new (void)
{
    onnx_model.opset_import[0]->version = 99;
}

static void two_sets(void)
{
    static Onnx__OperatorSet *list[2];
    list[0] = list[1] = onnx_model.opset_import[0];
    onnx_model.n_opset_import = 2;
    onnx_model.opset_import = list;
}

static void unknown_operator(void)
{
    graph()->node[1]->op_type = onnx_copy("Gelu");
}

static void unknown_domain(void)
{
    graph()->node[1]->domain = onnx_copy("com.microsoft");
}

static void unknown_attribute(void)
{
    onnx_add_int(graph()->node[1], "fast", 1);
}

static void attribute_of_another_type(void)
{
    onnx_add_string(graph()->node[0], "alpha", "much");
}

static void missing_input(void)
{
    graph()->node[1]->input[0] = onnx_copy("nowhere");
}

static void too_few_inputs(void)
{
    graph()->node[0]->n_input = 1;
}

static void made_twice(void)
{
    graph()->node[1]->output[0] = onnx_copy("h");
}

static void short_tensor(void)
{
    graph()->initializer[0]->n_float_data = 5;
}

static void strange_type(void)
{
    graph()->initializer[0]->data_type = 8;
}

static void negative_dim(void)
{
    graph()->initializer[0]->dims[0] = -3;
}

static void huge_dims(void)
{
    graph()->initializer[0]->dims[0] = INT64_MAX;
    graph()->initializer[0]->dims[1] = INT64_MAX;
}

static void weight_of_another_width(void)
{
    ONNX_FLOATS("other", ONNX_DIMS(2, 3), 1);
    graph()->node[0]->input[1] = onnx_copy("other");
}

static void not_finite(void)
{
    graph()->initializer[0]->float_data[3] = NAN;
}

static void two_inputs(void)
{
    static Onnx__ValueInfo other = ONNX__VALUE_INFO__INIT;
    static Onnx__ValueInfo *list[2];
    other.name = onnx_copy("mask");
    list[0] = graph()->input[0], list[1] = &other;
    graph()->n_input = 2;
    graph()->input = list;
}

static void over_the_batch(void)
{
    graph()->node[1]->op_type = onnx_copy("Concat");
    onnx_add_int(graph()->node[1], "axis", 0);
}

static void other_batch(void)
{
    graph()->node[1]->op_type = onnx_copy("Reshape");
    onnx_add_list(graph()->node[1], "shape", 3, -1);
}

static void moved_batch(void)
{
    graph()->node[1]->op_type = onnx_copy("Transpose");
    onnx_add_list(graph()->node[1], "perm", 1, 0);
}

static void divided_by_zero(void)
{
    ONNX_FLOATS("zeros", ONNX_DIMS(3), 0);
    put_in_the_middle(onnx_node("half", "Div", "h zeros", "r"));
}

static void crossed_limits(void)
{
    ONNX_FLOATS("high", ONNX_DIMS(1), 1);
    ONNX_FLOATS("low", ONNX_DIMS(1), 2);
    put_in_the_middle(onnx_node("clip", "Clip", "h low high", "r"));
}

static void dilated_pool(void)
{
    graph()->node[1]->op_type = onnx_copy("MaxPool");
    onnx_add_list(graph()->node[1], "kernel_shape", 2, 2);
}

static void sparse(void)
{
    static uint8_t byte = 1;
    static ProtobufCBinaryData message = { 1, &byte };
    graph()->n_sparse_initializer = 1;
    graph()->sparse_initializer = &message;
}

static const struct {
    void (*damage)(void);
    const char *text;
} damages[] = {
    { no_graph, "net.onnx: has no graph" },
    { old, "is of operator set 6, expected 7 to" },
    { new, "is of operator set 99, expected 7 to" },
    { two_sets, "net.onnx: is of 2 operator sets, expected one" },
    { sparse, "has sparse initializers" },
    { unknown_operator, "node '/act/Relu' (Gelu): the operator Gelu is not known here" },
    { unknown_domain, "node '/act/Relu' (Relu): is of the domain 'com.microsoft'" },
    { unknown_attribute, "node '/act/Relu' (Relu): has the attribute 'fast'" },
    { attribute_of_another_type, "node '/fc1/Gemm' (Gemm): attribute alpha is of type 3, expected a float" },
    { missing_input, "node '/act/Relu' (Relu): input 'nowhere' is made by no node before it" },
    { too_few_inputs, "node '/fc1/Gemm' (Gemm): has 1 inputs, expected 2 to 3" },
    { made_twice, "the value 'h' is made twice" },
    { short_tensor, "node '/fc1/Gemm' (Gemm): tensor 'w' has 5 values, expected 6" },
    { strange_type, "tensor 'w' is of data type 8, expected floats, integers or bools" },
    { negative_dim, "node '/fc1/Gemm' (Gemm): tensor 'w': dimension 0 is -3, expected 0 to 2147483647" },
    { huge_dims, "tensor 'w': dimension 0 is 9223372036854775807, expected 0 to 2147483647" },
    { weight_of_another_width, "node '/fc1/Gemm' (Gemm): its weight takes 3 features, and there are 2" },
    { not_finite, "is nan, expected finite" },
    { two_inputs, "has the inputs 'x' and 'mask', expected one" },
    { over_the_batch, "node '/act/Relu' (Concat): joins along axis 0, the batch" },
    { other_batch, "node '/act/Relu' (Reshape): the shape begins with 3, expected the batch" },
    { moved_batch, "node '/act/Relu' (Transpose): perm begins with 1, expected 0" },
    { divided_by_zero, "node 'half' (Div): divides by 0" },
    { crossed_limits, "node 'clip' (Clip): its pieces meet at 1, expected finite and ascending places" },
    { dilated_pool, "node '/act/Relu' (MaxPool): its input has 1 dimensions beside the batch" },
};

START_TEST(what_cannot_be_is_refused_by_name)
{
    tsr_network *network;
    onnx_make_two_layers();
    damages[_i].damage();
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(2), 2, 1, &network), TSR_REFUSED, damages[_i].text);
    tsr_instance_free(m);
}
END_TEST

/* --- whole files --- */

static void begin(int64_t opset)
{
    onnx_begin((const int64_t[]){ 4, 0 }, (const int64_t[]){ 4, 0 });
    onnx_model.opset_import[0]->version = opset;
}

static void nan_slope(void)
{
    begin(13);
    onnx_add_real(onnx_node("leaky", "LeakyRelu", "x", "y"), "alpha", NAN);
}

static void nan_limit(void)
{
    begin(13);
    ONNX_FLOATS("low", ONNX_DIMS(1), NAN);
    onnx_node("clip", "Clip", "x low", "y");
}

static void infinite_limit(void)
{
    begin(13);
    ONNX_FLOATS("low", ONNX_DIMS(1), INFINITY);
    onnx_node("clip", "Clip", "x low", "y");
}

static void infinite_padding(void)
{
    begin(13);
    ONNX_INTEGERS("pads", 0, 0, 0, 1);
    ONNX_FLOATS("value", ONNX_DIMS(1), -INFINITY);
    onnx_node("pad", "Pad", "x pads value", "y");
}

static void negative_variance(void)
{
    begin(13);
    ONNX_FLOATS("a", ONNX_DIMS(4), 1);
    ONNX_FLOATS("v", ONNX_DIMS(4), 1, 1, -0.5f, 1);
    onnx_node("norm", "BatchNormalization", "x a a a v", "y");
}

static void split_of_too_little(void)
{
    begin(13);
    ONNX_INTEGERS("parts", 1, 2);
    onnx_add_int(onnx_node("split", "Split", "x parts", "a y"), "axis", 1);
}

static void split_into_unlike_parts(void)
{
    begin(13);
    onnx_add_int(onnx_node("split", "Split", "x", "a b y"), "axis", 1);
}

static void part_of_the_batch(void)
{
    begin(13);
    ONNX_INTEGERS("first", 1);
    ONNX_INTEGERS("last", INT64_MAX);
    onnx_node("slice", "Slice", "x first last", "y");
}

static void log_softmax_inside(void)
{
    begin(13);
    onnx_node("log", "LogSoftmax", "x", "h");
    onnx_node("relu", "Relu", "h", "y");
}

/* What is computed of the number of samples, which a network does not know. */
static void batch_as_number(void)
{
    begin(13);
    ONNX_INTEGERS("at", 0);
    onnx_node("shape", "Shape", "x", "s");
    onnx_node("first", "Gather", "s at", "n");
    onnx_add_int(onnx_node("real", "Cast", "n", "r"), "to", 1);
    onnx_node("end", "Mul", "x r", "y");
}

/* The list n of the number of samples alone. */
static void make_batch_size(void)
{
    begin(13);
    ONNX_INTEGERS("at", 0);
    onnx_node("shape", "Shape", "x", "s");
    onnx_node("first", "Gather", "s at", "n");
}

static void slice_up_to_the_batch(void)
{
    make_batch_size();
    ONNX_INTEGERS("first", 0);
    ONNX_INTEGERS("axis", 1);
    onnx_node("slice", "Slice", "x first n axis", "y");
}

static void slice_from_the_batch(void)
{
    make_batch_size();
    ONNX_INTEGERS("last", 4);
    ONNX_INTEGERS("axis", -1);
    onnx_node("slice", "Slice", "x n last axis", "y");
}

/* Of a list of integers, which is computed beforehand. */
static void slice_of_a_list(void)
{
    make_batch_size();
    ONNX_INTEGERS("first", 0);
    ONNX_INTEGERS("list", -1, 4);
    onnx_node("slice", "Slice", "list first n", "part");
    onnx_node("end", "Reshape", "x part", "y");
}

static void limit_of_the_batch(void)
{
    make_batch_size();
    onnx_node("clip", "Clip", "x n", "y");
}

static void other_axis_of_lists(void)
{
    begin(13);
    ONNX_INTEGERS("a", 0);
    ONNX_INTEGERS("b", -1);
    onnx_add_int(onnx_node("join", "Concat", "a b", "s"), "axis", 1);
    onnx_node("end", "Reshape", "x s", "y");
}

static void shapes_that_do_not_fit(void)
{
    begin(13);
    ONNX_FLOATS("a", ONNX_DIMS(4), 1);
    ONNX_FLOATS("b", ONNX_DIMS(2, 3), 1);
    onnx_node("sum", "Add", "a b", "s");
    onnx_node("end", "Add", "x s", "y");
}

static void constant_along_the_batch(void)
{
    begin(13);
    ONNX_FLOATS("a", ONNX_DIMS(1, 1, 4), 1, 2);
    onnx_node("sum", "Add", "x a", "y");
}

static void root_of_less_than_nothing(void)
{
    begin(13);
    ONNX_FLOATS("a", ONNX_DIMS(4), -1);
    onnx_node("root", "Sqrt", "a", "s");
    onnx_node("end", "Add", "x s", "y");
}

static void same_attribute_twice(void)
{
    begin(13);
    Onnx__Node *node = onnx_node("leaky", "LeakyRelu", "x", "y");
    onnx_add_real(node, "alpha", 0.1);
    onnx_add_real(node, "alpha", 0.2);
}

static const struct {
    void (*make)(void);
    const char *text;
} wholes[] = {
    { nan_slope, "node 'leaky' (LeakyRelu): attribute alpha is nan, expected a finite number" },
    { nan_limit, "node 'clip' (Clip): its limit min is nan" },
    { infinite_limit, "node 'clip' (Clip): its pieces meet at inf, expected finite" },
    { infinite_padding, "node 'pad' (Pad): its value is -inf, expected a finite number" },
    { negative_variance, "node 'norm' (BatchNormalization): its variance 2 is -0.5, expected at least 0" },
    { split_of_too_little, "node 'split' (Split): its part 1 has 2 of 3 values that are left" },
    { split_into_unlike_parts, "node 'split' (Split): makes 3 parts of 4 values, expected parts alike" },
    { part_of_the_batch, "node 'slice' (Slice): takes a part of the batch" },
    { log_softmax_inside, "node 'log' (LogSoftmax): is known at the end alone" },
    { batch_as_number, "node 'real' (Cast): computes with the size of the batch" },
    { slice_up_to_the_batch, "node 'slice' (Slice): takes axis 1 to the number of samples" },
    { slice_from_the_batch, "node 'slice' (Slice): takes axis 1 from the number of samples" },
    { slice_of_a_list, "node 'slice' (Slice): takes axis 0 to the number of samples" },
    { limit_of_the_batch, "node 'clip' (Clip): its limit min is no number" },
    { other_axis_of_lists, "node 'join' (Concat): axis 1 is none of a list" },
    { shapes_that_do_not_fit, "node 'sum' (Add): joins 4 values with 3 in dimension 1" },
    { constant_along_the_batch, "node 'sum' (Add): takes a constant of 3 dimensions beside 2" },
    { root_of_less_than_nothing, "node 'root' (Sqrt): takes the root of -1" },
    { same_attribute_twice, "node 'leaky' (LeakyRelu): has the attribute 'alpha' twice" },
};

START_TEST(what_a_network_here_does_not_have_is_refused_by_name)
{
    tsr_network *network;
    wholes[_i].make();
    onnx_write();
    tsr_instance *m = onnx_instance();
    ck_fails(tsr_network_new(m, TSR_SHAPE(4), 4, 1, &network), TSR_REFUSED, wholes[_i].text);
    tsr_instance_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx, refused");
    TCase *refused = tcase_create("refused");
    tcase_add_checked_fixture(refused, files_make_folder, files_remove_folder);
    tcase_add_loop_test(refused, what_cannot_be_is_refused_by_name, 0, sizeof(damages) / sizeof(*damages));
    tcase_add_loop_test(refused, what_a_network_here_does_not_have_is_refused_by_name, 0,
                        sizeof(wholes) / sizeof(*wholes));
    tcase_set_timeout(refused, 60);
    suite_add_tcase(suite, refused);
    return test_main(suite);
}
