/* Networks for tests: instances of the hooks, networks from a build function, random batches, and the
   comparison of gradients with differences. */
#ifndef TSR_TESTS_NN_NETS_H
#define TSR_TESTS_NN_NETS_H

#include "hooks.h"
#include "support.h"

#include "nn/network.h"

typedef tsr_node *build_function(void *context, tsr_graph *graph, tsr_node *input, int classes);

/* A network that keeps the instances it was built from and with. */
typedef struct test_net {
    tsr_instance *model, *loss;
    tsr_network *network;
} test_net;

/* A hook model with the smooth activation and this build function. */
tsr_instance *hook_model_new(build_function *build, void *context);

test_net net_new(build_function *build, void *context, tsr_shape shape, int classes, uint64_t seed);
void net_free(test_net *net);

/* n values uniform in [-1, 1) from the test's own stream `index`. */
void fill_random(size_t n, float *out, uint64_t index);

/* A random batch of n in the planned input, and labels (n; the caller frees). */
int32_t *random_batch(test_net *net, size_t n);

/* The largest error, over all parameters, of tsr_network_gradient against differences of the loss, relative
   to the largest gradient of its tensor. Prints the worst parameter. Planned for n, with random inputs and
   labels, parameters moved off their initial values. */
double gradient_error(test_net *net, size_t n);

/* An operator that adds to its input a parameter of its own of the size of the whole batch, so that the
   gradient of a parameter is the gradient of an input. It works for batches of BATCH only. */
#define BATCH 5
tsr_node *apply_shift(tsr_graph *graph, tsr_node *x);

#endif
