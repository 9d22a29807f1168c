/* An optimizer at work on gradients that a test makes, beside a reference in double. */
#ifndef TSR_TESTS_PLUGINS_OPTIMIZERS_CHECK_H
#define TSR_TESTS_PLUGINS_OPTIMIZERS_CHECK_H

#include "support.h"

/* One parameter's next value: the reference keeps what it needs in memory[4], zero at the start. */
typedef double reference_step(double value, double gradient, double factor, unsigned step, double *memory);

/* Runs 50 steps on 117 parameters with random gradients of very different sizes and a changing factor, and
   claims that the values stay within rounding of the reference. */
void optimizer_follows(const tsr_instance *optimizer, reference_step *reference);

#endif
