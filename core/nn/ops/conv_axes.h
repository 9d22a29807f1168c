/* The arithmetic of convolutions in groups, with dilation, axis by axis. */
#ifndef TSR_NN_OPS_CONV_AXES_H
#define TSR_NN_OPS_CONV_AXES_H

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

/* y = x * W + b in double precision, for n inputs; bias NULL: none. In the calling thread. */
void tsr_convolve_doubles(const grouped *g, size_t n, const float *weights, const float *bias,
                          const double *x, double *y);

/* The same directly, up to rounding: for what is small, and to compare with. */
void tsr_convolve_doubles_plainly(const grouped *g, size_t n, const float *weights, const float *bias,
                                  const double *x, double *y);

#endif
