/* A regularizer: the sum of fourth powers; faults by name. */
#include "faulty.h"

enum { GRADIENT = OWN, REPLACES, NEEDS, PARTS, SIGN, BEHIND };
FAULTS("gradient", "replaces", "needs", "parts", "sign", "behind");

static double penalty(const void *self, const tsr_parameter *p, float *gradient)
{
    const faulty *f = self;
    double sum = begin(f);
    for (size_t i = 0; i < p->n; i++) {
        double x = (double)p->values[i], slope = 4 * x * x * x * (f->fault == SIGN && i == 0 ? -1 : 1);
        sum += x * x * x * x;
        if (!gradient)
            continue;
        if (f->fault == REPLACES)
            gradient[i] = 0;
        gradient[i] += (float)(f->fault == GRADIENT ? 3 * x * x * x : slope);
    }
    if (f->fault == BEHIND && gradient)
        gradient[p->n] = 0;
    if (f->fault == NEEDS && !gradient)
        return 0;
    return f->fault == PARTS ? sqrt(sum) : sum;
}

static const tsr_regularizer_ops ops = { .penalty = penalty, .elementwise = true };
FAULTY(TSR_REGULARIZER_PLUGIN(&ops))
