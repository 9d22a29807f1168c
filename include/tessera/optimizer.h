/* An optimizer: one update over all parameters at once, laid out flat; which tensor lies where is told. */
#ifndef TESSERA_OPTIMIZER_H
#define TESSERA_OPTIMIZER_H

#include <tessera/op.h>
#include <tessera/plugin.h>

TSR_BEGIN_DECLS

/* A parameter tensor, or a part of one, and where it lies in the arrays of an update. */
typedef struct tsr_update_tensor {
    const char *name; /* "hidden.0.weight" */
    tsr_role role;
    size_t n_dims, dims[TSR_MAX_DIMS]; /* of the whole tensor, row-major */
    size_t first, n; /* values[first .. first + n - 1]; n is the product of dims, or the part's */
} tsr_update_tensor;

typedef struct tsr_update {
    size_t n; /* floats in each array below; arrays are 64-byte aligned and do not overlap. Floats that lie in
                 no tensor are padding: zero, and no parameters */
    float *values;          /* read and written */
    const float *gradients; /* of the loss, penalties included */
    float *const *slots;    /* the optimizer's own state: slots(self) arrays of n, zero at the start */
    uint64_t step;          /* 1 at the first update */
    double rate_factor;     /* the schedule's: multiply the learning rate by it */
    size_t n_tensors;       /* at least 1 */
    const tsr_update_tensor *tensors; /* in the order of the arrays; until update returns */
} tsr_update;

typedef struct tsr_optimizer_ops {
    /* How many floats of state each parameter needs (0 .. 16). NULL: none. [one-thread] */
    size_t (*slots)(const void *self);
    /* One step. All state is in the slots, so that one instance serves many networks. [shares-work], unless
       it is elementwise. */
    void (*update)(const void *self, const tsr_update *update);
    /* A parameter's step depends on its own value, gradient and state alone: update may be
       called for parts of the parameters in turn, from any threads at once. Each part lies in one
       tensor, which is then the only one of the update. */
    bool elementwise;
} tsr_optimizer_ops;

#define TSR_OPTIMIZER_PLUGIN(table)                                                                          \
    .kind = TSR_OPTIMIZER, .ops_size = sizeof(tsr_optimizer_ops), .announced_size = 0,                       \
    .ops = (1 ? (table) : (const tsr_optimizer_ops *)0)

TSR_END_DECLS
#endif
