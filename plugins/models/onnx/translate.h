/* Making a graph of an ONNX file, node after node. Shapes here are of one sample: what ONNX calls dimension
   0, the batch, is left out, and its axis 1 is dimension 0. */
#ifndef TESSERA_ONNX_TRANSLATE_H
#define TESSERA_ONNX_TRANSLATE_H

#include "constant.h"
#include "file.h"

#include <tessera/model.h>

/* A value of the file: what a node makes, an initializer, the input. */
typedef struct onnx_value {
    const char *name;
    const Onnx__Node *maker;    /* NULL: the input or an initializer */
    const Onnx__Tensor *tensor; /* of an initializer */
    size_t n_uses;              /* by needed nodes, and as the output */
    const Onnx__Node *user;     /* the last of them */
    bool needed, defined;
    tsr_node *node;          /* NULL: a constant, or nothing yet */
    size_t rank;             /* of a node, without the batch; 0: one value for a sample, whose shape is 1 */
    onnx_constant *constant; /* owned */
} onnx_value;

typedef struct onnx_translation {
    const onnx_file *file;
    tsr_graph *graph;
    const tsr_instance *prelu;
    tsr_node *input;
    int64_t batch;          /* that the file says an input has; 0: it does not say */
    void *values;           /* of tsearch, by name */
    const Onnx__Node *node; /* that is being made, and its number */
    size_t number;
    bool failed;
} onnx_translation;

/* Fails the graph, printf style; the message has the file, the node's name and its operator before it. */
void onnx_fail(onnx_translation *t, const char *format, ...) TSR_PRINTF(2, 3);

/* --- values (values.c) --- */

/* Enters all values of the file. */
void onnx_values_enter(onnx_translation *t);
/* Finds out which are needed for `output`, and by whom. */
void onnx_values_need(onnx_translation *t, const char *output);
void onnx_values_clear(onnx_translation *t);
onnx_value *onnx_value_find(const onnx_translation *t, const char *name);

/* The present node's input i; NULL: it is absent, or has failed. Fails unless it is one of a graph's node, or
   a constant, where that is asked for. */
onnx_value *onnx_input(onnx_translation *t, size_t i);
onnx_value *onnx_node_input(onnx_translation *t, size_t i);
const onnx_constant *onnx_constant_input(onnx_translation *t, size_t i);
bool onnx_has_input(const onnx_translation *t, size_t i);

/* What the node gives: output i, of a graph's node with `rank` dimensions, or a constant, which is taken
   over. */
void onnx_give(onnx_translation *t, size_t i, tsr_node *node, size_t rank);
void onnx_give_constant(onnx_translation *t, size_t i, onnx_constant *constant);
/* The same for the first output of a later node, which the present one stands for. */
void onnx_give_for(onnx_translation *t, const Onnx__Node *node, tsr_node *made, size_t rank);

/* The only user of a value, if that is a node of this operator; else NULL. */
const Onnx__Node *onnx_sole_user(const onnx_value *value, const char *op);

/* --- attributes (attributes.c) --- */

int64_t onnx_int(onnx_translation *t, const char *name, int64_t otherwise);
double onnx_real(onnx_translation *t, const char *name, double otherwise);
/* "" where there is none. Valid until the next call. */
const char *onnx_string(onnx_translation *t, const char *name, char room[32]);
const Onnx__Attribute *onnx_attribute(onnx_translation *t, const char *name);
/* Integers from attribute `name`, or, where the operator's set has it so, from input `i`; returns how many,
   at most ONNX_MAX_RANK, or 0 where neither is there. */
size_t onnx_ints(onnx_translation *t, const char *name, int64_t *out);
size_t onnx_ints_or_input(onnx_translation *t, const char *name, size_t i, int64_t *out);
/* Axes of the present shape, of `rank` with the batch, ascending and from 0 on; fails for what is none. */
size_t onnx_axes(onnx_translation *t, size_t n, const int64_t *axes, size_t rank, size_t *out);
bool onnx_axis(onnx_translation *t, int64_t axis, size_t rank, size_t *out);
/* One number of an array that holds just that. */
bool onnx_scalar(const onnx_constant *constant, double *out);

/* --- nodes --- */

/* One operator of ONNX: `make` gives its outputs or fails. */
typedef struct onnx_operator {
    const char *name;
    void (*make)(onnx_translation *t);
    const char *attributes;        /* that it knows, each with a blank on either side */
    size_t min_inputs, max_inputs; /* as many as one likes: 0 */
} onnx_operator;

/* The operators of a file, ended by one without a name. */
extern const onnx_operator onnx_maps[], onnx_windows[], onnx_arithmetic[], onnx_activations[],
    onnx_arrangements[], onnx_norms[];

/* Makes a node whose inputs are all constants; false: it is none that is known to be computed beforehand. */
bool onnx_fold(onnx_translation *t);

/* Pads with `value`; before and after have an element for each dimension. */
tsr_node *onnx_pad(tsr_graph *graph, tsr_node *x, const size_t *before, const size_t *after, float value);

/* A continuous function of straight pieces, and a layer of the code: slope[i] x + offset[i] up to at[i]. */
typedef struct onnx_pieces {
    size_t n; /* breakpoints, 1 or 2 */
    float at[2], slope[3], offset[3];
} onnx_pieces;
tsr_node *onnx_piecewise(tsr_graph *graph, tsr_node *x, const onnx_pieces *pieces);

/* A constant as a node, the same for every sample: learned where it is an initializer. Its shape is the
   constant's, with 1s before it up to `rank` dimensions; what it has for the batch, if it goes so far, must
   be
   1. NULL and failed where it does not fit. */
tsr_node *onnx_array(onnx_translation *t, const onnx_constant *constant, size_t rank, bool scale);

/* Gives the node's parameter these values; the constant must have as many. */
tsr_node *onnx_initial(onnx_translation *t, tsr_node *x, const char *parameter, size_t n,
                       const onnx_constant *constant);

tsr_node *onnx_reshape(onnx_translation *t, tsr_node *x, size_t rank, const size_t *dims);

/* A layer norm written out, (x - mean x) / sqrt(mean (x - mean x)^2 + epsilon), which a Div ends. */
typedef struct onnx_written_norm {
    const char *x, *epsilon; /* the names of values */
    const Onnx__Node *mean;  /* which has the axes */
} onnx_written_norm;

/* Whether the node ends one. */
bool onnx_is_written_norm(const onnx_translation *t, const Onnx__Node *node, onnx_written_norm *out);
/* Makes it of the present node. */
void onnx_make_written_norm(onnx_translation *t, const onnx_written_norm *norm);

/* Where the only user of the present node's output is an `op` of it and a learned constant of n elements, all
   in its last dimension: that constant, and the node. NULL: no. */
const onnx_constant *onnx_joined(onnx_translation *t, const onnx_value *value, const char *op, size_t n,
                                 const Onnx__Node **user);

/* Builds the network; the host's build operation. */
tsr_node *onnx_build(const onnx_file *file, tsr_graph *graph, tsr_node *input, const char *output,
                     const tsr_instance *prelu);

/* The shape of a sample, and how many values come out, as the file says. */
TSR_MUST_CHECK tsr_status *onnx_sizes(const onnx_file *file, const char *output, tsr_shape *shape,
                                      int *outputs);

#endif
