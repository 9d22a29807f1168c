/* An optimizer: one update over all parameters at once, laid out flat. */
#ifndef TESSERA_OPTIMIZER_H
#define TESSERA_OPTIMIZER_H

#include <tessera/plugin.h>

TSR_BEGIN_DECLS

typedef struct tsr_update {
    size_t n;               /* parameters; arrays below are 64-byte aligned and do not overlap */
    float *values;          /* read and written */
    const float *gradients; /* of the loss, penalties included */
    float *const *slots;    /* the optimizer's own state: slots(self) arrays of n, zero at the start */
    uint64_t step;          /* 1 at the first update */
    double rate_factor;     /* the schedule's: multiply the learning rate by it */
} tsr_update;

typedef struct tsr_optimizer_ops {
    /* How many floats of state each parameter needs (0 .. 16). NULL: none. */
    size_t (*slots)(const void *self);
    /* One step. All state is in the slots, so that one instance serves many networks. One thread, unless
       it is elementwise. */
    void (*update)(const void *self, const tsr_update *update);
    /* A parameter's step depends on its own value, gradient and state alone: update may be
       called for parts of the parameters in turn, from any threads at once. */
    bool elementwise;
} tsr_optimizer_ops;

#define TSR_OPTIMIZER_PLUGIN(table)                                                                          \
    .kind = TSR_OPTIMIZER, .ops_size = sizeof(tsr_optimizer_ops),                                            \
    .ops = (1 ? (table) : (const tsr_optimizer_ops *)0)

TSR_END_DECLS
#endif
