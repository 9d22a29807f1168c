/* Depthwise convolution of small maps, of sixteen channels at a time: their maps are exchanged, so that a
   pixel's sixteen values lie together, and each tap of the kernel then is one multiplication for all,
   whatever the width of the map and the stride. */
#ifndef TSR_NN_KERNELS_LANES_H
#define TSR_NN_KERNELS_LANES_H

#include <tessera/base.h>

enum { TSR_LANES_CHANNELS = 16, TSR_LANES_PIXELS = 1296, TSR_LANES_TAPS = 64 };

/* One axis of a convolution. */
typedef struct tsr_lanes_axis {
    size_t in, out, kernel, stride, padding, dilation;
} tsr_lanes_axis;

/* A convolution of maps of h.in x w.in, each with its own kernel. */
typedef struct tsr_lanes_conv {
    tsr_lanes_axis h, w;
} tsr_lanes_conv;

/* Whether maps, between the zeros that are put around them, and kernel are small enough for this. */
bool tsr_lanes_fit(const tsr_lanes_conv *conv);

/* n channels, at most 16, that follow one another, of so many samples; the maps of a sample begin `channels`
   maps after those of the one before. */
typedef struct tsr_lanes_part {
    size_t n, samples, channels;
} tsr_lanes_part;

/* y = start + x under w; start NULL: 0. The taps of an output are added up in their order. */
void tsr_lanes_forward(const tsr_lanes_conv *conv, const tsr_lanes_part *part, const float *x, const float *w,
                       const float *start, float *y);

/* dw, n kernels: the sum over samples of what the taps get by dy; and dx, in full, unless it is NULL. */
void tsr_lanes_backward(const tsr_lanes_conv *conv, const tsr_lanes_part *part, const float *x,
                        const float *w, const float *dy, float *dw, float *dx);

#endif
