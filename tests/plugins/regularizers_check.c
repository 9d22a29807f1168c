/* Claims that every regularizer has to meet. Values stay away from 0, where a penalty may have a kink. */
#include "regularizers_check.h"

#define N 103

double penalty_of(const tsr_instance *regularizer, size_t n, const float *values, float *gradient)
{
    const tsr_regularizer_ops *ops = tsr_instance_ops(regularizer);
    tsr_parameter parameter = { "w", TSR_ROLE_WEIGHT, 1, { n }, n, values };
    return ops->penalty(tsr_instance_self(regularizer), &parameter, gradient);
}

void penalty_gradient_agrees(const tsr_instance *regularizer)
{
    float values[N], gradient[N];
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, N, values, -1, 1);
    for (size_t i = 0; i < N; i++) {
        values[i] += values[i] < 0 ? -0.1f : 0.1f;
        gradient[i] = (float)i;
    }
    double whole = penalty_of(regularizer, N, values, gradient);
    ck_assert(whole == penalty_of(regularizer, N, values, NULL));
    for (size_t i = 0; i < N; i++) {
        float at = values[i], h = 0x1p-6f;
        values[i] = at + h;
        double up = penalty_of(regularizer, N, values, NULL);
        values[i] = at - h;
        double down = penalty_of(regularizer, N, values, NULL);
        values[i] = at;
        ck_assert_double_eq_tol((double)gradient[i] - (double)i, (up - down) / (2 * (double)h), 2e-5);
    }
}
