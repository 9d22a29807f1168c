#include "onnx_nets.h"

#include <stdio.h>
#include <stdlib.h>

void onnx_write(void)
{
    size_t length;
    unsigned char *bytes = onnx_bytes(&length);
    files_write("net.onnx", bytes, length);
    free(bytes);
}

tsr_instance *onnx_instance(void)
{
    char settings[4096];
    snprintf(settings, sizeof(settings), "plugin = \"onnx\"; file = \"%s/net.onnx\";", files_folder);
    return test_instance(TSR_MODEL, settings);
}

test_net onnx_build_net(tsr_shape shape, int outputs)
{
    test_net net = { .model = onnx_instance() };
    ck_succeeds(tsr_network_new(net.model, shape, outputs, 1, &net.network));
    net.loss = test_give_loss(net.network);
    return net;
}

void onnx_gives(test_net *net, const float *x, size_t n, const float *expected)
{
    float y[64];
    ck_succeeds(tsr_network_predict(net->network, 1, x, y));
    for (size_t i = 0; i < n; i++)
        ck_assert_float_eq_tol(y[i], expected[i], 1e-5f);
}

void onnx_make_two_layers(void)
{
    onnx_begin((const int64_t[]){ 2, 0 }, (const int64_t[]){ 2, 0 });
    ONNX_FLOATS("w", ONNX_DIMS(3, 2), 1, 2, -1, 1, 0.5f, -2);
    ONNX_FLOATS("b", ONNX_DIMS(3), 0, 1, -0.5f);
    ONNX_FLOATS("v", ONNX_DIMS(3, 2), 1, 0, 0, 1, 2, -1);
    onnx_add_int(onnx_node("/fc1/Gemm", "Gemm", "x w b", "h"), "transB", 1);
    onnx_node("/act/Relu", "Relu", "h", "r");
    onnx_node("", "MatMul", "r v", "logits");
    onnx_node("end", "Softmax", "logits", "y");
}

void onnx_make_maps(void)
{
    onnx_begin((const int64_t[]){ 2, 4, 3, 0 }, (const int64_t[]){ 3, 0 });
    ONNX_FLOATS("k", ONNX_DIMS(3, 2, 2, 2), 0.3f, -0.4f, 0.25f, 0.7f, -0.6f);
    ONNX_FLOATS("s", ONNX_DIMS(3, 1, 1), 0.7f, -1.2f, 0.4f);
    ONNX_FLOATS("o", ONNX_DIMS(3, 4, 3), 0.11f, -0.37f, 0.23f, 0.05f);
    ONNX_FLOATS("slopes", ONNX_DIMS(3, 1, 1), 0.1f, 0.3f, -0.2f);
    ONNX_FLOATS("w", ONNX_DIMS(3, 36), 0.2f, -0.1f, 0.15f, 0.3f, -0.25f);
    onnx_add_string(onnx_node("conv", "Conv", "x k", "a"), "auto_pad", "SAME_UPPER");
    onnx_node("scale", "Mul", "a s", "b");
    onnx_node("offset", "Add", "o b", "c");
    onnx_node("swish", "HardSwish", "c", "d");
    onnx_node("prelu", "PRelu", "d slopes", "e");
    onnx_node("abs", "Abs", "e", "f");
    onnx_node("flat", "Flatten", "f", "g");
    onnx_add_int(onnx_node("fc", "Gemm", "g w", "y"), "transB", 1);
    onnx_model.opset_import[0]->version = 14;
}
