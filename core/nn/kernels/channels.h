/* Sums over a batch, one per channel: what the gradients of biases and batch norm of vectors are
   made of. */
#ifndef TSR_NN_KERNELS_CHANNELS_H
#define TSR_NN_KERNELS_CHANNELS_H

#include <tessera/base.h>

/* out[c] = the sum over samples and positions of x, which is samples x channels x positions. */
void tsr_channel_sums(size_t samples, size_t channels, size_t positions, const float *x, float *out);

/* out[c] = the sum over samples of (x - centre[c])^2; x is samples x channels. */
void tsr_channel_squares(size_t samples, size_t channels, const float *x, const float *centre, float *out);

/* out[c] = the same of y (x - centre[c]). */
void tsr_channel_products(size_t samples, size_t channels, const float *x, const float *centre,
                          const float *y, float *out);

#endif
