/* Convolutions of each channel by itself, where maps and kernel are small enough for nn/kernels/lanes.h. */
#ifndef TSR_NN_OPS_DEPTHWISE_H
#define TSR_NN_OPS_DEPTHWISE_H

#include "nn/kernels/conv_axes.h"

#include <tessera/op.h>

/* Asks for the scratch that backward takes. */
void tsr_depthwise_setup(tsr_setup *setup, const grouped *g);

/* The pass, in full but for the gradient of the bias, which may be NULL; false, and nothing done, where the
   convolution is none of these. */
bool tsr_depthwise_forward(const tsr_pass *pass, const grouped *g, const float *bias);
bool tsr_depthwise_backward(const tsr_pass *pass, const grouped *g);

#endif
