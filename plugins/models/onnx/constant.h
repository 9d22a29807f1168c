/* Arrays that an ONNX file holds, or that follow from them: weights, shapes, axes. */
#ifndef TESSERA_ONNX_CONSTANT_H
#define TESSERA_ONNX_CONSTANT_H

#include "file.h"

#define ONNX_MAX_RANK 8
#define ONNX_SAME_ORDER 1

/* Stands in shapes for the number of samples in a batch, which a network does not know. */
#define ONNX_BATCH (INT64_MIN / 2 + 77)

/* A tensor's data_type: those that are known here. */
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16,
};
bool onnx_type_is_real(int64_t type);

typedef struct onnx_constant {
    size_t rank, dims[ONNX_MAX_RANK], n; /* elements; row-major */
    bool learned;                        /* an initializer, which training may change */
    const char *name;                    /* of that; or NULL */
    bool taken;                          /* a layer has it, or what is derived of it */
    const struct onnx_constant *origin;  /* the initializer whose elements these are, in another shape or
                                            order; NULL: none, or itself */
    uint32_t order;                      /* the origin's, ONNX_SAME_ORDER, or what Transpose has made of it,
                                            different for each; 0: that is not known */
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
/* Whether a tensor is a good one of no more than `max` elements. */
bool onnx_constant_fits(const Onnx__Tensor *tensor, size_t max);

/* Copies n elements, from `first` on, to those of `to` from `at` on; both are of reals, or of integers. */
void onnx_constant_take(onnx_constant *to, size_t at, const onnx_constant *from, size_t first, size_t n);

#endif
