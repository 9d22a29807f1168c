/* Initial values of parameters, each drawn from its own stream. */
#include "nn/initial.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static void draw_normal(tsr_rng *rng, size_t n, double deviation, float *values)
{
    tsr_rng_fill_normal(rng, n, values);
    for (size_t i = 0; i < n; i++)
        values[i] *= (float)deviation;
}

/* Makes `n` vectors of `length` orthonormal (Gram and Schmidt, twice, which leaves nothing but rounding).
   Independent normal vectors are never parallel; of those, the result is uniform among all orthonormal ones.
 */
static void orthonormalise(size_t n, size_t length, double *vectors)
{
    for (size_t i = 0; i < n; i++) {
        double *v = vectors + i * length, norm = 0;
        for (int again = 0; again < 2; again++)
            for (size_t k = 0; k < i; k++) {
                const double *u = vectors + k * length;
                double along = 0;
                for (size_t j = 0; j < length; j++)
                    along += u[j] * v[j];
                for (size_t j = 0; j < length; j++)
                    v[j] -= along * u[j];
            }
        for (size_t j = 0; j < length; j++)
            norm += v[j] * v[j];
        for (size_t j = 0; j < length; j++)
            v[j] /= sqrt(norm);
    }
}

static tsr_status *draw_orthogonal(const tsr_parameter_spec *spec, size_t n, tsr_rng *rng, float *values)
{
    size_t rows = spec->dims[0], columns = n / rows;
    bool wide = rows <= columns; /* the rows are orthonormal, else the columns */
    size_t count = wide ? rows : columns, length = wide ? columns : rows;
    double *vectors = tsr_alloc(n, sizeof(*vectors));
    if (!vectors)
        return tsr_no_memory("initial values");
    for (size_t i = 0; i < n; i++)
        vectors[i] = tsr_rng_normal(rng);
    orthonormalise(count, length, vectors);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            values[i * columns + j] =
                (float)((double)spec->constant * (wide ? vectors[i * length + j] : vectors[j * length + i]));
    free(vectors);
    return NULL;
}

tsr_status *tsr_initial_values(const tsr_parameter_spec *spec, size_t n, uint64_t seed, size_t number,
                               float *values)
{
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_INIT, number);
    float limit;
    switch (spec->init) {
    case TSR_INIT_GLOROT_UNIFORM:
        limit = (float)sqrt(6.0 / ((double)spec->fan_in + (double)spec->fan_out));
        tsr_rng_fill_uniform(&rng, n, values, -limit, limit);
        return NULL;
    case TSR_INIT_FAN_UNIFORM:
        limit = (float)(1 / sqrt((double)spec->fan_in));
        tsr_rng_fill_uniform(&rng, n, values, -limit, limit);
        return NULL;
    case TSR_INIT_HE_NORMAL:
        draw_normal(&rng, n, sqrt(2 / (double)spec->fan_in), values);
        return NULL;
    case TSR_INIT_NORMAL:
        draw_normal(&rng, n, (double)spec->constant, values);
        return NULL;
    case TSR_INIT_ORTHOGONAL:
        return draw_orthogonal(spec, n, &rng, values);
    default:
        for (size_t i = 0; i < n; i++)
            values[i] = spec->constant;
        return NULL;
    }
}
