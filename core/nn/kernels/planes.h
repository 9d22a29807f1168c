/* Convolution of single maps with a stride of 1, for convolutions in groups: the map is copied between zeros,
   and each tap of the kernel then is one long row of multiplications, whatever the width of the map. */
#ifndef TSR_NN_KERNELS_PLANES_H
#define TSR_NN_KERNELS_PLANES_H

#include <tessera/base.h>

#define TSR_PLANE_FLOATS 6144 /* of a map between zeros, on the stack */
#define TSR_PLANE_TAPS 64

/* A map of h x w between zeros, `top` rows and `left` columns before it, that becomes one of out_h x out_w.
 */
typedef struct tsr_plane {
    size_t h, w, top, left, pitch, out_h, out_w;
    size_t n_taps, offsets[TSR_PLANE_TAPS];
} tsr_plane;

/* False where the map or its kernel is too large for this. `padding` is added on all sides, and is at most
   dilation (kernel - 1). Arrays hold height's and width's. */
bool tsr_plane_of(const size_t in[2], const size_t kernel[2], const size_t dilation[2],
                  const size_t padding[2], tsr_plane *out);

/* padded = x between zeros. */
void tsr_plane_pad(const tsr_plane *plane, const float *x, float *padded);
/* sums += padded under the kernel w, n_taps values; backwards where `flipped`. sums begins as zeros. */
void tsr_plane_add(const tsr_plane *plane, const float *w, bool flipped, const float *padded, float *sums);
/* y = start + sums, without what lies between the rows. */
void tsr_plane_store(const tsr_plane *plane, const float *sums, float start, float *y);
/* dw += what the kernel's taps get by dy, whose rows lie as those of sums with zeros between them. */
void tsr_plane_add_weight_gradient(const tsr_plane *plane, const float *padded, const float *dy, float *dw);
/* sums = y, with zeros between the rows. */
void tsr_plane_spread(const tsr_plane *plane, const float *y, float *sums);

#endif
