/* An optimizer at work on gradients that a test makes, beside a reference in double. */
#include "optimizers_check.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define N 117
#define STEPS 50
#define MAX_SLOTS 4

static void one_step(const tsr_instance *optimizer, float *values, float *gradients, float *const *slots,
                     unsigned step, double factor)
{
    const tsr_optimizer_ops *ops = tsr_instance_ops(optimizer);
    ops->update(tsr_instance_self(optimizer), &(tsr_update){ .n = N,
                                                             .values = values,
                                                             .gradients = gradients,
                                                             .slots = slots,
                                                             .step = step,
                                                             .rate_factor = factor });
}

void optimizer_follows(const tsr_instance *optimizer, reference_step *reference)
{
    const tsr_optimizer_ops *ops = tsr_instance_ops(optimizer);
    size_t n_slots = ops->slots ? ops->slots(tsr_instance_self(optimizer)) : 0;
    float *slots[MAX_SLOTS] = { 0 }, *values = tsr_alloc(N, sizeof(float)),
          *gradients = tsr_alloc(N, sizeof(float));
    double expected[N] = { 0 }, largest[N] = { 0 }, memory[N][4] = { { 0 } };
    ck_assert_uint_le(n_slots, MAX_SLOTS);
    for (size_t i = 0; i < n_slots; i++)
        slots[i] = tsr_alloc(N, sizeof(float));
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, 0);
    for (unsigned step = 1; step <= STEPS; step++) {
        double factor = step > STEPS / 2 ? 0.1 : 1;
        for (size_t i = 0; i < N; i++) {
            gradients[i] = (float)(tsr_rng_normal(&rng) * pow(10, (double)(i % 9) - 6));
            expected[i] = reference(expected[i], (double)gradients[i], factor, step, memory[i]);
        }
        one_step(optimizer, values, gradients, slots, step, factor);
        for (size_t i = 0; i < N; i++) {
            largest[i] = fmax(largest[i], fabs(expected[i])); /* what has been rounded on the way */
            ck_assert_double_eq_tol((double)values[i], expected[i], 1e-5 * largest[i]);
        }
    }
    for (size_t i = 0; i < n_slots; i++)
        free(slots[i]);
    free(values);
    free(gradients);
}
