/* Claims that every activation has to meet. */
#ifndef TSR_TESTS_PLUGINS_ACTIVATIONS_CHECK_H
#define TSR_TESTS_PLUGINS_ACTIVATIONS_CHECK_H

#include "support.h"

/* f(x) of one unit; `learned` where the activation learns. */
float activation_value(const tsr_instance *activation, float learned, float x);

/* backward against differences, for rows and for planes, by the input and by what is learned, also with dx in
   dy's place. */
void activation_gradients_agree(const tsr_instance *activation);

/* NaN stays NaN, so that a loss shows it. */
void activation_passes_nan(const tsr_instance *activation);

#endif
