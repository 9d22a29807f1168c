/* A module of plugins whose operations are what a test says: each instance holds function pointers, and the
   test sets them. The plugin runtime is the real one. */
#ifndef TSR_TESTS_NN_HOOKS_H
#define TSR_TESTS_NN_HOOKS_H

#include <tessera/tessera.h>

/* build is called with `context`; NULL: a dense layer to the classes. */
typedef struct hook_model {
    tsr_node *(*build)(void *context, tsr_graph *graph, tsr_node *input, int classes);
    void *context;
    tsr_instance *activation; /* declared, none by default */
} hook_model;

/* f(x) = learned x + x^2 / 4: smooth, so that numerical derivatives are sharp, and learned, starting at 0.5;
   its breakpoints are what the test says (none: the two at -1 and 1). */
typedef struct hook_activation {
    size_t n_breakpoints;
    float breakpoints[4];
} hook_activation;

/* penalty returns `value` and adds `gradient` to each element. */
typedef struct hook_regularizer {
    double value, gradient;
    size_t calls;
} hook_regularizer;

/* Each parameter moves by `value`; `slots` is what it says it needs. */
typedef struct hook_optimizer {
    float value;
    size_t slots;
    double last_factor;
    uint64_t last_step;
    void (*see)(void *context, const tsr_update *update); /* NULL: nobody */
    void *context;
} hook_optimizer;

/* Its factor, always. */
typedef struct hook_schedule {
    double factor;
} hook_schedule;

/* An instance of the kind's hook, with these settings beside its name (nets.c). */
tsr_instance *hook(tsr_kind kind, const char *settings);

#endif
