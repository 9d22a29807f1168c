/* The memory plan for one batch size. A pass over the graph is a row of steps, one operator each, forwards
   and then backwards. Every array that it needs is live from the step that writes it to the last step that
   reads it; arrays that are never live at the same time share memory in one arena. Of input -> dense -> ReLU
   -> dense, for example, the first dense's output and the logits can lie in the same place in inference, as
   the first has been read when the second is written. The operators' arguments are filled in once, with the
   plan. */
#ifndef TSR_NN_PLAN_H
#define TSR_NN_PLAN_H

#include "nn/graph.h"

/* An array and its life, in steps, both ends included. */
typedef struct tsr_buffer {
    size_t floats;
    size_t first, last;
    size_t offset; /* the placement's answer: a multiple of 16 floats, 0 for an empty buffer */
} tsr_buffer;

/* Places buffers, the largest first, each as low as no buffer that is live with it is in the way. *total:
   floats in all. With `apart` no two share memory, whenever they live. */
TSR_MUST_CHECK tsr_status *tsr_place(size_t n, tsr_buffer *buffers, bool apart, size_t *total);

typedef enum tsr_plan_kind {
    TSR_PLAN_INFERENCE,
    TSR_PLAN_TRAINING,
    TSR_PLAN_APART, /* training, no memory shared, and full of NaN at first: what is read unwritten shows */
} tsr_plan_kind;

/* Where the network keeps what outlives a step; indexed from node->first_parameter and node->first_state. */
typedef struct tsr_network_arrays {
    float **parameters, **gradients, **state;
} tsr_network_arrays;

typedef struct tsr_plan {
    tsr_plan_kind kind;
    size_t batch;
    const tsr_graph *graph;
    float *arena;
    size_t floats;                /* of the arena */
    float **values, **gradients;  /* per node: its output and, where training and needed, its gradient; NULL
                                     where it is absorbed and training */
    tsr_pass *forward, *backward; /* per node, ready but for n, training and rng */
    tsr_pass *fused;              /* per node that has a fused one: that one's forward */
    /* Per edge (node->first_edge + input): what operators see, and where an input's gradient is written to be
       added because an earlier step has already written it. */
    const float **inputs;
    float **input_gradients, **added;
    float **parameter_gradients; /* the network's */
    float **parameters_added;    /* and those that are added to them: graph->n_added */
} tsr_plan;

TSR_MUST_CHECK tsr_status *tsr_plan_new(const tsr_graph *graph, const tsr_network_arrays *store, size_t batch,
                                        tsr_plan_kind kind, tsr_plan **out);
void tsr_plan_free(tsr_plan *plan);

/* All operators in order; `see` (NULL: nobody; while training, always) gets the n samples' values of each node
   that a layer of the code is of, once they are computed. */
typedef void tsr_plan_see(void *context, const tsr_node *node, size_t n, const float *values);
void tsr_plan_forward(tsr_plan *plan, size_t n, bool training, uint64_t seed, uint64_t step,
                      tsr_plan_see *see, void *context);

/* From the gradients of the logits and of the loss's terms (gradients[node->index], filled) to those of all
   parameters. */
void tsr_plan_backward(tsr_plan *plan, size_t n);

#endif
