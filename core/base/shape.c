/* Checked products of dimensions, and their words. */
#include "base/shape.h"

#include "base/memory.h"

#include <stdio.h>

bool tsr_shape_check(tsr_shape shape, size_t *size)
{
    bool fits = shape.n_dims >= 1 && shape.n_dims <= TSR_MAX_DIMS;
    *size = 1;
    for (size_t i = 0; fits && i < shape.n_dims; i++)
        fits = shape.dims[i] && tsr_multiply(*size, shape.dims[i], size);
    return fits && *size <= PTRDIFF_MAX / sizeof(float);
}

const char *tsr_shape_format(tsr_shape shape, char *out, size_t capacity)
{
    size_t used = 0;
    if (shape.n_dims == 0 || shape.n_dims > TSR_MAX_DIMS)
        snprintf(out, capacity, "%zu dimensions", shape.n_dims);
    else
        for (size_t i = 0; i < shape.n_dims && used < capacity; i++)
            used += (size_t)snprintf(out + used, capacity - used, i ? " x %zu" : "%zu", shape.dims[i]);
    return out;
}

bool tsr_shape_maps(tsr_shape shape, tsr_maps *out)
{
    *out = (tsr_maps){ shape.dims[0], shape.dims[1], shape.dims[2] };
    return shape.n_dims == 3;
}
