/* Kernels for the products of a dense layer: for AVX-512 and AVX2 from products_kernel.h, and BLAS. */
#include "nn/kernels/products.h"
#include "base/cpu.h"

#include <cblas.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void forward_blas(const tsr_layer *layer, const float *x, const float *w, const float *bias, float *y)
{
    int n = (int)layer->samples, inputs = (int)layer->inputs, outputs = (int)layer->outputs;
    for (size_t i = 0; i < layer->samples; i++)
        if (bias)
            memcpy(y + i * layer->outputs, bias, layer->outputs * sizeof(float));
        else
            memset(y + i * layer->outputs, 0, layer->outputs * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, outputs, inputs, 1.0f, x, inputs, w, inputs, 1.0f,
                y, outputs);
}

static void weight_gradient_blas(const tsr_layer *layer, const float *x, const float *dy, float *dw,
                                 float *scratch)
{
    (void)scratch;
    int n = (int)layer->samples, inputs = (int)layer->inputs, outputs = (int)layer->outputs;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, outputs, inputs, n, 1.0f, dy, outputs, x, inputs,
                0.0f, dw, inputs);
}

static void input_gradient_blas(const tsr_layer *layer, const float *dy, const float *w, float *dx)
{
    int n = (int)layer->samples, inputs = (int)layer->inputs, outputs = (int)layer->outputs;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, inputs, outputs, 1.0f, dy, outputs, w, inputs,
                0.0f, dx, inputs);
}

#if defined(__x86_64__)

/* A loop that the compiler unrolls whole, so that an array of vectors becomes registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)

#define INLINE static inline __attribute__((always_inline))
#define ROWS 6         /* of a tile */
#define DEPTH 128      /* of a panel */
#define WIDEST 8       /* vectors in which sparse sums are kept */
#define MAX_BLOCKS 16  /* of 64 samples, where zeros are skipped */
#define MIN_SPARSE 24  /* outputs that make skipping worth it */
#define SPARSE_SHARE 3 /* and at most one in so many values that are not zero */

/* A(r, k) is at[r * row + k * step]. */
typedef struct operand {
    const float *at;
    size_t row, step;
} operand;

static inline size_t at_most(size_t most, size_t n)
{
    return n < most ? n : most;
}

/* A product, cut into tasks by its sizes alone. */
typedef struct product {
    tsr_layer layer;
    const float *x, *w, *bias, *dy;
    const float *padded; /* dy as pad_chunks leaves it; NULL: zeros are not to be skipped */
    float *y, *dw, *dx;
} product;

typedef void task_function(const product *work, size_t task);

static void do_tasks(size_t n, task_function *function, const product *work)
{
    const tsr_layer *layer = &work->layer;
    double size = (double)layer->samples * (double)layer->inputs * (double)layer->outputs;
    if (!tsr_worth_sharing((size_t)(size / TSR_PRODUCTS_PER_FLOAT)) || n == 1 || tsr_threads() == 1) {
        for (size_t i = 0; i < n; i++)
            function(work, i);
        return;
    }
#pragma omp parallel for num_threads(tsr_threads()) schedule(static)
    for (size_t i = 0; i < n; i++)
        function(work, i);
}

/* dy cut into chunks of outputs, each of them rows of whole vectors. */
static void pad_chunks(const tsr_layer *layer, size_t lanes, const float *dy, float *out)
{
    size_t chunks = (layer->outputs + WIDEST * lanes - 1) / (WIDEST * lanes);
    for (size_t c = 0; c < chunks; c++) {
        size_t first = c * layer->outputs / chunks, n = (c + 1) * layer->outputs / chunks - first;
        size_t padded = (n + lanes - 1) / lanes * lanes;
        for (size_t s = 0; s < layer->samples; s++, out += padded) {
            memcpy(out, dy + s * layer->outputs + first, n * sizeof(float));
            memset(out + n, 0, (padded - n) * sizeof(float));
        }
    }
}

/* Bit j of row i becomes bit i of row j (Warren, "Hacker's Delight", 7-3). */
static void transpose_bits(uint64_t *rows)
{
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (size_t j = 32; j; j >>= 1, mask ^= mask << j)
        for (size_t k = 0; k < 64; k = (k + j + 1) & ~j) {
            uint64_t swap = (rows[k] >> j ^ rows[k + j]) & mask;
            rows[k] ^= swap << j;
            rows[k + j] ^= swap;
        }
}

#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt")))
#define AVX2_TARGET __attribute__((target("avx2,fma,bmi,bmi2,popcnt")))

AVX512_TARGET INLINE uint64_t nonzero_64_avx512(const float *x)
{
    uint64_t bits = 0;
    for (size_t j = 0; j < 64; j += 16)
        bits |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(x + j), _mm512_setzero_ps(), _CMP_NEQ_UQ) << j;
    return bits;
}

AVX2_TARGET INLINE uint64_t nonzero_64_avx2(const float *x)
{
    uint64_t bits = 0;
    for (size_t j = 0; j < 64; j += 8) {
        __m256 set = _mm256_cmp_ps(_mm256_loadu_ps(x + j), _mm256_setzero_ps(), _CMP_NEQ_UQ);
        bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(set) << j;
    }
    return bits;
}

#define LANES 16
#define VECTORS 4
#define TARGET AVX512_TARGET
#define NAME(x) x##_avx512
#define FMA _mm512_fmadd_ps
#define SPREAD _mm512_set1_ps
#define NONZERO nonzero_64_avx512
#include "nn/kernels/products_kernel.h"
#undef LANES
#undef VECTORS
#undef TARGET
#undef NAME
#undef FMA
#undef SPREAD
#undef NONZERO

#define LANES 8
#define VECTORS 2
#define TARGET AVX2_TARGET
#define NAME(x) x##_avx2
#define FMA _mm256_fmadd_ps
#define SPREAD _mm256_set1_ps
#define NONZERO nonzero_64_avx2
#include "nn/kernels/products_kernel.h"

#endif

static const tsr_products kernels[] = {
#if defined(__x86_64__)
    { "avx512", TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512, forward_avx512, weight_gradient_avx512,
      input_gradient_avx512 },
    { "avx2", TSR_NEEDS_AVX2, forward_avx2, weight_gradient_avx2, input_gradient_avx2 },
#endif
    { "blas", TSR_NEEDS_NOTHING, forward_blas, weight_gradient_blas, input_gradient_blas },
};

const tsr_products *tsr_products_kernels(size_t *n)
{
    *n = sizeof(kernels) / sizeof(kernels[0]);
    return kernels;
}

const tsr_products *tsr_products_choose(void)
{
    const tsr_products *kernel = kernels;
    while (!tsr_cpu_uses(kernel->needs))
        kernel++;
    return kernel;
}
