/* What the tests of models share: a network of a model's settings, and claims on it. */
#ifndef TSR_TESTS_PLUGINS_MODELS_CHECK_H
#define TSR_TESTS_PLUGINS_MODELS_CHECK_H

#include "support.h"

#include "nn/network.h"

/* A network that keeps the instance it was built from. */
typedef struct built_model {
    tsr_instance *model, *loss;
    tsr_network *network;
} built_model;

/* From the text of a config's group; for 10 classes. */
built_model model_built(const char *settings, tsr_shape shape);
void model_free(built_model *built);

/* Claims on the model with these settings for images of CIFAR-10's shape. */
void model_has_parameters(const char *settings, size_t expected);
void model_has_code_bits(const char *settings, size_t expected);
/* Some parameter, and all of its dimensions: "output.weight 10 512". */
void model_has_parameter(const char *settings, const char *expected);
/* How many parameters, and how many layers of code bits, there are. */
void model_has_tensors(const char *settings, size_t parameters, size_t code_layers);

/* The failure of building for images of `shape`. */
tsr_status *model_try(const char *settings, tsr_shape shape);

/* After a few steps of gradient descent on one random batch, the loss is well below what it was. */
void model_learns_a_batch(const char *settings, tsr_shape shape);

#endif
