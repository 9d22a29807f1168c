/* The graph as its builder leaves it: nodes in the order they were made, which is one that computes every
   input before its use. Shapes, parameters and needs are known; values and memory are the network's. */
#ifndef TSR_NN_GRAPH_H
#define TSR_NN_GRAPH_H

#include "base/guard.h"
#include "base/shape.h"

#include <tessera/op.h>
#include <tessera/plugin.h>

typedef struct tsr_node_parameter {
    tsr_parameter_spec spec; /* its name is ours */
    size_t n;                /* the product of its dims */
    float *given;            /* its initial values, by tsr_initial; NULL: as the spec says */
} tsr_node_parameter;

typedef struct tsr_node_state {
    char *name;
    size_t n;
    float initial;
    float *given; /* by tsr_initial; NULL: `initial` everywhere */
} tsr_node_state;

/* A number that a node's output depends on; its value is graph->constant_values[i]. */
typedef struct tsr_graph_constant {
    const tsr_node *node;
    tsr_constant_spec spec; /* its name is ours */
    const char *key;        /* of the model that sets it; NULL: none */
    bool given;             /* the config gives that key */
} tsr_graph_constant;

/* An array of per_sample * N + fixed floats. */
typedef struct tsr_float_count {
    size_t per_sample, fixed;
} tsr_float_count;

/* A layer of the neural code: bits tell on which side of breakpoints the values of a node are. */
typedef struct tsr_code_point {
    tsr_node *values;
    const tsr_node *reader; /* the activation whose input they are, which gives the layer its name; or NULL */
    char *name;             /* of a tap */
    size_t n;
    float *breakpoints;
} tsr_code_point;

struct tsr_node {
    tsr_graph *graph;
    size_t index;           /* in the graph */
    const tsr_op *identity; /* as the builder gave it; NULL: the network's input */
    tsr_op op;              /* the same, grown to our size */
    void *config;
    char *name;
    size_t n_inputs;
    tsr_node **inputs;
    tsr_shape *shapes; /* of the inputs */
    tsr_shape shape;
    size_t n_parameters, n_states;
    tsr_node_parameter *parameters;
    tsr_node_state *states;
    tsr_float_count saved, scratch;
    size_t first_edge, first_parameter, first_state, first_constant; /* among all of the graph's */
    /* A layer that is applied several times: the first use has the parameters, state and constants, and every
       other one has none and reads those of `again`, the first. */
    tsr_node *again;    /* NULL: it is a first use */
    tsr_node *last_use; /* of a first use: the last other one; NULL: there is none */
    size_t n_shared, n_shared_states;
    /* Known once the graph is finished: */
    bool adds_gradients;   /* its parameters' gradients are added to those that a later use has written */
    size_t first_added;    /* of them, among all of the graph's that are added */
    bool tapped;           /* its values are a layer of the code */
    bool reads_code;       /* those of its input 0 are one by its setup */
    bool needed;           /* the logits or a term of the loss depend on it */
    bool seen;             /* a layer of the code is of its values */
    bool looked_at;        /* one is, or the logits or a node that is looked at read it */
    bool needs_gradient;   /* a parameter is here or before it */
    bool below_activation; /* an activation or a tap lies between its output and the logits */
    /* Set by tsr_graph_fuse. A chain such as batch norm, add, activation is run as one: its last node, here
       the activation, has `fused`, a node outside the graph that does the work of all three; the others, here
       batch norm and add, are `absorbed` and skipped. Only where no tap looks at the values between them. */
    bool absorbed;
    tsr_node *fused; /* NULL: the node is run as it is */
    tsr_call call;   /* of the plugin whose code it runs: the activation's, else the model's */
};

/* Where tsr_scope was called and tsr_scope_end not yet. */
typedef struct tsr_name_scope {
    struct tsr_name_scope *outer;
    char prefix[]; /* of all names in it, its outer ones' included: "stage.0.block.1." */
} tsr_name_scope;

/* A node whose mean over the batch, times the weight, is part of the training loss. */
typedef struct tsr_loss_term {
    tsr_node *node;
    double weight;
} tsr_loss_term;

struct tsr_graph {
    const tsr_instance *model; /* whose activation tsr_activate takes */
    tsr_status *failure;       /* the first */
    char *place;               /* of the config, that is built now; NULL: none is said */
    size_t n, capacity;
    tsr_node **nodes; /* nodes[0] is the input */
    size_t n_edges, n_parameters, n_states, n_constants;
    size_t n_added; /* parameters whose gradients are added, counted once per use that is not the last */
    size_t n_code_points;
    tsr_code_point *code_points;
    tsr_name_scope *scope; /* the innermost; NULL: none */
    tsr_graph_constant *constants;
    double *constant_values; /* what operators read: n_constants */
    tsr_node *logits;        /* once finished */
    size_t n_terms;
    tsr_loss_term *terms; /* of the loss, beside what the logits are compared with */
};

struct tsr_setup {
    tsr_graph *graph;
    tsr_node *node;
    bool sized; /* tsr_setup_output was called */
};

/* A graph with an input of `shape`. */
TSR_MUST_CHECK tsr_status *tsr_graph_new(const tsr_instance *model, tsr_shape shape, tsr_graph **out);
void tsr_graph_free(tsr_graph *graph);

/* Ends the building: gives the failure that stuck, or checks what build returned against the outputs
   that there must be. */
TSR_MUST_CHECK tsr_status *tsr_graph_finish(tsr_graph *graph, tsr_node *logits, int outputs);

/* The values that the node's operator reads; NULL where there are none in the graph. */
static inline const double *tsr_node_constants(const tsr_graph *graph, const tsr_node *node)
{
    return graph->constant_values ? graph->constant_values + node->first_constant : NULL;
}

/* Gives a constant another value; refuses one that is out of its range. */
TSR_MUST_CHECK tsr_status *tsr_graph_set_constant(tsr_graph *graph, size_t i, double value);

/* Finds the chains of nodes that can be run as one (fuse.c), and sets their `fused` and `absorbed`. On a
   finished graph. */
TSR_MUST_CHECK tsr_status *tsr_graph_fuse(tsr_graph *graph);

/* Adds a layer of the code after checking the breakpoints, or says why not; takes `name` over. */
TSR_MUST_CHECK tsr_status *tsr_graph_add_code(tsr_graph *graph, tsr_node *values, const tsr_node *reader,
                                              char *name, size_t n, const float *breakpoints);
const char *tsr_code_point_name(const tsr_code_point *point);
/* Refuses names that two layers have. */
TSR_MUST_CHECK tsr_status *tsr_graph_check_code(const tsr_graph *graph);
void tsr_graph_clear_code(tsr_graph *graph);

/* The sticky failure for memory. */
void tsr_graph_no_memory(tsr_graph *graph);

/* What a failed call returns. */
tsr_node *tsr_graph_nowhere(void);

/* "<scope>.<operator><number>", a name that no node has; the caller frees it. NULL: no memory. */
char *tsr_graph_default_name(const tsr_graph *graph, const char *operator_name);
/* The prefix of names, "" without a scope. */
const char *tsr_graph_scope(const tsr_graph *graph);
/* Ends the innermost of at least one scope. */
void tsr_graph_leave_scope(tsr_graph *graph);

/* Whether a text may name nodes and parameters: letters, digits and "_.-", not empty. */
bool tsr_name_check(const char *name);

#endif
