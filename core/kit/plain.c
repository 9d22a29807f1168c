/* The kit's own model, dense, rectifier, dense, and its own loss. They are made of the interfaces that
   plugins have, so that no plugin is needed. */
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

static void piece(const void *self, double learned, size_t number, double *slope, double *offset)
{
    (void)self;
    (void)learned;
    *slope = number ? 1 : 0;
    *offset = 0;
}

static const tsr_activation_ops rectifier_ops = { .forward = forward, .backward = backward, .piece = piece };
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

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *x, int outputs)
{
    const plain *model = self;
    x = tsr_activate_with(graph, tsr_dense(graph, x, WIDTH), model->activation);
    return tsr_dense(graph, x, outputs);
}

static const tsr_model_ops model_ops = { .build = build };
static const tsr_loaded model = { .plugin = { TSR_MODEL_PLUGIN(&model_ops), .name = "plain",
                                              TSR_INSTANCE(plain), .keys = no_keys, .init = init,
                                              .fini = fini } };

tsr_status *tsr_kit_plain_model(tsr_instance **out)
{
    return tsr_settings_default_plugin(&model, out);
}

/* Of an example: the sum of the squared distances to 1 at the label and 0 elsewhere, each output weighted its
   own way, so that no two are alike. */
static double plain_evaluate(const void *self, const tsr_loss_batch *batch)
{
    (void)self;
    double loss = 0;
    for (size_t i = 0; i < batch->n; i++)
        for (size_t j = 0; j < batch->width; j++) {
            size_t k = i * batch->width + j;
            double weight = 1 / (1 + (double)j), error = (double)batch->outputs[k];
            error -= batch->labels && (size_t)batch->labels[i] == j;
            loss += 0.5 * weight * error * error;
            if (batch->gradient)
                batch->gradient[k] = (float)((double)batch->scale * weight * error);
        }
    return loss;
}

static const tsr_loss_ops loss_ops = { .evaluate = plain_evaluate };
static const tsr_loaded loss = { .plugin = { TSR_LOSS_PLUGIN(&loss_ops), .name = "plain", .keys = no_keys } };

tsr_status *tsr_kit_plain_loss(tsr_instance **out)
{
    return tsr_settings_default_plugin(&loss, out);
}
