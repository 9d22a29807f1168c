/* A network: the built graph, its parameters and a memory plan for a batch size. Forward, backward and the
   loss; what the training loop, the code extraction and the store need of it. One thread uses it at a time.
 */
#ifndef TSR_NN_NETWORK_H
#define TSR_NN_NETWORK_H

#include <tessera/loss.h>
#include <tessera/model.h>
#include <tessera/network.h>
#include <tessera/regularizer.h>

/* Builds the model for inputs of `shape`; parameters are drawn from `seed` (stream TSR_FOR_INIT, by number).
   The instance must outlive the network. Its outputs count as logits of so many classes, until it is given a
   loss that says otherwise. */
TSR_MUST_CHECK tsr_status *tsr_network_new(const tsr_instance *model, tsr_shape shape, int outputs,
                                           uint64_t seed, tsr_network **out);
void tsr_network_free(tsr_network *network);

/* Asks a model that takes and gives sizes of its own for them; those that it does not say, or all of another
   model, stay as they are. */
TSR_MUST_CHECK tsr_status *tsr_model_sizes(const tsr_instance *model, tsr_shape *input, int *outputs);

/* What a loss compares with: its tsr_target. */
tsr_target tsr_loss_target(const tsr_instance *loss);

/* What the outputs are compared with. */
typedef struct tsr_network_loss_options {
    const tsr_instance *loss; /* must outlive the network */
    int classes;              /* of the labels; 0: there are none */
    size_t target_width;      /* values of a sample's target, where the loss's is TSR_TARGET_VALUES */
} tsr_network_loss_options;

/* Gives the network its loss, without which it has no gradients. Before it is planned. */
void tsr_network_set_loss(tsr_network *network, const tsr_network_loss_options *options);

/* Its outputs stand for no classes, as where a dataset has none. */
void tsr_network_set_unlabelled(tsr_network *network);

/* The graph that it computes, whose constants may be set until it is planned and after; the network's. */
tsr_graph *tsr_network_graph(const tsr_network *network);

/* Plans and allocates for batches of up to n samples, with gradients where training. The network holds one
   plan for training and one without; asking for one that it holds only selects it, and addresses stay. Input
   and logits last until the next forward, whatever is planned. */
TSR_MUST_CHECK tsr_status *tsr_network_plan(tsr_network *network, size_t n, bool training);
/* For tests: a training plan in which no two buffers share memory, and which starts full of NaN. Gives what
   the other plans give. */
TSR_MUST_CHECK tsr_status *tsr_network_plan_apart(tsr_network *network, size_t n);
/* The batch size planned for. */
size_t tsr_network_batch(const tsr_network *network);

/* Calls `visit` for each array of initial values that the model gives (tsr_initial), with the node's name. */
void tsr_network_given(const tsr_network *network,
                       void (*visit)(void *context, const char *name, size_t n, const float *values),
                       void *context);

/* What tsr_network_predict and tsr_network_encode subtract from each input that they are given: a sample's
   values, which must outlive the network; NULL: nothing. What is put into the planned input is taken as it
   is. */
void tsr_network_subtract(tsr_network *network, const float *mean);
const float *tsr_network_subtracted(const tsr_network *network);
/* Puts n inputs into the planned input as these two take them. */
void tsr_network_take_inputs(tsr_network *network, size_t n, const float *inputs);

/* The planned input: for a batch x shape floats. */
float *tsr_network_input_values(tsr_network *network);
/* The planned targets, batch x target_width floats that are to be filled before the loss is asked for; NULL
   where it compares with labels or the input. */
float *tsr_network_target_values(tsr_network *network);
/* The output of the last forward, n x outputs: logits, where there are classes. */
const float *tsr_network_logits(const tsr_network *network);

/* What is known of a layer of code bits. */
typedef struct tsr_code_source {
    const char *name; /* of the activation's node, or the tap's */
    size_t units;     /* that have bits */
    size_t positions; /* values, one after the other, whose sum is a unit's; mostly 1 */
    size_t channels;  /* of the values; a divisor of the units */
    size_t n_breakpoints;
    const float *breakpoints; /* ascending; where they are learned, those before training */
    float *moved;             /* n_breakpoints x channels, as they were in the last forward; NULL: as above */
} tsr_code_source;
/* From a breakpoint's columns of the whole code to the next one's: the units, rounded up to a multiple of 64;
   and the columns that all take up. The latter is checked not to overflow where codes are made. */
static inline size_t tsr_code_source_step(const tsr_code_source *source)
{
    return (source->units + 63) / 64 * 64;
}

static inline size_t tsr_code_source_columns(const tsr_code_source *source)
{
    return source->n_breakpoints * tsr_code_source_step(source);
}

const tsr_code_source *tsr_network_code_source(const tsr_network *network, size_t layer);

/* What codes are made of. */
typedef struct tsr_code_choice {
    size_t n_layers;           /* 0: all */
    const char *const *layers; /* their names */
    bool by_channel;           /* a unit is a channel: the sum of its pre-activations over all positions */
} tsr_code_choice;

/* Makes the chosen layers, in the order of the graph, the only ones that give code bits. Refuses a name that
   no layer has, telling those that there are. Once, before the first forward. */
TSR_MUST_CHECK tsr_status *tsr_network_choose_code(tsr_network *network, const tsr_code_choice *choice);

/* Inference on the first n rows of the planned input; `see` (NULL: nobody) gets every layer once. */
void tsr_network_forward(tsr_network *network, size_t n, tsr_layer_function *see, void *context);

/* Inputs as tsr_network_predict takes them, batch by batch: `see` (NULL: nobody) gets every layer of each
   batch, and outputs (NULL: not wanted) are n x the network's. The plan that is selected stays. */
TSR_MUST_CHECK tsr_status *tsr_network_forward_all(tsr_network *network, size_t n, const float *inputs,
                                                   tsr_layer_function *see, void *context, float *outputs);

/* Forward in training mode, the mean loss of the batch, the graph's terms included, and gradients of all
   parameters. `labels` (n) may be NULL where the loss compares with others. `seed` and `step` name the random
   streams. Planned with training. Examples whose largest logit is the label's are counted in *correct (NULL:
   not wanted), where there are classes. */
double tsr_network_gradient(tsr_network *network, size_t n, const int32_t *labels, uint64_t seed,
                            uint64_t step, size_t *correct);

/* The loss of the last forward's outputs: the sum over the samples, without the graph's terms; counts as
   above in *correct (NULL: not wanted). */
double tsr_network_loss(const tsr_network *network, size_t n, const int32_t *labels, size_t *correct);

/* All trained parameters, flat, with their gradients beside: `count` floats, 64-byte aligned, padding
   between parameters is zero in both. */
typedef struct tsr_flat {
    size_t count;
    float *values, *gradients;
} tsr_flat;
tsr_flat tsr_network_flat(tsr_network *network);

/* Parameters one by one, in the order of the graph; `gradient` points into the flat gradients. */
typedef struct tsr_network_parameter {
    tsr_parameter parameter;
    float *values, *gradient;
    bool hidden; /* some activation lies between it and the logits */
} tsr_network_parameter;
size_t tsr_network_n_tensors(const tsr_network *network);
const tsr_network_parameter *tsr_network_tensor(const tsr_network *network, size_t i);

/* Arrays kept but not trained (running statistics). */
typedef struct tsr_network_state {
    const char *name; /* "norm.0.running_mean" */
    size_t n;
    float *values;
} tsr_network_state;
size_t tsr_network_n_states(const tsr_network *network);
const tsr_network_state *tsr_network_get_state(const tsr_network *network, size_t i);

#endif
