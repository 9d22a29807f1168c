/* Windows of convolutions and pools: sizes, strides and padding as ONNX says them. */
#ifndef TESSERA_ONNX_WINDOWS_H
#define TESSERA_ONNX_WINDOWS_H

#include "translate.h"

typedef struct onnx_window {
    size_t n; /* dimensions, 1 or 2 */
    int size[2], stride[2], dilation[2];
    size_t before[2], after[2]; /* padding that is to be done apart from it */
    int padding[2];             /* the rest, alike on both sides */
} onnx_window;

/* Reads strides, dilations, pads, auto_pad and ceil_mode for an input of these sides. */
bool onnx_window_read(onnx_translation *t, size_t n, const size_t *sides, const size_t *sizes,
                      onnx_window *out);

/* Does what is to be done apart on the last dimensions of x, with `value`. */
tsr_node *onnx_window_pad(onnx_translation *t, tsr_node *x, const onnx_window *window, float value);

#endif
