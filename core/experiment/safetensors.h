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

/* A file in memory, checked as far as it can be without a network. */
typedef struct tsr_safetensors tsr_safetensors;

/* Reads the file once. Its arrays must be finite float32 and fill what follows the header, without gaps and
   without overlaps. What PyTorch's batch norm saves beside, an int64 "num_batches_tracked", is passed over.
 */
TSR_MUST_CHECK tsr_status *tsr_safetensors_read(const char *path, tsr_safetensors **out);
/* NULL is allowed. */
void tsr_safetensors_free(tsr_safetensors *file);

const char *tsr_safetensors_path(const tsr_safetensors *file);
/* 32 hexadecimal digits of the whole file's XXH3 hash. */
const char *tsr_safetensors_hash(const tsr_safetensors *file);

/* Refuses a file whose names and shapes are not those of the network's parameters and running statistics. */
TSR_MUST_CHECK tsr_status *tsr_safetensors_check(const tsr_safetensors *file, const tsr_network *network);

/* The same, and then gives the network the file's values. Any number of networks; the file stays as it is. */
TSR_MUST_CHECK tsr_status *tsr_safetensors_load(const tsr_safetensors *file, tsr_network *network);

#endif
