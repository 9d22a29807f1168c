/* The arithmetic of convolutions in groups, with dilation, axis by axis. */
#ifndef TSR_NN_KERNELS_CONV_AXES_H
#define TSR_NN_KERNELS_CONV_AXES_H

#include <stddef.h>

/* One dimension of the arithmetic, and a number that each passes on. */
typedef struct axis {
    size_t in, out, kernel, stride, padding, dilation;
} axis;

typedef struct grouped {
    size_t channels_in, channels_out; /* in all */
    size_t group_in, group_out;       /* of a group */
    axis h, w;
} grouped;

/* The outputs first .. end - 1 of an axis that tap number k of the kernel reads inside the input, and the
   input of the first of them. */
typedef struct reach {
    size_t first, end, from;
} reach;

static inline reach reach_of(const axis *a, size_t k)
{
    size_t shift = k * a->dilation; /* input = output * stride + shift - padding */
    size_t first = shift >= a->padding ? 0 : (a->padding - shift + a->stride - 1) / a->stride;
    size_t end = a->in + a->padding > shift ? (a->in + a->padding - shift - 1) / a->stride + 1 : 0;
    end = end < a->out ? end : a->out;
    first = first < end ? first : end;
    return (reach){ first, end, first < end ? first * a->stride + shift - a->padding : 0 };
}

/* Of values and slopes along lines, in double precision, for n inputs: y[0] = x[0] * W + b and y[1] = x[1] *
   W; bias NULL: none. In the calling thread. */
void tsr_convolve_line(const grouped *g, size_t n, const float *weights, const float *bias,
                       const double *const x[2], double *const y[2]);

/* y = x * W + b directly, the same up to rounding: for what is small, and to compare with. */
void tsr_convolve_doubles_plainly(const grouped *g, size_t n, const float *weights, const float *bias,
                                  const double *x, double *y);

#endif
