/* The kit's own model: dense, rectifier, dense. It is made of the interfaces that plugins have, so that it
   needs no plugin. */
#include "kit/kit.h"

#include <math.h>
#include <tessera/tessera.h>

#define WIDTH 24

typedef struct plain {
    tsr_instance *activation;
} plain;

static const tsr_key no_keys[] = { TSR_KEY_END };

static void forward(const void *self, const tsr_units *units, float *y)
{
    (void)self;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++)
        y[i] = units->x[i] < 0 ? 0 : units->x[i];
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    (void)self;
    (void)d_learned;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++)
        dx[i] = units->x[i] > 0 ? dy[i] : 0;
}

static const tsr_activation_ops rectifier_ops = { .forward = forward, .backward = backward };
static const tsr_loaded rectifier = { .plugin = { TSR_ACTIVATION_PLUGIN(&rectifier_ops), .name = "rectifier",
                                                  .keys = no_keys } };

static tsr_status *init(void *self)
{
    return tsr_settings_default_plugin(&rectifier, &((plain *)self)->activation);
}

static void fini(void *self)
{
    tsr_instance_free(((plain *)self)->activation);
}

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *x, int classes)
{
    const plain *model = self;
    x = tsr_activate_with(graph, tsr_dense(graph, x, WIDTH), model->activation);
    return tsr_dense(graph, x, classes);
}

static const tsr_model_ops model_ops = { build };
static const tsr_loaded model = { .plugin = { TSR_MODEL_PLUGIN(&model_ops), .name = "plain",
                                              TSR_INSTANCE(plain), .keys = no_keys, .init = init,
                                              .fini = fini } };

tsr_status *tsr_kit_plain_model(tsr_instance **out)
{
    return tsr_settings_default_plugin(&model, out);
}
