/* Batch normalisation of feature maps, with what may follow it done in the same pass over memory. */
#ifndef TSR_NN_KERNELS_NORM_MAPS_H
#define TSR_NN_KERNELS_NORM_MAPS_H

#include "nn/ops/ops.h"

/* y = f(normalised x + beside): inputs are x and, where there are two, beside; f is config->activation, or
   the identity where that is NULL. Parameters are scale, shift and, where f learns, its slopes. */
void tsr_norm_maps_forward(const tsr_pass *pass);
void tsr_norm_maps_backward(const tsr_pass *pass);

#endif
