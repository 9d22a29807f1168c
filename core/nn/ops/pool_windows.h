/* Where the windows of a pool lie. */
#ifndef TSR_NN_OPS_POOL_WINDOWS_H
#define TSR_NN_OPS_POOL_WINDOWS_H

#include <tessera/op.h>

/* Windows along the height or the width. */
typedef struct axis {
    size_t size, stride, padding, in, out;
} axis;

/* A map and what became of it, or their gradients. */
typedef struct map {
    axis h, w;
} map;

static inline map map_between(const tsr_pool_options *o, const size_t *in, const size_t *out)
{
    return (map){ { (size_t)o->size_h, (size_t)o->stride_h, (size_t)o->padding_h, in[1], out[1] },
                  { (size_t)o->size_w, (size_t)o->stride_w, (size_t)o->padding_w, in[2], out[2] } };
}

/* The places first .. end - 1 of a window that lie in the input. */
typedef struct range {
    size_t first, end;
} range;

static inline range places_of(const axis *a, size_t window)
{
    size_t start = window * a->stride, last = a->in + a->padding - start; /* a window has a value inside */
    return (range){ start < a->padding ? a->padding - start : 0, last < a->size ? last : a->size };
}

#endif
