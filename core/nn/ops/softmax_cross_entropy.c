/* Softmax cross-entropy, the loss at a network's end, with its gradient (softmax - one hot) / n. Each
   sample's largest logit is taken off before exp, so that nothing overflows. */
#include "nn/ops/ops.h"

#include <math.h>

static size_t largest(size_t classes, const float *logits)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

/* One sample's loss; `gradient` (NULL: not wanted) is also where the exponentials are kept. */
static float sample_loss(size_t classes, const float *logits, float top, size_t label, float share,
                         float *gradient)
{
    float sum = 0;
    for (size_t c = 0; c < classes; c++) {
        float e = expf(logits[c] - top);
        sum += e;
        if (gradient)
            gradient[c] = e;
    }
    if (gradient) {
        float factor = share / sum;
        for (size_t c = 0; c < classes; c++)
            gradient[c] *= factor;
        gradient[label] -= share;
    }
    return logf(sum) - (logits[label] - top);
}

double tsr_softmax_cross_entropy(size_t n, size_t classes, const float *restrict logits,
                                 const int32_t *restrict labels, float *restrict gradient, size_t *correct)
{
    double loss = 0;
    size_t hits = 0;
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * classes;
        size_t best = largest(classes, row), label = (size_t)labels[i];
        hits += best == label;
        loss += sample_loss(classes, row, row[best], label, 1.0f / (float)n,
                            gradient ? gradient + i * classes : NULL);
    }
    if (correct)
        *correct = hits;
    return loss;
}
