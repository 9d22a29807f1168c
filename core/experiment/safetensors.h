/* Safetensors files: 8 bytes of header length, a JSON header, the arrays. Reading one, as strangers write it;
   what a model's file means to a network is model_file.h's. */
#ifndef TSR_EXPERIMENT_SAFETENSORS_H
#define TSR_EXPERIMENT_SAFETENSORS_H

#include <jansson.h>
#include <tessera/status.h>

/* A file in memory, checked as far as it can be without a network. */
typedef struct tsr_safetensors tsr_safetensors;

/* Reads the file once. Its arrays must be finite float32 and fill what follows the header, without gaps and
   without overlaps. What PyTorch's batch norm saves beside, an int64 "num_batches_tracked", is passed over.
   A file of another format that models are saved in is refused by that format's name. */
TSR_MUST_CHECK tsr_status *tsr_safetensors_read(const char *path, tsr_safetensors **out);
/* NULL is allowed. */
void tsr_safetensors_free(tsr_safetensors *file);

const char *tsr_safetensors_path(const tsr_safetensors *file);
/* 32 hexadecimal digits of the whole file's XXH3 hash. */
const char *tsr_safetensors_hash(const tsr_safetensors *file);

/* The bytes of all arrays, as they follow the header. */
const char *tsr_safetensors_data(const tsr_safetensors *file, size_t *length);

/* A tensor as the header has it; the file's. */
typedef struct tsr_stored_tensor {
    const char *name;
    const json_t *shape; /* a list of counts */
    size_t begin, end;   /* in the data */
    bool passed_over;    /* no array of ours can be meant */
} tsr_stored_tensor;

size_t tsr_safetensors_count(const tsr_safetensors *file);
const tsr_stored_tensor *tsr_safetensors_tensor(const tsr_safetensors *file, size_t i);
/* NULL where there is none of that name. */
const tsr_stored_tensor *tsr_safetensors_find(const tsr_safetensors *file, const char *name);

/* Copies the first n values, at most as many as its shape has, of a tensor that is not passed over. */
void tsr_safetensors_values(const tsr_safetensors *file, const tsr_stored_tensor *tensor, size_t n,
                            float *values);

/* A text of the header's metadata; NULL where there is none under that key. */
const char *tsr_safetensors_metadata(const tsr_safetensors *file, const char *key);

/* A tensor's name as a message may show it, wherever it comes from. */
const char *tsr_tensor_shown(const char *name);

/* A refusal that names the file and the tensor. */
TSR_MUST_CHECK tsr_status *tsr_bad_tensor(const tsr_safetensors *file, const char *name, const char *format,
                                          ...) TSR_PRINTF(3, 4);

#endif
