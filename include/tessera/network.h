/* A built network as probes see it. */
#ifndef TESSERA_NETWORK_H
#define TESSERA_NETWORK_H

#include <tessera/codes.h>

TSR_BEGIN_DECLS

typedef struct tsr_network tsr_network;

TSR_API tsr_shape tsr_network_input(const tsr_network *network);
/* Values that it gives for an input. */
TSR_API int tsr_network_outputs(const tsr_network *network);
/* Classes that its outputs are logits of; 0: they are none, as those of an autoencoder. */
TSR_API int tsr_network_classes(const tsr_network *network);
/* Trained parameters in all. */
TSR_API size_t tsr_network_parameters(const tsr_network *network);

/* The outputs, mostly logits, of n inputs as the dataset gives them: inputs is n x shape, outputs n x
   tsr_network_outputs floats. Not while another thread uses the network. */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_predict(tsr_network *network, size_t n, const float *inputs,
                                                       float *outputs);

/* Codes of n inputs, of the layers that the run takes codes of, with every bit, those that are constant
   included (a layer's bits start at a multiple of 64; the bits between layers are 0 and belong to none). The
   caller frees. */
TSR_API TSR_MUST_CHECK tsr_status *tsr_network_encode(tsr_network *network, size_t n, const float *inputs,
                                                      tsr_codes **out);

TSR_END_DECLS
#endif
