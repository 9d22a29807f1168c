/* Writing safetensors files. */
#ifndef TSR_EXPERIMENT_SAFETENSORS_WRITE_H
#define TSR_EXPERIMENT_SAFETENSORS_WRITE_H

#include <jansson.h>
#include <tessera/op.h>
#include <tessera/status.h>

/* A float32 array; dims are row-major and their product is n. */
typedef struct tsr_array_to_store {
    const char *name;
    size_t n_dims, dims[TSR_MAX_DIMS], n;
    float *values;
} tsr_array_to_store;

/* Writes the arrays in their order, whole or not at all. `metadata`, texts by name, is taken over; NULL is
   what its maker gives without memory. */
TSR_MUST_CHECK tsr_status *tsr_safetensors_write(const char *path, json_t *metadata, size_t n,
                                                 const tsr_array_to_store *arrays);

#endif
