/* A loss: what training makes small, a sum over examples of how far the network's outputs are from what they
   should be. Penalties on parameters are regularizers (regularizer.h), and what a model adds of its own is a
   term of its graph (tsr_add_loss_term, graph.h). */
#ifndef TESSERA_LOSS_H
#define TESSERA_LOSS_H

#include <tessera/plugin.h>

TSR_BEGIN_DECLS

/* What outputs are compared with. */
typedef enum tsr_target {
    TSR_TARGET_LABELS, /* the dataset's classes */
    TSR_TARGET_INPUT,  /* the example itself, as the network gets it: noise and augmentation included */
    TSR_TARGET_VALUES, /* the dataset's real-valued targets (read_targets, dataset.h) */
} tsr_target;

typedef struct tsr_loss_batch {
    size_t n;              /* examples, at least 1 */
    size_t width;          /* outputs of an example */
    const float *outputs;  /* n x width */
    int classes;           /* labels are 0 .. classes - 1; 0 where there are none */
    const int32_t *labels; /* n; NULL unless the target is TSR_TARGET_LABELS */
    size_t target_width;   /* values of an example's target, the elements of its shape in their order */
    const float *targets;  /* n x target_width; NULL where the target is TSR_TARGET_LABELS */
    float *gradient;       /* n x width, to be written in full; NULL: it is not wanted */
    float scale;           /* the gradient is that of the sum, times this: 1 / n, for the mean */
    size_t *correct;       /* where a loss looks for each example's largest output anyway it may put here how
                              many have their first largest at the label; else the host counts. NULL: nobody
                              wants to know */
} tsr_loss_batch;

typedef struct tsr_loss_ops {
    /* The sum of the examples' losses, and its gradient by the outputs. An example's depends on no other
       example. Nothing is allocated, and it cannot fail: a loss that is not finite ends the training with a
       message. It may use tsr_parallel_for (op.h) inside. [shares-work] */
    double (*evaluate)(const void *self, const tsr_loss_batch *batch);
    /* What it compares with; always the same for an instance. NULL: TSR_TARGET_LABELS. [one-thread] */
    tsr_target (*target)(const void *self);
    /* How many outputs a network must have, at least 1, for so many classes or values of a target. NULL: as
       many. Where the outputs are as many as classes, the largest is the network's answer, and there is an
       accuracy. [one-thread] */
    size_t (*outputs)(const void *self, size_t n);
} tsr_loss_ops;

#define TSR_LOSS_PLUGIN(table)                                                                               \
    .kind = TSR_LOSS, .ops_size = sizeof(tsr_loss_ops), .announced_size = 0,                                 \
    .ops = (1 ? (table) : (const tsr_loss_ops *)0)

TSR_END_DECLS
#endif
