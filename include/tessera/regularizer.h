/* A regularizer: a penalty on a parameter, added to the loss. Which parameters it is applied to is the
   host's question (the key `on` of every regularizer; weights by default). */
#ifndef TESSERA_REGULARIZER_H
#define TESSERA_REGULARIZER_H

#include <tessera/op.h>
#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef struct tsr_parameter {
    const char *name; /* "hidden.0.weight" */
    tsr_role role;
    size_t n_dims, dims[TSR_MAX_DIMS]; /* row-major */
    size_t n;                          /* the product of dims */
    const float *values;
} tsr_parameter;

typedef struct tsr_regularizer_ops {
    /* Returns the penalty, and adds its gradient by the values to `gradient` (NULL: not wanted).
       [shares-work], unless it is elementwise. */
    double (*penalty)(const void *self, const tsr_parameter *parameter, float *gradient);
    /* It is a sum over values, each on its own: penalty may be called for parts of a parameter
       (n and values are then the part's, dims the parameter's), from any threads at once. */
    bool elementwise;
} tsr_regularizer_ops;

#define TSR_REGULARIZER_PLUGIN(table)                                                                        \
    .kind = TSR_REGULARIZER, .ops_size = sizeof(tsr_regularizer_ops), .announced_size = 0,                   \
    .ops = (1 ? (table) : (const tsr_regularizer_ops *)0)

TSR_END_DECLS
#endif
