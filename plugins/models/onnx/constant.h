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
    const char *name;                    /* of that; or NULL */
    bool taken;                          /* a layer has it */
    float *reals;                        /* or NULL: */
    int64_t *integers;
} onnx_constant;

/* An array of zeros of this shape, computed from what the file holds: how much may be is bounded by that, so
   that a short file does not fill the memory. To be freed by onnx_constant_free. */
TSR_MUST_CHECK tsr_status *onnx_constant_new(onnx_file *file, size_t rank, const size_t *dims, bool integers,
                                             onnx_constant **out);
void onnx_constant_free(onnx_constant *constant);

/* What a tensor of the file holds: floats of any width as float, integers and bools as int64. The message
   names the tensor. */
TSR_MUST_CHECK tsr_status *onnx_constant_read(onnx_file *file, const Onnx__Tensor *tensor,
                                              onnx_constant **out);
/* How many elements a tensor says that it has, where that is no more than `max`; else, or where it says no
   good shape, more than `max`. */
size_t onnx_constant_size(const Onnx__Tensor *tensor, size_t max);

#endif
