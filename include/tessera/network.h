/* A built network as probes see it. */
#ifndef TESSERA_NETWORK_H
#define TESSERA_NETWORK_H

#include <tessera/codes.h>

TSR_BEGIN_DECLS

typedef struct tsr_network tsr_network;

/* The shape of an input. [any-thread] */
TSR_API tsr_shape tsr_network_input(const tsr_network *network);
/* Values that it gives for an input. [any-thread] */
TSR_API int tsr_network_outputs(const tsr_network *network);
/* Classes that its outputs are logits of; 0: they are none, as those of an autoencoder. [any-thread] */
TSR_API int tsr_network_classes(const tsr_network *network);
/* Trained parameters in all. [any-thread] */
TSR_API size_t tsr_network_parameters(const tsr_network *network);

/* A layer of the neural code: an activation's pre-activations, or the values that a model taps. */
typedef struct tsr_layer_info {
    const char *name; /* lives as long as the network */
    size_t units;     /* a bit of each for each breakpoint */
    size_t positions; /* values that are summed up for a unit: 1, or a channel's where units are channels */
    size_t channels;  /* of the units: a divisor of their number, and all units of one follow one another */
    size_t n_breakpoints;
    size_t first; /* column of the whole code; bits of breakpoint b begin at first + b * (units rounded up to
                     a multiple of 64) */
} tsr_layer_info;

/* Layers of the code, in its order. [any-thread] */
TSR_API size_t tsr_network_n_layers(const tsr_network *network);
/* Fills in `size` bytes for layer i, which is one. [any-thread] */
TSR_API void tsr_network_layer_sized(const tsr_network *network, size_t i, tsr_layer_info *out, size_t size);
static inline tsr_layer_info tsr_network_layer(const tsr_network *network, size_t i)
{
    tsr_layer_info info;
    tsr_network_layer_sized(network, i, &info, sizeof(info));
    return info;
}

/* Bits of the whole code, those between layers not counted. [any-thread] */
static inline size_t tsr_network_bits(const tsr_network *network)
{
    size_t bits = 0;
    for (size_t i = 0; i < tsr_network_n_layers(network); i++) {
        tsr_layer_info layer = tsr_network_layer(network, i);
        bits += layer.units * layer.n_breakpoints;
    }
    return bits;
}

/* The breakpoints of layer i as the network has them now, n_breakpoints x channels. Not while another thread
   trains the network. [any-thread] */
TSR_API void tsr_network_breakpoints(const tsr_network *network, size_t i, float *at);

/* What a column of the whole code tells of. */
typedef struct tsr_column {
    size_t layer, unit, channel, breakpoint;
} tsr_column;

/* The place of a column; one that is of no unit has layer tsr_network_n_layers(). Fixed in size.
   [any-thread] */
TSR_API tsr_column tsr_network_column(const tsr_network *network, size_t column);

/* The values that layer i is of, for n inputs as the dataset gives them: n x units x positions.
   [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_values(tsr_network *network, size_t i, size_t n,
                                                      const float *inputs, float *values);

/* The values of a layer of the code for some of the inputs, while a pass shows them. The host's. */
typedef struct tsr_layer_values {
    size_t number;  /* of the layer: 0, 1 ... */
    size_t n;       /* inputs */
    size_t width;   /* values of an input: the layer's units x positions */
    const float *x; /* n x width, until the function returns */
    size_t first;   /* which inputs: from number `first` on of those that the pass is of */
} tsr_layer_values;
typedef void tsr_layer_function(void *context, const tsr_layer_values *layer);

/* One pass of n inputs, as the dataset gives them, for all that is wanted of them: `see` (NULL: nobody) is
   shown each layer of the code, batch after batch of the inputs; outputs (NULL: not wanted) are those of
   tsr_network_predict, and *codes (NULL: not wanted), which the caller frees, those of tsr_network_encode.
   `see` is called from the calling thread, and must not use the network. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_see(tsr_network *network, size_t n, const float *inputs,
                                                   tsr_layer_function *see, void *context, float *outputs,
                                                   tsr_codes **codes);

/* The outputs, mostly logits, of n inputs as the dataset gives them: inputs is n x shape, outputs n x
   tsr_network_outputs floats. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_predict(tsr_network *network, size_t n, const float *inputs,
                                                       float *outputs);

/* Codes of n inputs, of the layers that the run takes codes of, with every bit, those that are constant
   included (a layer's bits start at a multiple of 64; the bits between layers are 0 and belong to none). The
   caller frees. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_encode(tsr_network *network, size_t n, const float *inputs,
                                                      tsr_codes **out);

TSR_END_DECLS
#endif
