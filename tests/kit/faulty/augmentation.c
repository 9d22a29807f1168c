/* An augmentation: values move by one random number; faults by name. */
#include "faulty.h"

enum { PART = OWN, WRITES, DRAWS, LEAVES, PICKY, BEYOND };
FAULTS("part", "writes", "draws", "leaves", "picky", "beyond");

static tsr_status *check(const void *self, tsr_shape shape)
{
    (void)shape;
    return ((const faulty *)self)->fault == PICKY ? tsr_fail(TSR_REFUSED, "no shape is right") : NULL;
}

static void change(const void *self, tsr_rng *rng, tsr_shape shape, const float *in, float *out)
{
    static int drawn;
    const faulty *f = self;
    float move = (float)(tsr_rng_uniform(rng) + begin(f));
    size_t n = tsr_shape_size(shape);
    if (f->fault == DRAWS)
        move = (float)drawn++;
    if (f->fault == LEAVES)
        move = 0;
    for (size_t i = 0; i < (f->fault == PART ? n - 1 : n); i++)
        out[i] = in[i] + move;
    if (f->fault == BEYOND)
        out[n] = 0;
    if (f->fault == WRITES)
        ((float *)(uintptr_t)in)[0] = 2;
}

static const tsr_augmentation_ops ops = { .check = check, .change = change };
FAULTY(TSR_AUGMENTATION_PLUGIN(&ops))
