/* Products of matrices that are both computed: batched over the leading dimensions, by BLAS, one matrix at a
   time. Matrices are tasks of their own, so threads change no bits. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <cblas.h>
#include <limits.h>

typedef struct matmul_config {
    bool transpose_a, transpose_b;
} matmul_config;

tsr_node *tsr_matmul(tsr_graph *graph, tsr_node *a, bool transpose_a, tsr_node *b, bool transpose_b)
{
    return tsr_apply(graph, &tsr_op_matmul, &(matmul_config){ transpose_a, transpose_b }, 2,
                     (tsr_node *[]){ a, b });
}

/* Y (m x n) = A (m x k) B (k x n), `batch` times a sample, where A and B may lie transposed. */
typedef struct product {
    size_t m, n, k, batch;
    bool transpose_a, transpose_b;
} product;

static bool product_of(const matmul_config *config, tsr_shape a, tsr_shape b, product *out)
{
    size_t last = a.n_dims - 1;
    bool fits = a.n_dims == b.n_dims && a.n_dims >= 2;
    *out = (product){ .batch = 1, .transpose_a = config->transpose_a, .transpose_b = config->transpose_b };
    for (size_t i = 0; fits && i + 2 < a.n_dims; i++) {
        fits = a.dims[i] == b.dims[i];
        out->batch *= a.dims[i];
    }
    if (!fits)
        return false;
    out->m = a.dims[config->transpose_a ? last : last - 1];
    out->k = a.dims[config->transpose_a ? last - 1 : last];
    out->n = b.dims[config->transpose_b ? last - 1 : last];
    return b.dims[config->transpose_b ? last : last - 1] == out->k && out->m <= INT_MAX &&
           out->n <= INT_MAX && out->k <= INT_MAX;
}

static void setup(tsr_setup *setup)
{
    product p;
    tsr_shape a = tsr_setup_input(setup, 0), b = tsr_setup_input(setup, 1), out = a;
    if (product_of(tsr_setup_config(setup), a, b, &p)) {
        out.dims[a.n_dims - 2] = p.m;
        out.dims[a.n_dims - 1] = p.n;
        tsr_setup_output(setup, out);
        return;
    }
    char a_text[TSR_SHAPE_TEXT], b_text[TSR_SHAPE_TEXT];
    tsr_setup_fail(
        setup,
        "'%s' is %s%s and '%s' is %s%s, expected matrices whose inner dimensions are equal, and as many of "
        "them",
        setup->node->inputs[0]->name, tsr_shape_format(a, a_text, sizeof(a_text)),
        p.transpose_a ? " (transposed)" : "", setup->node->inputs[1]->name,
        tsr_shape_format(b, b_text, sizeof(b_text)), p.transpose_b ? " (transposed)" : "");
}

static product product_of_pass(const tsr_pass *pass)
{
    product p;
    product_of(pass->config, pass->shapes[0], pass->shapes[1], &p);
    return p;
}

/* Z (rows x columns) = X Y, of `inner` terms each. */
static void multiply(size_t rows, size_t columns, size_t inner, bool transpose_x, const float *x,
                     bool transpose_y, const float *y, float *z)
{
    cblas_sgemm(CblasRowMajor, transpose_x ? CblasTrans : CblasNoTrans,
                transpose_y ? CblasTrans : CblasNoTrans, (int)rows, (int)columns, (int)inner, 1.0f, x,
                (int)(transpose_x ? rows : inner), y, (int)(transpose_y ? inner : columns), 0.0f, z,
                (int)columns);
}

static void forward(const tsr_pass *pass)
{
    const product p = product_of_pass(pass);
    size_t n = pass->n * p.batch;
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(n * p.m * p.n * p.k / TSR_PRODUCTS_PER_FLOAT))
    for (size_t i = 0; i < n; i++)
        multiply(p.m, p.n, p.k, p.transpose_a, pass->inputs[0] + i * p.m * p.k, p.transpose_b,
                 pass->inputs[1] + i * p.k * p.n, pass->output + i * p.m * p.n);
}

/* dA = dY B^T and dB = A^T dY, or their transposes where A and B lie so. */
static void backward(const tsr_pass *pass)
{
    const product p = product_of_pass(pass);
    size_t n = pass->n * p.batch;
    float *da = pass->input_gradients[0], *db = pass->input_gradients[1];
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(n * p.m * p.n * p.k / TSR_PRODUCTS_PER_FLOAT))
    for (size_t i = 0; i < n; i++) {
        const float *a = pass->inputs[0] + i * p.m * p.k, *b = pass->inputs[1] + i * p.k * p.n,
                    *dy = pass->output_gradient + i * p.m * p.n;
        if (da && p.transpose_a)
            multiply(p.k, p.m, p.n, p.transpose_b, b, true, dy, da + i * p.m * p.k);
        else if (da)
            multiply(p.m, p.k, p.n, false, dy, !p.transpose_b, b, da + i * p.m * p.k);
        if (db && p.transpose_b)
            multiply(p.n, p.k, p.m, true, dy, p.transpose_a, a, db + i * p.k * p.n);
        else if (db)
            multiply(p.k, p.n, p.m, !p.transpose_a, a, false, dy, db + i * p.k * p.n);
    }
}

/* Element (row, column) of one product, its slope, and whether it bends. */
static bool line_of_element(const product *p, size_t row, size_t column, const double *const x[2],
                            const double *const dx[2], double *y, double *dy)
{
    bool straight = true;
    *y = *dy = 0;
    for (size_t k = 0; k < p->k; k++) {
        size_t a = p->transpose_a ? k * p->m + row : row * p->k + k;
        size_t b = p->transpose_b ? column * p->k + k : k * p->n + column;
        *y += x[0][a] * x[1][b];
        *dy += dx[0][a] * x[1][b] + x[0][a] * dx[1][b];
        straight &= !((dx[0][a] < 0 || dx[0][a] > 0) && (dx[1][b] < 0 || dx[1][b] > 0));
    }
    return straight;
}

static tsr_status *line(const tsr_line_pass *pass)
{
    product p;
    product_of(pass->config, pass->shapes[0], pass->shapes[1], &p);
    bool straight = true;
    for (size_t i = 0; i < pass->n * p.batch * p.m * p.n; i++) {
        size_t matrix = i / (p.m * p.n), a = matrix * p.m * p.k, b = matrix * p.k * p.n;
        const double *const x[2] = { pass->values[0] + a, pass->values[1] + b };
        const double *const dx[2] = { pass->slopes[0] + a, pass->slopes[1] + b };
        straight &= line_of_element(&p, i / p.n % p.m, i % p.n, x, dx, &pass->value[i], &pass->slope[i]);
    }
    return straight ? NULL : tsr_fail(TSR_REFUSED, "it multiplies two values that both change along the line");
}

const tsr_op tsr_op_matmul = { .size = sizeof(tsr_op),
                               .name = "matmul",
                               .config_size = sizeof(matmul_config),
                               .flags = TSR_OP_READS_INPUTS,
                               .setup = setup,
                               .forward = forward,
                               .backward = backward,
                               .line = line };
