/* ONNX files for tests, made message by message. One at a time; all of it is freed by onnx_begin. */
#ifndef TSR_TESTS_ONNX_MAKE_H
#define TSR_TESTS_ONNX_MAKE_H

#include "onnx.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* Begins a file of operator set 13 with an input x and an output y of these dimensions, ended by 0; the
   batch, which is left open, comes before them. */
void onnx_begin(const int64_t *x, const int64_t *y);
extern Onnx__Model onnx_model;

/* A node; names of inputs and outputs are separated by blanks, - is an absent one. */
Onnx__Node *onnx_node(const char *name, const char *op, const char *inputs, const char *outputs);
Onnx__Attribute *onnx_add_int(Onnx__Node *node, const char *name, int64_t value);
Onnx__Attribute *onnx_add_ints(Onnx__Node *node, const char *name, size_t n, const int64_t *values);
Onnx__Attribute *onnx_add_real(Onnx__Node *node, const char *name, double value);
Onnx__Attribute *onnx_add_string(Onnx__Node *node, const char *name, const char *value);
#define onnx_add_list(node, name, ...)                                                                       \
    onnx_add_ints(node, name, sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),                          \
                  (int64_t[]){ __VA_ARGS__ })

/* Initializers of these dimensions, ended by -1; floats are values[i % n]. */
Onnx__Tensor *onnx_floats(const char *name, const int64_t *dims, size_t n, const float *values);
Onnx__Tensor *onnx_integers(const char *name, size_t n, const int64_t *values);
#define ONNX_DIMS(...) ((const int64_t[]){ __VA_ARGS__, -1 })
#define ONNX_FLOATS(name, dims, ...)                                                                         \
    onnx_floats(name, dims, sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), (const float[]){ __VA_ARGS__ })
#define ONNX_INTEGERS(name, ...)                                                                             \
    onnx_integers(name, sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),                                \
                  (const int64_t[]){ __VA_ARGS__ })

/* A text that the file's messages may point to. */
char *onnx_copy(const char *text);

/* The bytes of the file; to be freed. */
unsigned char *onnx_bytes(size_t *length);

#endif
