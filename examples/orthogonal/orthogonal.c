/* orthogonal: |W W^T - I|^2 of a weight's rows, the fewer of rows and columns taken (Brock et al. 2017): 0
   where the directions that units look in are orthonormal. A convolution's kernels are rows. */
#include <tessera/tessera.h>

typedef struct settings {
    double weight;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, weight, 1e-3, 0.0, 1e6, "factor of the penalty"),
    TSR_KEY_END,
};

/* A weight seen as n vectors of m values: value k of vector i is at values[i * along + k * across]. */
typedef struct vectors {
    size_t n, m, along, across;
    const float *values;
} vectors;

static vectors vectors_of(const tsr_parameter *p)
{
    size_t rows = p->dims[0], columns = p->n / rows;
    if (rows <= columns)
        return (vectors){ rows, columns, columns, 1, p->values };
    return (vectors){ columns, rows, 1, columns, p->values };
}

static double product(const vectors *v, size_t i, size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < v->m; k++)
        sum +=
            (double)v->values[i * v->along + k * v->across] * (double)v->values[j * v->along + k * v->across];
    return sum;
}

/* d/dw_i of the sum over i, j of (w_i w_j - [i = j])^2 is 4 times the sum over j of (w_i w_j - [i = j]) w_j.
 */
static double penalty(const void *self, const tsr_parameter *parameter, float *gradient)
{
    const double weight = ((const settings *)self)->weight;
    if (parameter->n_dims < 2)
        return 0;
    vectors v = vectors_of(parameter);
    double sum = 0;
    for (size_t i = 0; i < v.n; i++)
        for (size_t j = 0; j < v.n; j++) {
            double error = product(&v, i, j) - (i == j);
            sum += error * error;
            for (size_t k = 0; gradient && k < v.m; k++)
                gradient[i * v.along + k * v.across] +=
                    (float)(4 * weight * error * (double)v.values[j * v.along + k * v.across]);
        }
    return weight * sum;
}

/* Not elementwise: a parameter is wanted whole. */
static const tsr_regularizer_ops ops = { .penalty = penalty };

static const tsr_plugin plugin = {
    TSR_REGULARIZER_PLUGIN(&ops),
    .name = "orthogonal",
    .version = "1.0.0",
    .summary = "holds the rows of weights orthonormal",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
