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
    { negative_dim, "tensor 'w'" },
    { huge_dims, "tensor 'w': its dimensions do not fit in memory" },
    { weight_of_another_width, "node '/fc1/Gemm' (Gemm): its weight takes 3 features, and there are 2" },
    { not_finite, "is nan, expected finite" },
    { two_inputs, "has the inputs 'x' and 'mask', expected one" },
    { over_the_batch, "node '/act/Relu' (Concat): joins along axis 0, the batch" },
    { other_batch, "node '/act/Relu' (Reshape): the shape begins with 3, expected the batch" },
    { moved_batch, "node '/act/Relu' (Transpose): perm has 2 elements and begins with 1" },
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

/* Whatever the bytes: a network or a message. */
static void try_bytes(const unsigned char *bytes, size_t length)
{
    tsr_instance *m = onnx_instance();
    tsr_network *network = NULL;
    files_write("net.onnx", bytes, length);
    tsr_status *status = tsr_network_new(m, TSR_SHAPE(2, 4, 3), 3, 1, &network);
    ck_assert(!status || *tsr_status_message(status));
    if (!status)
        tsr_network_free(network);
    tsr_status_free(status);
    tsr_instance_free(m);
}

START_TEST(files_cut_off_or_changed_anywhere_do_no_harm)
{
    size_t length;
    onnx_make_maps();
    unsigned char *bytes = onnx_bytes(&length);
    for (size_t i = 0; i < length; i += 3)
        try_bytes(bytes, i);
    for (size_t i = 0; i < length; i += 2) {
        unsigned char before = bytes[i];
        bytes[i] ^= (unsigned char)(1 << (i / 2 % 8));
        try_bytes(bytes, length);
        bytes[i] = before;
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx, refused");
    TCase *refused = tcase_create("refused");
    tcase_add_checked_fixture(refused, files_make_folder, files_remove_folder);
    tcase_add_loop_test(refused, what_cannot_be_is_refused_by_name, 0, sizeof(damages) / sizeof(*damages));
    tcase_add_test(refused, files_cut_off_or_changed_anywhere_do_no_harm);
    tcase_set_timeout(refused, 60);
    suite_add_tcase(suite, refused);
    return test_main(suite);
}
