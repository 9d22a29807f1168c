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
    bool needed;
    tsr_node *node;          /* NULL: a constant, or nothing yet */
    size_t rank;             /* of a node, without the batch; 0: one value for a sample, whose shape is 1 */
    onnx_constant *constant; /* owned */
} onnx_value;

typedef struct onnx_translation {
    onnx_file *file;
    tsr_graph *graph;
    const tsr_instance *prelu;
    tsr_node *input;
    int64_t batch;                 /* that the file says an input has; 0: it does not say */
    void *values, *names, *layers; /* trees of tsearch */
    const Onnx__Node *node;        /* that is being made, and its number */
    size_t number;
    tsr_node *bearer; /* of its name; NULL: what it gives */
    bool failed;
} onnx_translation;

/* Fails the graph, printf style; the message has the file, the node's name and its operator before it. */
void onnx_fail(onnx_translation *t, const char *format, ...) TSR_PRINTF(2, 3);

/* The same with a status, which is freed; true: it was a failure. */
bool onnx_failed(onnx_translation *t, tsr_status *status);

/* --- the input (input.c) and names (names.c) --- */

/* Makes the data the file's input, and reads its batch; fails where they do not fit. */
void onnx_take_input(onnx_translation *t, const Onnx__ValueInfo *value);
#define ONNX_RESHAPED_INPUT "input.reshaped"

/* The present node's name in the graph; NULL and failed: no memory. */
const char *onnx_unique_name(onnx_translation *t);
void onnx_names_clear(onnx_translation *t);

/* --- values (values.c) --- */

/* Enters all values of the file, of which the one called `input` is the translation's. */
void onnx_values_enter(onnx_translation *t, const char *input);
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
   over, or NULL, where it has failed. */
void onnx_give(onnx_translation *t, size_t i, tsr_node *node, size_t rank);
void onnx_give_constant(onnx_translation *t, size_t i, onnx_constant *constant);
/* The same for the first output of a later node, which the present one stands for. */
void onnx_give_for(onnx_translation *t, const Onnx__Node *node, tsr_node *made, size_t rank);

/* Arrays of zeros, and copies, as onnx_constant_new makes them; NULL and failed. */
onnx_constant *onnx_new(onnx_translation *t, size_t rank, const size_t *dims, bool integers);
onnx_constant *onnx_copy(onnx_translation *t, const onnx_constant *constant);

/* Says of `out`, which may be NULL, that it holds the elements of `c` in this order (constant.h): what is
   learned, and under which name, is the same array. */
void onnx_derive(onnx_constant *out, const onnx_constant *c, uint32_t order);

/* --- layers (layers.c) --- */

/* A layer with arrays of the file. One that is made of the same arrays in the same way as an earlier one is
   that layer, applied again. */
typedef struct onnx_layer {
    const char *op;                 /* whatever tells kinds apart */
    const onnx_constant *arrays[4]; /* of values; NULL: it has none */
    double numbers[10];             /* what else it is made of */
    tsr_node *node;
} onnx_layer;

/* The earlier one's node; NULL: there is none, and onnx_layer_keep is to be called with the one that is made.
 */
tsr_node *onnx_layer_find(const onnx_translation *t, const onnx_layer *layer);
/* Warns where a learned array is already another layer's. Returns the node. */
tsr_node *onnx_layer_keep(onnx_translation *t, const onnx_layer *layer, tsr_node *node);
void onnx_layers_clear(onnx_translation *t);

/* --- shapes with the batch (shapes.c) --- */

/* Of a node ONNX_BATCH comes first; a constant has none. */
typedef struct onnx_dims {
    size_t n;
    int64_t dim[ONNX_MAX_RANK];
} onnx_dims;

onnx_dims onnx_dims_of(const onnx_value *value);

/* Gives a Shape node's list, from `start` to before `end`. */
void onnx_give_shape(onnx_translation *t, const onnx_dims *dims);

/* What Flatten, Reshape, Squeeze and Unsqueeze, whichever the present node is, make of a shape. */
bool onnx_dims_changed(onnx_translation *t, const onnx_dims *from, onnx_dims *to);

/* What a Slice takes of one axis: places first, first + step, ...; `count` may be 0. */
typedef struct onnx_part {
    size_t axis;
    int64_t first, step;
    size_t count;
} onnx_part;
/* Returns how many axes; all of the batch is no part. */
size_t onnx_parts(onnx_translation *t, const onnx_dims *from, onnx_part out[ONNX_MAX_RANK]);

/* A Transpose's order of the dimensions. */
bool onnx_order(onnx_translation *t, size_t rank, size_t order[ONNX_MAX_RANK]);

/* --- attributes (attributes.c) --- */

int64_t onnx_int(onnx_translation *t, const char *name, int64_t otherwise);
double onnx_real(onnx_translation *t, const char *name, double otherwise);
/* A string in `room`, which is returned, cut to 31 bytes; "" where there is none. */
const char *onnx_string(onnx_translation *t, const char *name, char room[32]);
const Onnx__Attribute *onnx_attribute(onnx_translation *t, const char *name);
/* Integers from attribute `name`, or, where the operator's set has it so, from input `i`; returns how many,
   at most ONNX_MAX_RANK, or 0 where neither is there. */
size_t onnx_ints(onnx_translation *t, const char *name, int64_t *out);
size_t onnx_ints_or_input(onnx_translation *t, const char *name, size_t i, int64_t *out);
/* Axes of the present shape, of `rank` with the batch, ascending and from 0 on; fails for what is none. */
size_t onnx_axes(onnx_translation *t, size_t n, const int64_t *axes, size_t rank, size_t *out);
bool onnx_axis(onnx_translation *t, int64_t axis, size_t rank, size_t *out);
/* A limit, which may be absent: attribute `name`, or input i; no NaN. */
double onnx_limit(onnx_translation *t, const char *name, size_t i, double otherwise);
/* One number of an array that holds just that; false: something else, or the size of the batch. */
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

/* What an initializer or a Constant node holds, if it has at most ONNX_MAX_RANK elements; before any node is
   made. To be freed; NULL: it is none. */
onnx_constant *onnx_small_constant(const onnx_translation *t, const char *name);

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
   be 1. NULL and failed where it does not fit. */
tsr_node *onnx_array(onnx_translation *t, const onnx_constant *constant, size_t rank, bool scale);

/* Gives the node's parameter these values; the constant must have as many. */
tsr_node *onnx_initial(onnx_translation *t, tsr_node *x, const char *parameter, size_t n,
                       const onnx_constant *constant);

tsr_node *onnx_reshape(onnx_translation *t, tsr_node *x, size_t rank, const size_t *dims);

/* A layer norm written out, (x - mean x) / sqrt(mean (x - mean x)^2 + epsilon), which a Div ends. */
typedef struct onnx_written_norm {
    const char *x; /* the name of a value */
    double epsilon;
    size_t n_axes;
    int64_t axes[ONNX_MAX_RANK];
} onnx_written_norm;

/* Whether the node ends one. */
bool onnx_is_written_norm(const onnx_translation *t, const Onnx__Node *node, onnx_written_norm *out);
/* Makes it of the present node. */
void onnx_make_written_norm(onnx_translation *t, const onnx_written_norm *norm);

/* Where the only user of a value of `rank` dimensions is an `op` of it and a learned constant of n elements,
   all in its last dimension, which leaves it as many dimensions: that constant, and the node. NULL: no. */
const onnx_constant *onnx_joined(onnx_translation *t, const onnx_value *value, size_t rank, const char *op,
                                 size_t n, const Onnx__Node **user);

/* Builds the network; the host's build operation. */
tsr_node *onnx_build(onnx_file *file, tsr_graph *graph, tsr_node *input, const char *output,
                     const tsr_instance *prelu);

/* The shape of a sample, and how many values come out; each is left as it is where the file does not say. */
TSR_MUST_CHECK tsr_status *onnx_sizes(const onnx_file *file, const char *output, tsr_shape *shape,
                                      int *outputs);

#endif
