/* Networks that the tests of model onnx share. */
#ifndef TSR_TESTS_ONNX_NETS_H
#define TSR_TESTS_ONNX_NETS_H

#include "files_check.h"
#include "nn/nets.h"
#include "onnx_make.h"

/* Writes the file that was made as net.onnx in the test's folder, and the model that reads it. */
void onnx_write(void);
tsr_instance *onnx_instance(void);

/* The network of that file, with a loss, for data of this shape. */
test_net onnx_build_net(tsr_shape shape, int outputs);
/* Whether its logits for an input x begin with these n. */
void onnx_gives(test_net *net, const float *x, size_t n, const float *expected);
#define ONNX_GIVES(net, n, x, ...) onnx_gives(net, x, n, (const float[]){ __VA_ARGS__ })

/* 2 inputs, 3 hidden units, 2 outputs and a softmax. */
void onnx_make_two_layers(void);
/* 2 x 4 x 3 to 3 by all that the plugin computes itself: pads, pieces, arrays. */
void onnx_make_maps(void);

#endif
