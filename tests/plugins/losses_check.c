/* Claims that tests of losses make. */
#include "losses_check.h"

#include <math.h>
#include <stdlib.h>

double loss_of(const tsr_instance *loss, const tsr_loss_batch *batch)
{
    const tsr_loss_ops *ops = tsr_instance_ops(loss);
    return ops->evaluate(tsr_instance_self(loss), batch);
}

void loss_gradient_agrees(const tsr_instance *loss, tsr_loss_batch batch)
{
    size_t n = batch.n * batch.width;
    float *outputs = calloc(n, sizeof(*outputs)), *gradient = calloc(n, sizeof(*gradient));
    tsr_rng rng = tsr_rng_stream(4, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, n, outputs, -2, 2);
    for (size_t i = 0; i < n; i++)
        gradient[i] = NAN;
    batch.outputs = outputs;
    batch.gradient = gradient;
    double whole = loss_of(loss, &batch);
    batch.gradient = NULL;
    ck_assert(whole == loss_of(loss, &batch));
    for (size_t i = 0; i < n; i++) {
        float at = outputs[i], h = 0x1p-6f;
        outputs[i] = at + h;
        double up = loss_of(loss, &batch);
        outputs[i] = at - h;
        double down = loss_of(loss, &batch);
        outputs[i] = at;
        ck_assert_double_eq_tol((double)gradient[i], (up - down) / (2 * (double)h) * (double)batch.scale,
                                1e-4);
    }
    free(outputs);
    free(gradient);
}
