/* A loss is max(-m, 0) + log(1 + e^-|m|) of a margin m, or that of a softmax. For rows of weight 1 the
   logarithms of a lane become one, of a product. */
#include "losses.h"

#include <tessera/multiversion.h>

#include <math.h>

#define FLUSH 64 /* rows whose losses are multiplied before a logarithm is taken */

/* e^x for x <= 0, to 2 ulp or so: 2^n times a polynomial of what is left (coefficients as in Cephes). */
static inline void exp_lanes(const tsr_lanes *value, tsr_lanes *out)
{
    const tsr_lanes least = (tsr_lanes){ 0 } - 86;
    tsr_lane_ints small = *value < least;
    tsr_lanes x = (tsr_lanes)(((tsr_lane_ints)*value & ~small) | ((tsr_lane_ints)least & small));
    tsr_lanes n = (x * 1.44269504f + 12582912.f) - 12582912.f; /* 1.5 x 2^23: rounds to a whole number */
    tsr_lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    tsr_lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    *out = (tsr_lanes)((tsr_lane_ints)p + (__builtin_convertvector(n, tsr_lane_ints) << 23));
}

static void add_losses(const tsr_lanes *linear, const tsr_lanes *product, double *loss)
{
    for (size_t l = 0; l < TSR_LANES; l++)
        loss[l] += (double)(*linear)[l] + log((double)(*product)[l]);
}

TSR_MULTIVERSION(two_class_slopes,
                 (size_t n, const uint32_t *weight, float C, const tsr_lanes *sign, tsr_lanes *dots,
                  tsr_lanes *intercept, double *loss),
                 (n, weight, C, sign, dots, intercept, loss))
{
    tsr_lanes linear = { 0 }, product = (tsr_lanes){ 0 } + 1, sum = { 0 };
    for (size_t i = 0; i < n; i++) {
        tsr_lanes margin = dots[i] * *sign;
        tsr_lane_ints positive = margin > 0;
        tsr_lanes absolute = (tsr_lanes)((tsr_lane_ints)margin & INT32_MAX), away = -absolute, e;
        exp_lanes(&away, &e);
        tsr_lanes p =
            (tsr_lanes)(((tsr_lane_ints)e & positive) | ((tsr_lane_ints)((tsr_lanes){ 0 } + 1) & ~positive)) /
            (e + 1);
        dots[i] = *sign * p * (-C * (float)weight[i]);
        sum += dots[i];
        linear += (tsr_lanes)((tsr_lane_ints)absolute & ~positive) * (float)weight[i];
        if (weight[i] == 1)
            product *= e + 1;
        else
            for (size_t l = 0; l < TSR_LANES; l++)
                loss[l] += weight[i] * log1p((double)e[l]);
        if (i % FLUSH == FLUSH - 1 || i + 1 == n) {
            add_losses(&linear, &product, loss);
            linear = (tsr_lanes){ 0 };
            product = (tsr_lanes){ 0 } + 1;
        }
    }
    *intercept = sum;
}

void logistic_two_class_slopes(size_t n, const uint32_t *weight, float C, const tsr_lanes *sign,
                               tsr_lanes *dots, tsr_lanes *intercept, double *loss)
{
    two_class_slopes(n, weight, C, sign, dots, intercept, loss);
}

static float largest(size_t blocks, size_t apart, const tsr_lanes *scores)
{
    float most = -INFINITY;
    for (size_t b = 0; b < blocks; b++)
        for (size_t l = 0; l < TSR_LANES; l++)
            most = scores[b * apart][l] > most ? scores[b * apart][l] : most;
    return most;
}

TSR_MULTIVERSION(softmax_slopes,
                 (size_t n, const uint32_t *weight, float C, size_t c, size_t blocks, size_t apart,
                  tsr_lanes *dots, tsr_lanes *intercept, size_t each, double *loss),
                 (n, weight, C, c, blocks, apart, dots, intercept, each, loss))
{
    for (size_t i = 0; i < n; i++) {
        float most = largest(blocks, apart, dots + i), sum = 0, factor = C * (float)weight[i];
        float score = dots[i + c / TSR_LANES * apart][c % TSR_LANES];
        for (size_t b = 0; b < blocks; b++) {
            tsr_lanes *scores = &dots[i + b * apart], below = *scores - most;
            exp_lanes(&below, scores);
            for (size_t l = 0; l < TSR_LANES; l++)
                sum += (*scores)[l];
        }
        loss[0] += weight[i] * (log((double)sum) + (double)(most - score));
        for (size_t b = 0; b < blocks; b++)
            dots[i + b * apart] *= factor / sum;
        dots[i + c / TSR_LANES * apart][c % TSR_LANES] -= factor;
        for (size_t b = 0; b < blocks; b++)
            intercept[b * each] += dots[i + b * apart];
    }
}

void logistic_softmax_slopes(size_t n, const uint32_t *weight, float C, size_t c, size_t blocks, size_t apart,
                             tsr_lanes *dots, tsr_lanes *intercept, size_t each, double *loss)
{
    softmax_slopes(n, weight, C, c, blocks, apart, dots, intercept, each, loss);
}
