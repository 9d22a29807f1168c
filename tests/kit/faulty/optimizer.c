/* An optimizer: gradient descent with a running sum in a slot; faults by name. */
#include "faulty.h"

enum { ASCENDS = OWN, IGNORES, DIVIDES, WRITES, WHOLE, SLOTS, BEHIND, BEFORE };
FAULTS("ascends", "ignores", "divides", "writes", "whole", "slots", "behind", "before");

static size_t slots(const void *self)
{
    return ((const faulty *)self)->fault == SLOTS ? 17 : 1;
}

static void update(const void *self, const tsr_update *u)
{
    const faulty *f = self;
    double extra = begin(f), rate = f->fault == IGNORES ? 0.1 : 0.1 * u->rate_factor;
    rate = f->fault == ASCENDS ? -rate : rate;
    if (f->fault == WHOLE)
        rate *= 1.0 / (double)u->n;
    for (size_t i = 0; i < u->n; i++) {
        float gradient = u->gradients[i];
        if (f->fault == DIVIDES)
            gradient /= fabsf(gradient);
        u->slots[0][i] += gradient;
        u->values[i] -= (float)(rate * (double)gradient + extra * 1e-3);
        if (f->fault == WRITES)
            ((float *)(uintptr_t)u->gradients)[i] = 0;
    }
    if (f->fault == BEHIND)
        u->slots[0][u->n] = 0;
    if (f->fault == BEFORE)
        u->values[-1] = 0;
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update, .elementwise = true };
FAULTY(TSR_OPTIMIZER_PLUGIN(&ops))
