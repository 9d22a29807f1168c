/* Adam (Kingma and Ba 2015, algorithm 1; epsilon stands outside the corrected root, as there and in PyTorch).
   One pass over the parameters; both bias corrections are taken out of it. */
#include <float.h>
#include <math.h>
#include <tessera/multiversion.h>
#include <tessera/optimizer.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef struct adam {
    double learning_rate, beta1, beta2, epsilon;
} adam;

static const tsr_key keys[] = {
    TSR_KEY_REAL(adam, learning_rate, 0.001, 0.0, 1e6, "step size, before the schedule"),
    TSR_KEY_REAL(adam, beta1, 0.9, 0.0, 0.9999999, "how much of the mean gradient is kept at each step"),
    TSR_KEY_REAL(adam, beta2, 0.999, 0.0, 0.9999999, "how much of the mean squared gradient is kept"),
    TSR_KEY_REAL(adam, epsilon, 1e-8, 1e-30, 1.0, "added to the root of the mean squared gradient"),
    TSR_KEY_END,
};

static size_t slots(const void *self)
{
    (void)self;
    return 2;
}

/* What is the same for all parameters in one step. Means that decay turn subnormal in the end; the host
   flushes those to zero, and epsilon keeps the quotient defined. */
typedef struct factors {
    float keep1, take1, keep2, take2, rate, root, epsilon;
} factors;

TSR_MULTIVERSION(step,
                 (size_t n, factors f, const float *restrict gradients, float *restrict mean,
                  float *restrict square, float *restrict w),
                 (n, f, gradients, mean, square, w))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = gradients[i];
        float m = f.keep1 * mean[i] + f.take1 * g;
        float v = f.keep2 * square[i] + f.take2 * (g * g);
        mean[i] = m;
        square[i] = v;
        w[i] -= f.rate * m / (sqrtf(v) * f.root + f.epsilon);
    }
}

#if defined(__x86_64__)
/* The same without a root and a division, which would take twice as long as the memory: the approximations of
   both, of 14 bits, after one step of Newton's method are right to the last bit or two. */
__attribute__((target("avx512f"))) static void step_approximately(size_t n, factors f, const float *gradients,
                                                                  float *mean, float *square, float *w)
{
    __m512 one = _mm512_set1_ps(1), half = _mm512_set1_ps(0.5f), least = _mm512_set1_ps(FLT_MIN);
    __m512 most = _mm512_set1_ps(FLT_MAX);
    __m512 root = _mm512_set1_ps(f.root), epsilon = _mm512_set1_ps(f.epsilon);
    __m512 rate = _mm512_set1_ps(f.rate), keep1 = _mm512_set1_ps(f.keep1), keep2 = _mm512_set1_ps(f.keep2);
    __m512 take1 = _mm512_set1_ps(f.take1), take2 = _mm512_set1_ps(f.take2);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        __m512 g = _mm512_maskz_loadu_ps(mask, gradients + i), m = _mm512_maskz_loadu_ps(mask, mean + i);
        __m512 v = _mm512_maskz_loadu_ps(mask, square + i), x = _mm512_maskz_loadu_ps(mask, w + i);
        m = _mm512_fmadd_ps(keep1, m, _mm512_mul_ps(take1, g));
        v = _mm512_fmadd_ps(keep2, v, _mm512_mul_ps(take2, _mm512_mul_ps(g, g)));
        /* Of 0 the root's inverse would be infinite, of infinity 0; NaN, the second operand, passes. */
        __m512 u = _mm512_min_ps(most, _mm512_max_ps(least, v)), r = _mm512_rsqrt14_ps(u);
        __m512 s = _mm512_mul_ps(_mm512_min_ps(most, v), r);
        s = _mm512_fmadd_ps(_mm512_mul_ps(half, s), _mm512_fnmadd_ps(s, r, one), s);
        __m512 d = _mm512_fmadd_ps(s, root, epsilon), q = _mm512_rcp14_ps(d);
        q = _mm512_fmadd_ps(q, _mm512_fnmadd_ps(d, q, one), q);
        x = _mm512_fnmadd_ps(_mm512_mul_ps(rate, m), q, x);
        _mm512_mask_storeu_ps(mean + i, mask, m);
        _mm512_mask_storeu_ps(square + i, mask, v);
        _mm512_mask_storeu_ps(w + i, mask, x);
    }
}
#endif

static void update(const void *self, const tsr_update *u)
{
    const adam *config = self;
    double t = (double)u->step;
    factors f = {
        .keep1 = (float)config->beta1,
        .take1 = (float)(1 - config->beta1),
        .keep2 = (float)config->beta2,
        .take2 = (float)(1 - config->beta2),
        .rate = (float)(config->learning_rate * u->rate_factor / (1 - pow(config->beta1, t))),
        .root = (float)(1 / sqrt(1 - pow(config->beta2, t))),
        .epsilon = (float)config->epsilon,
    };
#if defined(__x86_64__)
    if (tsr_kernel_level >= TSR_KERNELS_AVX512) {
        step_approximately(u->n, f, u->gradients, u->slots[0], u->slots[1], u->values);
        return;
    }
#endif
    step(u->n, f, u->gradients, u->slots[0], u->slots[1], u->values);
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops),
    .name = "adam",
    .version = "1.0.0",
    .summary = "Adam: steps scaled by running means of the gradient and its square",
    .licence = "MIT",
    TSR_INSTANCE(adam),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
