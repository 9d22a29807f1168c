/* Tasks of a convolution, and sums of what they leave. */
#include "nn/kernels/blocking.h"

#include <omp.h>
#include <tessera/multiversion.h>

#define MAX_SLOTS 16          /* threads that work on one convolution */
#define SLOTS_FLOATS 16777216 /* of all slots, where they are large */
#define SUM_FLOATS 16384      /* of a task of a sum */

size_t tsr_convolve_slots(size_t size)
{
    return max(min(SLOTS_FLOATS / size, MAX_SLOTS), 2);
}

void tsr_convolve_tasks(size_t n, double multiplications, const tsr_slots *slots, tsr_task_function *function,
                        const void *job)
{
    size_t threads = min(min((size_t)tsr_threads(), slots->n), n);
    if (threads <= 1 || !tsr_worth_sharing((size_t)(multiplications / TSR_PRODUCTS_PER_FLOAT))) {
        for (size_t i = 0; i < n; i++)
            function(job, i, slots->at);
        return;
    }
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t i = 0; i < n; i++)
        function(job, i, slots->at + (size_t)omp_get_thread_num() * slots->size);
}

/* Elements first .. end - 1 of the sum of n arrays of `size`. */
TSR_MULTIVERSION(sum_piece,
                 (size_t n, size_t size, const float *restrict parts, size_t first, size_t end,
                  float *restrict out),
                 (n, size, parts, first, end, out))
{
#pragma omp simd
    for (size_t i = first; i < end; i++)
        out[i] = parts[i] + parts[size + i];
    for (size_t p = 2; p < n; p++)
#pragma omp simd
        for (size_t i = first; i < end; i++)
            out[i] += parts[p * size + i];
}

void tsr_convolve_sum(size_t n, size_t size, const float *parts, float *out)
{
    size_t pieces = ceil_div(size, SUM_FLOATS), threads = min((size_t)tsr_threads(), pieces);
    if (pieces * n < 8)
        threads = 1;
#pragma omp parallel for num_threads((int)threads) schedule(static) if (threads > 1)
    for (size_t i = 0; i < pieces; i++)
        sum_piece(n, size, parts, i * SUM_FLOATS, min(size, (i + 1) * SUM_FLOATS), out);
}
