/* When an operator's pass over its values is shared among threads. How the work is cut never depends on the
   number of threads, so sharing changes no bits. */
#ifndef TSR_NN_OPS_SHARE_H
#define TSR_NN_OPS_SHARE_H

#include <string.h>
#include <tessera/base.h>

/* Whether a pass over so many floats takes several times what it takes to wake a waiting thread: 64 Ki of
   them are read and written in some 20 microseconds. */
static inline bool tsr_worth_sharing(size_t floats)
{
    return floats >= 1 << 16;
}

/* Copies n samples of `size` floats. */
static inline void tsr_copy(size_t n, size_t size, const float *from, float *to)
{
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        memcpy(to + s * size, from + s * size, size * sizeof(float));
}

#endif
