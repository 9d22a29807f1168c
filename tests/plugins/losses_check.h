/* Claims that tests of losses make. */
#ifndef TSR_TESTS_PLUGINS_LOSSES_CHECK_H
#define TSR_TESTS_PLUGINS_LOSSES_CHECK_H

#include "support.h"

/* The loss of a batch, with its gradient where the batch has room for it. */
double loss_of(const tsr_instance *loss, const tsr_loss_batch *batch);

/* The gradient of random outputs agrees with differences, example by example. `batch` has what they are
   compared with, for n examples of `width` outputs. */
void loss_gradient_agrees(const tsr_instance *loss, tsr_loss_batch batch);

#endif
