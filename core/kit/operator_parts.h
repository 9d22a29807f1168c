/* An operator under test, for the files that check it; private to them. */
#ifndef TSR_KIT_OPERATOR_PARTS_H
#define TSR_KIT_OPERATOR_PARTS_H

#include "kit/array.h"
#include "kit/operator.h"
#include "nn/graph.h"

#define TSR_KIT_OPERATOR_SEED 22
#define TSR_KIT_OPERATOR_BUDGET 4e8 /* multiplications that one check of an operator may take */

/* The arrays that every operator has; then come, for all of a kind together, those that it may have several
   of. */
enum { OUTPUT, SAVED, SCRATCH, OUTPUT_GRADIENT, FIRST_INPUT };

struct tsr_kit_operator {
    tsr_network *network;
    const tsr_node *node;
    const tsr_node *owner; /* of the parameters and state: itself or the layer's first use */
    size_t n;              /* samples */
    size_t first_input_gradient, first_parameter, first_parameter_gradient, first_state, n_arrays;
    tsr_kit_array *arrays;
    float **values; /* of the arrays, as tsr_pass wants them */
};

/* "the gradient of its weight", of array i. */
void tsr_kit_operator_name(const tsr_kit_operator *op, size_t i, char *out, size_t capacity);

/* State is again what it is before a step of training. */
void tsr_kit_operator_reset_state(tsr_kit_operator *op);

/* One call, noted; forward with the state that it had before the step. */
void tsr_kit_operator_forward(tsr_kit_operator *op, bool training);
void tsr_kit_operator_backward(tsr_kit_operator *op);

/* Whether array i is one that backward writes. */
bool tsr_kit_operator_is_gradient(const tsr_kit_operator *op, size_t i);

/* Sets every value that the call is to write. */
void tsr_kit_operator_set_for_forward(tsr_kit_operator *op, float value);
void tsr_kit_operator_set_for_backward(tsr_kit_operator *op, float value);

uint64_t tsr_kit_operator_stir(const tsr_kit_array *array);

/* About the multiplications of one call of forward: those of a convolution or dense layer, where it has
   parameters. */
double tsr_kit_operator_cost(const tsr_kit_operator *op);

#endif
