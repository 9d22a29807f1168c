/* What a network is made of; private to network.c and the files that lay it out. */
#ifndef TSR_NN_NETWORK_PARTS_H
#define TSR_NN_NETWORK_PARTS_H

#include "nn/graph.h"
#include "nn/network.h"
#include "nn/plan.h"

/* A layer of the code and where it comes from. */
typedef struct tsr_layer_source {
    const tsr_node *values, *reader; /* as in the graph's code point */
} tsr_layer_source;

struct tsr_network {
    tsr_graph *graph;
    int outputs;
    int classes;              /* that the outputs are logits of; 0: they are none */
    const tsr_instance *loss; /* NULL: not given yet */
    int label_classes;        /* that the loss is told of */
    size_t target_width;      /* values of a sample's target */
    bool wants_values;        /* the target is neither labels nor the input */
    size_t target_capacity;   /* samples that `targets` holds */
    float *targets;           /* what outputs are compared with; NULL where it is labels or the input */
    size_t n_trained;         /* parameters, padding not counted */
    tsr_flat flat;
    tsr_network_parameter *tensors;
    tsr_network_state *states;
    float *state_values;
    tsr_network_arrays store; /* the same addresses as the operators want them */
    size_t n_sources;
    tsr_code_source *sources;
    tsr_layer_source *layers; /* of each source */
    tsr_plan *plans[2];       /* without and with training */
    tsr_plan *plan;           /* the selected one */
    const float *mean;        /* of the inputs that it is given; or NULL */
};

/* Sets what `moved` of the layers points to, from what is learned now. */
void tsr_network_move_breakpoints(tsr_network *network);

/* Lays parameters and states out, draws the parameters, and finds the sources of code bits. */
TSR_MUST_CHECK tsr_status *tsr_network_lay_out(tsr_network *network, uint64_t seed);

#endif
