/* Noise of training examples. Labels are an array beside the examples; what happens to an input is a random
   stream per example, drawn again at each read: the same in every epoch, batch and thread. */
#include "data/noise.h"

#include "base/memory.h"
#include "data/classes.h"

#include <math.h>
#include <stdlib.h>

/* Streams of TSR_FOR_LABEL_NOISE: which examples, then one per example for its new label, and the order in
   which labels change places. */
#define LABEL_CHOICE 0
#define LABELS 1
#define LABEL_ORDER ((uint64_t)1 << 40)

/* Streams of TSR_FOR_INPUT_NOISE: one per example for Gaussian noise, which examples are replaced, and one
   per example for what replaces it. */
#define REPLACED_CHOICE ((uint64_t)1 << 40)
#define REPLACEMENTS ((uint64_t)2 << 40)

#define NOISE 1024 /* values whose noise is drawn together */

/* The numbers 0 .. n-1 in a random order, of which the first are chosen; NULL: no memory. */
static size_t *random_order(tsr_rng rng, size_t n)
{
    size_t *order = tsr_alloc(n, sizeof(*order));
    for (size_t i = 0; order && i < n; i++)
        order[i] = i;
    if (order)
        tsr_rng_shuffle(&rng, n, order);
    return order;
}

static void redraw(const tsr_samples *train, size_t n, const size_t *chosen)
{
    for (size_t i = 0; i < n; i++) {
        tsr_rng label = tsr_rng_stream(train->seed, TSR_FOR_LABEL_NOISE, LABELS + chosen[i]);
        train->noisy[chosen[i]] = (int32_t)tsr_rng_below(&label, (uint64_t)train->data->info.classes);
    }
}

/* The label of each goes to another one, the first n of a random order to the first n of another. */
static tsr_status *permute_labels(const tsr_samples *train, size_t n, const size_t *chosen)
{
    size_t *order = random_order(tsr_rng_stream(train->seed, TSR_FOR_LABEL_NOISE, LABEL_ORDER), n);
    int32_t *labels = tsr_alloc(n, sizeof(*labels));
    bool complete = order && labels;
    for (size_t i = 0; complete && i < n; i++)
        labels[i] = train->noisy[chosen[i]];
    for (size_t i = 0; complete && i < n; i++)
        train->noisy[chosen[i]] = labels[order[i]];
    free(order);
    free(labels);
    return complete ? NULL : tsr_no_memory("noisy labels");
}

/* The labels as the dataset has them; `scratch` has room for train->n. */
static void read_labels(const tsr_samples *train, size_t *scratch, int32_t *labels)
{
    for (size_t i = 0; i < train->n; i++)
        scratch[i] = tsr_samples_example(train, i);
    tsr_data_read_guarded(train->data, train->split, train->n, scratch, NULL, labels);
}

tsr_status *tsr_add_label_noise(tsr_samples *train, double fraction, bool permute)
{
    size_t changed = tsr_portion(fraction, train->n);
    if (changed == 0)
        return NULL;
    size_t *scratch = tsr_alloc(train->n, sizeof(*scratch));
    size_t *order = random_order(tsr_rng_stream(train->seed, TSR_FOR_LABEL_NOISE, LABEL_CHOICE), train->n);
    train->noisy = tsr_alloc(train->n, sizeof(*train->noisy));
    tsr_status *status = scratch && order && train->noisy ? NULL : tsr_no_memory("noisy labels");
    if (!status) {
        read_labels(train, scratch, train->noisy);
        if (permute)
            status = permute_labels(train, changed, order);
        else
            redraw(train, changed, order);
    }
    free(scratch);
    free(order);
    return status;
}

tsr_status *tsr_add_instance_noise(tsr_samples *train, double fraction)
{
    size_t n = tsr_portion(fraction, train->n);
    if (n == 0)
        return NULL;
    size_t *order = random_order(tsr_rng_stream(train->seed, TSR_FOR_INPUT_NOISE, REPLACED_CHOICE), train->n);
    train->replaced = tsr_alloc(tsr_samples_example(train, train->n - 1) / 64 + 1, sizeof(*train->replaced));
    bool complete = order && train->replaced;
    for (size_t i = 0; complete && i < n; i++) {
        size_t example = tsr_samples_example(train, order[i]);
        train->replaced[example / 64] |= (uint64_t)1 << example % 64;
    }
    free(order);
    return complete ? NULL : tsr_no_memory("replaced inputs");
}

static void add_gaussian(const tsr_samples *samples, size_t size, size_t example, float *input)
{
    const float deviation = (float)samples->input_noise;
    tsr_rng rng = tsr_rng_stream(samples->seed, TSR_FOR_INPUT_NOISE, example);
    for (size_t j = 0; j < size; j += NOISE) {
        float noise[NOISE];
        size_t count = size - j < NOISE ? size - j : NOISE;
        tsr_rng_fill_normal(&rng, count, noise);
        for (size_t k = 0; k < count; k++)
            input[j + k] += deviation * noise[k];
    }
}

void tsr_disturb_inputs(const tsr_samples *samples, size_t n, const size_t *examples, float *inputs)
{
    size_t size = tsr_shape_size(samples->data->info.shape);
    for (size_t i = 0; i < n; i++) {
        size_t example = examples[i];
        if (samples->replaced && samples->replaced[example / 64] >> example % 64 & 1) {
            tsr_rng rng = tsr_rng_stream(samples->seed, TSR_FOR_INPUT_NOISE, REPLACEMENTS | example);
            tsr_rng_fill_uniform(&rng, size, inputs + i * size, 0, 1);
        }
        if (samples->input_noise > 0)
            add_gaussian(samples, size, example, inputs + i * size);
    }
}
