/* Reading ONNX files. What is in them is the file's word: it is checked where it is used. */
#ifndef TESSERA_ONNX_FILE_H
#define TESSERA_ONNX_FILE_H

#include "onnx.pb-c.h"

#include <stdbool.h>
#include <tessera/status.h>

typedef struct onnx_file {
    const char *path;
    Onnx__Model *model;
    int64_t opset;                     /* version of the operators' set */
    const Onnx__Tensor **initializers; /* the graph's, by name */
    size_t n_read, n_computed;         /* elements of constants so far (constant.c) */
} onnx_file;

/* Reads and checks what all else stands on: that it is a model of an operator set that is known, with a
   graph. `path` must outlive the file. Clear it only if it succeeded. */
TSR_MUST_CHECK tsr_status *onnx_file_read(const char *path, onnx_file *out);
void onnx_file_clear(onnx_file *file);

/* The `length` bytes from `offset` on of the file `name` beside this one; to be freed. */
TSR_MUST_CHECK tsr_status *onnx_file_beside(const onnx_file *file, const char *name, size_t offset,
                                            size_t length, unsigned char **out);

/* The graph's one input that is no initializer, and the output that is called `name`, or the first. */
TSR_MUST_CHECK tsr_status *onnx_file_input(const onnx_file *file, const Onnx__ValueInfo **out);
TSR_MUST_CHECK tsr_status *onnx_file_output(const onnx_file *file, const char *name,
                                            const Onnx__ValueInfo **out);

/* A text of the file, which may be absent. */
static inline const char *onnx_text(const char *text)
{
    return text ? text : "";
}

/* The same to be shown in a message: what is no printable ASCII is a ?. */
#define ONNX_MAX_SHOWN 120
typedef struct onnx_shown_text {
    char chars[ONNX_MAX_SHOWN + 4];
} onnx_shown_text;
onnx_shown_text onnx_shown(const char *text);

/* Whether the node is this operator of ONNX itself, and not one of the same name of others. */
bool onnx_is(const Onnx__Node *node, const char *op);
bool onnx_is_own_domain(const char *domain);

#endif
