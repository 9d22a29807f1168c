/* A toy problem as a source of batches: XOR, enough to see training work. */
#ifndef TSR_TESTS_NN_TOY_H
#define TSR_TESTS_NN_TOY_H

#include "nets.h"

#include "nn/train.h"

/* The four points of XOR, `repeats` times per epoch in batches of 4; the order changes with the epoch. */
typedef struct toy {
    size_t repeats;
    size_t epochs_begun;
    bool out_of_order; /* an epoch or step came that should not have */
    size_t batch;      /* what next returns; 0: 4 */
    float poison;      /* replaces an input from step `poison_step` of all on, where that is not 0 */
    size_t poison_step, steps;
} toy;

tsr_batches toy_batches(toy *problem);

/* Dense 8 - norm - activation - dense. */
tsr_node *toy_build(void *context, tsr_graph *graph, tsr_node *input, int classes);

#endif
