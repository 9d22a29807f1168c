/* What this machine can do at most, on all cores, as a line of JSON: how many 64-bit words it can count the
   bits of, add vectors of 16 floats from the first-level cache, read bytes from memory and multiply floats
   through BLAS, each per second. bench.py holds what was measured against it. */
#include <tessera/multiversion.h>

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define SECONDS 0.2 /* of each measurement at least */
#define TRIES 3     /* the best counts */
#define MEMORY (256UL << 20)
#define SIDE 512 /* of the matrices */

typedef float lanes __attribute__((vector_size(64)));

/* What a kernel needs; a thread has its own. */
typedef struct capacity {
    uint64_t *memory;
    float *a, *b, *c;
} capacity;

/* Returns how much it did. */
typedef double kernel(capacity *own);

static volatile uint64_t sink;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#define ROUNDS 4096

static double count_plain(capacity *own)
{
    uint64_t sum = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < 64; i++)
            sum += (uint64_t)__builtin_popcountll(own->memory[i] ^ sum);
    sink = sum;
    return ROUNDS * 64.0;
}

#if defined(__x86_64__)
/* Enough chains that none waits; the operands never leave their registers. */
__attribute__((target("avx512f,avx512vpopcntdq"))) static double count_avx512(capacity *own)
{
    __m512i x = _mm512_loadu_si512(own->memory), sums[8];
    for (size_t i = 0; i < 8; i++)
        sums[i] = x;
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            sums[i] = _mm512_popcnt_epi64(_mm512_add_epi64(sums[i], x));
    for (size_t i = 1; i < 8; i++)
        sums[0] = _mm512_add_epi64(sums[0], sums[i]);
    sink = (uint64_t)_mm512_reduce_add_epi64(sums[0]);
    return ROUNDS * 64.0;
}
#endif

static double count(capacity *own)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        return count_avx512(own);
#endif
    return count_plain(own);
}

TSR_MULTIVERSION_OF(double, add, (capacity * own), (own))
{
    const lanes *from = (const lanes *)own->memory;
    lanes sums[8];
    memset(sums, 0, sizeof(sums));
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 16
        for (size_t i = 0; i < 256; i++)
            sums[i % 8] += from[i];
    for (size_t i = 0; i < 8; i++)
        sink += (uint64_t)sums[i][0];
    return ROUNDS * 256.0;
}

TSR_MULTIVERSION_OF(double, read_memory, (capacity * own), (own))
{
    uint64_t sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < MEMORY / sizeof(uint64_t); i++)
        sum += own->memory[i];
    sink = sum;
    return (double)MEMORY;
}

static double multiply(capacity *own)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, own->a, SIDE, own->b, SIDE, 0,
                own->c, SIDE);
    return 2.0 * SIDE * SIDE * SIDE;
}

static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, bytes);
    if (!memory)
        exit(1);
    memset(memory, 0, bytes);
    return memory;
}

/* Per second, all threads together. */
static double rate(kernel *work)
{
    double best = 0;
    for (int t = 0; t < TRIES; t++) {
        double done = 0, seconds = 0;
#pragma omp parallel reduction(+ : done) reduction(max : seconds)
        {
            capacity own = { allocate(MEMORY), allocate(sizeof(float) * SIDE * SIDE),
                             allocate(sizeof(float) * SIDE * SIDE), allocate(sizeof(float) * SIDE * SIDE) };
            work(&own);
#pragma omp barrier
            double start = now();
            do
                done += work(&own);
            while ((seconds = now() - start) < SECONDS);
            free(own.memory);
            free(own.a);
            free(own.b);
            free(own.c);
        }
        best = done / seconds > best ? done / seconds : best;
    }
    return best;
}

int main(void)
{
    printf("{ \"threads\": %d, \"popcounts\": %.4g, \"adds\": %.4g, \"bytes\": %.4g, \"flops\": %.4g }\n",
           omp_get_max_threads(), rate(count), rate(add), rate(read_memory), rate(multiply));
    return 0;
}
