/* Arrays that an ONNX file holds, or that follow from them: weights, shapes, axes. */
#ifndef TESSERA_ONNX_CONSTANT_H
#define TESSERA_ONNX_CONSTANT_H

#include "file.h"

#define ONNX_MAX_RANK 8

/* Stands in shapes for the number of samples in a batch, which a network does not know. */
#define ONNX_BATCH (INT64_MIN / 2 + 77)

typedef struct onnx_constant {
    size_t rank, dims[ONNX_MAX_RANK], n; /* elements; row-major */
    bool learned;                        /* an initializer, which training may change */
    float *reals;                        /* or NULL: */
    int64_t *integers;
} onnx_constant;

/* An array of this shape without values; NULL: no memory. Frees all with onnx_constant_free. */
onnx_constant *onnx_constant_new(size_t rank, const size_t *dims, bool integers);
void onnx_constant_free(onnx_constant *constant);
/* The same values in a new array. */
onnx_constant *onnx_constant_copy(const onnx_constant *constant);

/* What a tensor of the file holds: floats of any width as float, integers and bools as int64. The message
   names the tensor. */
TSR_MUST_CHECK tsr_status *onnx_constant_read(const onnx_file *file, const Onnx__Tensor *tensor,
                                              onnx_constant **out);

#endif
