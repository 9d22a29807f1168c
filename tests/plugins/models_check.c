/* Claims that tests of models make. */
#include "models_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CIFAR (TSR_SHAPE(3, 32, 32))
#define CLASSES 10

built_model model_built(const char *settings, tsr_shape shape)
{
    built_model built = { .model = test_instance(TSR_MODEL, settings) };
    ck_succeeds(tsr_network_new(built.model, shape, CLASSES, 1, &built.network));
    built.loss = test_give_loss(built.network);
    return built;
}

void model_free(built_model *built)
{
    tsr_network_free(built->network);
    tsr_instance_free(built->model);
    tsr_instance_free(built->loss);
}

void model_has_parameters(const char *settings, size_t expected)
{
    built_model built = model_built(settings, CIFAR);
    ck_assert_uint_eq(tsr_network_parameters(built.network), expected);
    model_free(&built);
}

void model_has_code_bits(const char *settings, size_t expected)
{
    built_model built = model_built(settings, CIFAR);
    size_t bits = 0;
    for (size_t i = 0; i < tsr_network_n_layers(built.network); i++) {
        const tsr_code_source *source = tsr_network_code_source(built.network, i);
        bits += source->units * source->n_breakpoints;
    }
    ck_assert_uint_eq(bits, expected);
    model_free(&built);
}

void model_has_parameter(const char *settings, const char *expected)
{
    built_model built = model_built(settings, CIFAR);
    bool found = false;
    for (size_t i = 0; i < tsr_network_n_tensors(built.network); i++) {
        const tsr_parameter *p = &tsr_network_tensor(built.network, i)->parameter;
        char text[256];
        snprintf(text, sizeof(text), "%s", p->name);
        for (size_t k = 0; k < p->n_dims; k++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), " %zu", p->dims[k]);
        found |= strcmp(text, expected) == 0;
    }
    ck_assert_msg(found, "%s: no parameter is '%s'", settings, expected);
    model_free(&built);
}

void model_has_tensors(const char *settings, size_t parameters, size_t code_layers)
{
    built_model built = model_built(settings, CIFAR);
    ck_assert_uint_eq(tsr_network_n_tensors(built.network), parameters);
    ck_assert_uint_eq(tsr_network_n_layers(built.network), code_layers);
    model_free(&built);
}

tsr_status *model_try(const char *settings, tsr_shape shape)
{
    tsr_instance *model = test_instance(TSR_MODEL, settings);
    tsr_network *network = NULL;
    tsr_status *status = tsr_network_new(model, shape, CLASSES, 1, &network);
    tsr_network_free(network);
    tsr_instance_free(model);
    return status;
}

#define SAMPLES 8
#define STEPS 12
#define RATE 0.02f

void model_learns_a_batch(const char *settings, tsr_shape shape)
{
    built_model built = model_built(settings, shape);
    ck_succeeds(tsr_network_plan(built.network, SAMPLES, true));
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, 0);
    size_t size = tsr_shape_size(shape);
    float *images = malloc(SAMPLES * size * sizeof(float));
    tsr_rng_fill_uniform(&rng, SAMPLES * size, images, -1, 1);
    int32_t labels[SAMPLES];
    for (int32_t i = 0; i < SAMPLES; i++)
        labels[i] = i % CLASSES;
    tsr_flat flat = tsr_network_flat(built.network);
    double first = 0, last = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        memcpy(tsr_network_input_values(built.network), images, SAMPLES * size * sizeof(float));
        last = tsr_network_gradient(built.network, SAMPLES, labels, 1, step, NULL);
        first = step == 1 ? last : first;
        for (size_t i = 0; i < flat.count; i++)
            flat.values[i] -= RATE * flat.gradients[i];
    }
    ck_assert_double_lt(last, 0.6 * first);
    free(images);
    model_free(&built);
}
