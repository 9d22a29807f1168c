/* What the parts of the probe regions share: the examples that are measured, and what is measured of them. */
#ifndef TSR_REGIONS_H
#define TSR_REGIONS_H

#include "../lines_at_once.h"

#include <tessera/op.h>
#include <tessera/probe.h>

typedef struct regions {
    int examples, random, segments, sampled, directions;
    double reach, radius;
} regions;

/* Examples of one part, or random inputs, in memory. */
typedef struct sample {
    const char *part; /* what its metrics end with */
    size_t n, size;   /* examples; values of one */
    float *x;         /* n x size */
    int32_t *labels;  /* NULL: there are none */
    size_t *order;    /* the examples by class; NULL without labels */
    size_t *first;    /* where each class begins there, and where the last one ends */
    size_t *place;    /* where each example is there */
    double *centre;   /* the mean of the whole part */
    uint64_t seed;    /* its random streams' */
} sample;

/* Random numbers: a stream for each example and purpose. */
enum { FOR_INPUT, FOR_DIRECTION, FOR_SAME, FOR_OTHER, FOR_FRAME, FOR_SEGMENT, FOR_SEGMENT_ACROSS };
static inline tsr_rng regions_stream(const sample *s, unsigned purpose, size_t i)
{
    return tsr_rng_stream(s->seed, TSR_FOR_PROBE, (uint64_t)purpose << 40 | i);
}

/* Another example of the same class as i or of another one (`same`), drawn by its stream; any other where
   there are no labels. SIZE_MAX: there is none. */
size_t regions_partner(const sample *s, tsr_rng rng, size_t i, bool same);

/* What is undefined says why, where `reason` is not NULL. */
tsr_status *regions_give(const tsr_probing *probing, const sample *s, const char *name, double value,
                         const char *reason);

/* Runs task(context, i) for each i below n on all threads; the first failure by i. */
typedef tsr_status *regions_task(void *context, size_t i);
tsr_status *regions_share(size_t n, size_t floats, regions_task *task, void *context);

/* Lengths along directions, and, with `gradients` as regions_gradients gives them, which may be NULL, the
   distances to the first layer's boundaries. */
tsr_status *regions_measure_intervals(const regions *self, const tsr_probing *probing, const sample *s,
                                      const double *gradients);
tsr_status *regions_measure_transitions(const regions *self, const tsr_probing *probing, const sample *s);
tsr_status *regions_measure_complexity(const regions *self, const tsr_probing *probing, const sample *s);

/* The length of each first layer's value's gradient by the input, units x positions of them, for the caller
   to free; NULL where gradients are not the same for all inputs. */
tsr_status *regions_gradients(const tsr_probing *probing, double **out);

#endif
