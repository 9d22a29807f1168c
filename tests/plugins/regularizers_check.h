/* Claims that every regularizer has to meet. */
#ifndef TSR_TESTS_PLUGINS_REGULARIZERS_CHECK_H
#define TSR_TESTS_PLUGINS_REGULARIZERS_CHECK_H

#include "support.h"

/* The penalty of n values; its gradient is added to `gradient` (NULL: not wanted). */
double penalty_of(const tsr_instance *regularizer, size_t n, const float *values, float *gradient);

/* The gradient against differences of the penalty, and that it is added to what is there. */
void penalty_gradient_agrees(const tsr_instance *regularizer);

#endif
