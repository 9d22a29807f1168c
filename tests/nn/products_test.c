/* The products of a dense layer: every set of kernels against one chain of fused multiply-adds per element,
   which all but the plain one must equal to the last bit, zeros skipped or not. */
#include "support.h"
#include "base/cpu.h"

#include "base/machine.h"
#include "base/memory.h"
#include "nn/kernels/affine.h"
#include "nn/kernels/products.h"
#include "nn/kernels/conv_axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>

typedef struct arrays {
    float *x, *w, *bias, *dy, *y, *dw, *dx, *scratch;
} arrays;

/* n values in [-1, 1), a `density` of them, the others zero; a guard behind them. */
static float *values(size_t n, double density, uint64_t seed)
{
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 0);
    float *out = tsr_alloc(n + 1, sizeof(float));
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < n; i++) {
        float value = (float)(2 * tsr_rng_uniform(&rng) - 1);
        out[i] = tsr_rng_uniform(&rng) < density ? value : 0;
    }
    out[n] = 12345;
    return out;
}

static arrays arrays_new(const tsr_layer *l, double density)
{
    return (arrays){
        .x = values(l->samples * l->inputs, density, 1),
        .w = values(l->inputs * l->outputs, 1, 2),
        .bias = values(l->outputs, 1, 3),
        .dy = values(l->samples * l->outputs, 1, 4),
        .y = values(l->samples * l->outputs, 1, 5),
        .dw = values(l->inputs * l->outputs, 1, 6),
        .dx = values(l->samples * l->inputs, 1, 7),
        .scratch = values(l->samples * TSR_PRODUCTS_SCRATCH(l->outputs), 1, 8),
    };
}

static void arrays_free(arrays *a)
{
    float *all[] = { a->x, a->w, a->bias, a->dy, a->y, a->dw, a->dx, a->scratch };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

/* start + the sum of a[k a_step] b[k b_step], one fused multiply-add after the other. */
static float chain(size_t n, float start, const float *a, size_t a_step, const float *b, size_t b_step)
{
    for (size_t k = 0; k < n; k++)
        start = fmaf(a[k * a_step], b[k * b_step], start);
    return start;
}

static void run(const tsr_products *products, const tsr_layer *l, arrays *a)
{
    products->forward(l, a->x, a->w, a->bias, a->y);
    products->weight_gradient(l, a->x, a->dy, a->dw, a->scratch);
    products->input_gradient(l, a->dy, a->w, a->dx);
    ck_assert(a->y[l->samples * l->outputs] == 12345);
    ck_assert(a->dw[l->inputs * l->outputs] == 12345);
    ck_assert(a->dx[l->samples * l->inputs] == 12345);
    ck_assert(a->scratch[l->samples * TSR_PRODUCTS_SCRATCH(l->outputs)] == 12345);
}

static double error_of(const tsr_layer *l, const arrays *a)
{
    double worst = 0;
    for (size_t s = 0; s < l->samples; s++)
        for (size_t o = 0; o < l->outputs; o++)
            worst = fmax(worst,
                         fabsf(a->y[s * l->outputs + o] - chain(l->inputs, a->bias[o], a->x + s * l->inputs,
                                                                1, a->w + o * l->inputs, 1)));
    for (size_t i = 0; i < l->inputs; i++) {
        for (size_t o = 0; o < l->outputs; o++)
            worst = fmax(worst, fabsf(a->dw[o * l->inputs + i] -
                                      chain(l->samples, 0, a->x + i, l->inputs, a->dy + o, l->outputs)));
        for (size_t s = 0; s < l->samples; s++)
            worst = fmax(worst, fabsf(a->dx[s * l->inputs + i] -
                                      chain(l->outputs, 0, a->dy + s * l->outputs, 1, a->w + i, l->inputs)));
    }
    return worst;
}

static void kernels_agree(tsr_layer layer, double density)
{
    size_t n;
    const tsr_products *kernels = tsr_products_kernels(&n);
    for (size_t k = 0; k < n; k++) {
        if (!tsr_cpu_has(kernels[k].needs))
            continue;
        arrays a = arrays_new(&layer, density);
        run(&kernels[k], &layer, &a);
        double bound = k + 1 < n ? 0 : 1e-6 * (double)(layer.inputs + layer.samples + layer.outputs);
        ck_assert_msg(error_of(&layer, &a) <= bound, "%s: %zu x %zu x %zu, density %g: %g", kernels[k].name,
                      layer.samples, layer.inputs, layer.outputs, density, error_of(&layer, &a));
        arrays_free(&a);
    }
}

START_TEST(kernels_equal_one_chain_of_fused_multiply_adds)
{
    for (size_t samples = 1; samples <= 70; samples += samples < 18 ? 1 : 13)
        kernels_agree((tsr_layer){ samples, 37, 11 }, 1);
    for (size_t inputs = 1; inputs <= 140; inputs += inputs < 18 ? 1 : 11)
        kernels_agree((tsr_layer){ 19, inputs, 9 }, 1);
    for (size_t outputs = 1; outputs <= 140; outputs += outputs < 18 ? 1 : 11)
        kernels_agree((tsr_layer){ 17, 40, outputs }, 1);
    kernels_agree((tsr_layer){ 64, 784, 100 }, 1);
    kernels_agree((tsr_layer){ 150, 131, 257 }, 1);
}
END_TEST

START_TEST(zeros_are_skipped_without_changing_a_bit)
{
    static const double densities[] = { 0, 0.01, 0.2, 0.45 };
    for (size_t d = 0; d < 4; d++) {
        for (size_t outputs = 30; outputs <= 300; outputs += 15)
            kernels_agree((tsr_layer){ 21, 70, outputs }, densities[d]);
        kernels_agree((tsr_layer){ 64, 784, 100 }, densities[d]);
        kernels_agree((tsr_layer){ 1, 5, 40 }, densities[d]);
        kernels_agree((tsr_layer){ 130, 129, 50 }, densities[d]);
        kernels_agree((tsr_layer){ 1030, 66, 33 }, densities[d]);
    }
}
END_TEST

START_TEST(threads_change_no_bit)
{
    tsr_layer layer = { 128, 512, 300 };
    const tsr_products *products = tsr_products_choose();
    for (size_t d = 0; d < 2; d++) {
        arrays one = arrays_new(&layer, d ? 0.2 : 1), many = arrays_new(&layer, d ? 0.2 : 1);
        run(products, &layer, &one);
        tsr_set_threads(5);
        run(products, &layer, &many);
        tsr_set_threads(1);
        ck_assert_mem_eq(one.y, many.y, layer.samples * layer.outputs * sizeof(float));
        ck_assert_mem_eq(one.dw, many.dw, layer.inputs * layer.outputs * sizeof(float));
        ck_assert_mem_eq(one.dx, many.dx, layer.samples * layer.inputs * sizeof(float));
        arrays_free(&one);
        arrays_free(&many);
    }
}
END_TEST

START_TEST(no_bias_is_one_of_zeros)
{
    static const tsr_layer layers[] = { { 70, 90, 33 }, { 5, 300, 200 } };
    size_t n;
    const tsr_products *kernels = tsr_products_kernels(&n);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < 4 && tsr_cpu_has(kernels[k].needs); i++) {
            arrays a = arrays_new(&layers[i % 2], i < 2 ? 1 : 0.05),
                   b = arrays_new(&layers[i % 2], i < 2 ? 1 : 0.05);
            memset(a.bias, 0, layers[i % 2].outputs * sizeof(float));
            kernels[k].forward(&layers[i % 2], a.x, a.w, a.bias, a.y);
            kernels[k].forward(&layers[i % 2], b.x, b.w, NULL, b.y);
            ck_assert_mem_eq(a.y, b.y, layers[i % 2].samples * layers[i % 2].outputs * sizeof(float));
            arrays_free(&a);
            arrays_free(&b);
        }
}
END_TEST

START_TEST(the_plain_kernels_come_last_and_run_everywhere)
{
    size_t n;
    const tsr_products *kernels = tsr_products_kernels(&n);
    ck_assert_str_eq(kernels[n - 1].name, "blas");
    ck_assert(tsr_cpu_has(kernels[n - 1].needs));
}
END_TEST

START_TEST(products_of_doubles_by_blas_are_those_one_by_one)
{
    enum { ROWS = 9, IN = 201, OUT = 13 };
    const tsr_affine layer = { ROWS, IN, OUT };
    float *inputs = values(ROWS * IN, 1, 1), *w = values(OUT * IN, 1, 2), *bias = values(OUT, 1, 3);
    double x[ROWS * IN], y[3][ROWS * OUT];
    for (size_t i = 0; i < ROWS * IN; i++)
        x[i] = (double)inputs[i];
    for (int with = 0; with < 2; with++) {
        tsr_affine_line(&layer, (const double *[]){ x, x }, w, with ? bias : NULL,
                        (double *[]){ y[0], y[2] });
        tsr_affine_apply_plainly(&layer, x, w, with ? bias : NULL, y[1]);
        for (size_t i = 0; i < ROWS * OUT; i++) {
            double sum = 0;
            for (size_t j = 0; j < IN; j++)
                sum += x[i / OUT * IN + j] * (double)w[i % OUT * IN + j];
            ck_assert_double_eq_tol(y[2][i], sum, 1e-13); /* a slope has no bias */
            sum += with ? (double)bias[i % OUT] : 0;
            ck_assert_double_eq_tol(y[0][i], sum, 1e-13);
            ck_assert_double_eq_tol(y[1][i], sum, 1e-13);
        }
    }
    free(inputs);
    free(w);
    free(bias);
}
END_TEST

START_TEST(convolutions_of_doubles_by_blas_are_the_direct_ones)
{
    /* In one group and in two, with padding, stride and dilation; of one input, and of three. */
    const grouped all[] = { { 6, 16, 6, 16, { 12, 12, 3, 1, 1, 1 }, { 12, 12, 3, 1, 1, 1 } },
                            { 6, 12, 3, 6, { 13, 7, 3, 2, 2, 2 }, { 18, 19, 2, 1, 1, 1 } } };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        const grouped *g = &all[i];
        size_t in = g->channels_in * g->h.in * g->w.in, out = g->channels_out * g->h.out * g->w.out;
        size_t n_weights = g->channels_out * g->group_in * g->h.kernel * g->w.kernel;
        float *inputs = values(3 * in, 1, 1), *w = values(n_weights, 1, 2),
              *bias = values(g->channels_out, 1, 3);
        double *x = tsr_alloc(3 * in, sizeof(double)), *fast = tsr_alloc(3 * out, sizeof(double));
        double *plain = tsr_alloc(3 * out, sizeof(double)), *slopes = tsr_alloc(3 * out, sizeof(double));
        for (size_t j = 0; j < 3 * in; j++)
            x[j] = (double)inputs[j];
        for (int with = 0; with < 2; with++) {
            tsr_convolve_line(g, 3, w, with ? bias : NULL, (const double *[]){ x, x },
                              (double *[]){ fast, slopes });
            tsr_convolve_doubles_plainly(g, 3, w, with ? bias : NULL, x, plain);
            for (size_t j = 0; j < 3 * out; j++)
                ck_assert_double_eq_tol(fast[j], plain[j], 1e-13);
            tsr_convolve_doubles_plainly(g, 3, w, NULL, x, plain);
            for (size_t j = 0; j < 3 * out; j++)
                ck_assert_double_eq_tol(slopes[j], plain[j], 1e-13);
        }
        free(inputs);
        free(w);
        free(bias);
        free(x);
        free(fast);
        free(plain);
        free(slopes);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *tests = tcase_create("products");
    tcase_add_test(tests, kernels_equal_one_chain_of_fused_multiply_adds);
    tcase_add_test(tests, zeros_are_skipped_without_changing_a_bit);
    tcase_add_test(tests, threads_change_no_bit);
    tcase_add_test(tests, no_bias_is_one_of_zeros);
    tcase_add_test(tests, the_plain_kernels_come_last_and_run_everywhere);
    tcase_add_test(tests, products_of_doubles_by_blas_are_those_one_by_one);
    tcase_add_test(tests, convolutions_of_doubles_by_blas_are_the_direct_ones);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
