/* Copying samples as they are. */
#ifndef TSR_NN_OPS_COPY_H
#define TSR_NN_OPS_COPY_H

#include <string.h>
#include <tessera/base.h>

/* Copies n samples of `size` floats. */
static inline void tsr_copy(size_t n, size_t size, const float *from, float *to)
{
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        memcpy(to + s * size, from + s * size, size * sizeof(float));
}

#endif
