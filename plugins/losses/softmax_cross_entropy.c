/* Softmax cross-entropy: -log softmax(outputs) at the label, with its gradient softmax - one hot. Each
   example's largest output is taken off before exp, so that nothing overflows. */
#include <math.h>
#include <tessera/loss.h>

static float largest(size_t width, const float *outputs)
{
    float best = outputs[0];
    for (size_t c = 1; c < width; c++)
        if (outputs[c] > best)
            best = outputs[c];
    return best;
}

/* One example's loss; `gradient` (NULL: not wanted) is also where the exponentials are kept. */
static float example_loss(size_t width, const float *outputs, size_t label, float scale, float *gradient)
{
    float sum = 0, top = largest(width, outputs);
    for (size_t c = 0; c < width; c++) {
        float e = expf(outputs[c] - top);
        sum += e;
        if (gradient)
            gradient[c] = e;
    }
    if (gradient) {
        float factor = scale / sum;
        for (size_t c = 0; c < width; c++)
            gradient[c] *= factor;
        gradient[label] -= scale;
    }
    return logf(sum) - (outputs[label] - top);
}

static double evaluate(const void *self, const tsr_loss_batch *batch)
{
    (void)self;
    double loss = 0;
    for (size_t i = 0; i < batch->n; i++)
        loss +=
            (double)example_loss(batch->width, batch->outputs + i * batch->width, (size_t)batch->labels[i],
                                 batch->scale, batch->gradient ? batch->gradient + i * batch->width : NULL);
    return loss;
}

static const tsr_loss_ops ops = { .evaluate = evaluate };

static const tsr_plugin plugin = {
    TSR_LOSS_PLUGIN(&ops),
    .name = "softmax_cross_entropy",
    .version = "1.0.0",
    .summary = "negative logarithm of the probability that a softmax of the outputs gives the label",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
