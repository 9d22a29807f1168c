/* A loss: squared distances; faults by name. */
#include "faulty.h"

enum { GRADIENT = OWN, MEAN, NEEDS, BEYOND, WIDE, MISCOUNTS };
FAULTS("gradient", "mean", "needs", "beyond", "wide", "miscounts");

static tsr_target target(const void *self)
{
    return ((const faulty *)self)->fault == MISCOUNTS ? TSR_TARGET_LABELS : TSR_TARGET_VALUES;
}

static size_t outputs(const void *self, size_t n)
{
    return ((const faulty *)self)->fault == WIDE ? 0 : n;
}

static double evaluate(const void *self, const tsr_loss_batch *batch)
{
    const faulty *f = self;
    double extra = begin(f), loss = extra;
    float factor = f->fault == GRADIENT ? 1 : 2;
    size_t n = batch->n * batch->width;
    for (size_t i = 0; i < n; i++) {
        float error = batch->outputs[i] - (batch->targets ? batch->targets[i] : 0);
        loss += (double)error * (double)error;
        if (batch->gradient)
            batch->gradient[i] = factor * batch->scale * error;
    }
    if (f->fault == BEYOND && batch->gradient)
        batch->gradient[n] = 0;
    if (f->fault == MISCOUNTS && batch->correct)
        *batch->correct = 0;
    if (f->fault == NEEDS && !batch->gradient)
        return 0;
    return f->fault == MEAN ? loss / (double)batch->n : loss;
}

static const tsr_loss_ops ops = { .evaluate = evaluate, .target = target, .outputs = outputs };
FAULTY(TSR_LOSS_PLUGIN(&ops))
