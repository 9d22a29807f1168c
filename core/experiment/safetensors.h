/* Trained models as safetensors files: 8 bytes of header length, a JSON header, the arrays. Names and
   layouts are those of PyTorch's modules ("hidden.0.weight" is (out, in)); the run's config is in the
   metadata under "config", as JSON text. */
#ifndef TSR_EXPERIMENT_SAFETENSORS_H
#define TSR_EXPERIMENT_SAFETENSORS_H

#include "nn/network.h"

#include <jansson.h>

/* Parameters and running statistics, float32; written whole or not at all. */
TSR_MUST_CHECK tsr_status *tsr_safetensors_write(const char *path, const tsr_network *network,
                                                 const json_t *config);

#endif
