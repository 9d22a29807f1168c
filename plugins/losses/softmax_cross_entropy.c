/* Softmax cross-entropy: -log softmax(outputs) at the label, with its gradient softmax - one hot. Each
   example's largest output is taken off before exp, so that nothing overflows. */
#include <math.h>
#include <tessera/loss.h>

static size_t largest(size_t width, const float *outputs)
{
    size_t best = 0;
    for (size_t c = 1; c < width; c++)
        if (outputs[c] > outputs[best])
            best = c;
    return best;
}

/* One example's loss, whose largest output is `top`; `gradient` (NULL: not wanted) is also where the
   exponentials are kept. */
static float example_loss(size_t width, const float *outputs, float top, size_t label, float scale,
                          float *gradient)
{
    float sum = 0;
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
    size_t correct = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const float *row = batch->outputs + i * batch->width;
        float *gradient = batch->gradient ? batch->gradient + i * batch->width : NULL;
        size_t best = largest(batch->width, row), label = (size_t)batch->labels[i];
        correct += best == label;
        loss += (double)example_loss(batch->width, row, row[best], label, batch->scale, gradient);
    }
    if (batch->correct)
        *batch->correct = correct;
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
