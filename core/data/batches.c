/* Mini-batches. The order is an array of the epoch's example numbers; at the start of an epoch it is filled
   afresh and shuffled by the epoch's own random stream, and a step reads its slice of it. What is done to an
   image follows from its place in the order, so that nobody sees who does it and when. */
#include "data/batches.h"

#include "base/memory.h"
#include "data/ahead.h"

#include <stdlib.h>

struct tsr_batch_source {
    const tsr_samples *train;
    size_t batch, epoch_size;
    uint64_t seed;
    size_t *order;   /* epoch_size examples */
    size_t *scratch; /* a batch */
    tsr_augmentations augment;
    float *images;    /* a batch before augmentation, and one example more; NULL: there is none */
    bool targets;     /* are read too */
    tsr_ahead *ahead; /* NULL: batches are made when they are asked for */
};

/* The batch of a step. */
static size_t fill(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels, float *targets)
{
    tsr_batch_source *source = context;
    size_t first = step * source->batch, left = source->epoch_size - first;
    size_t n = left < source->batch ? left : source->batch;
    tsr_samples_read(source->train, n, source->order + first, source->scratch,
                     source->images ? source->images : inputs, labels);
    if (targets)
        tsr_samples_read_targets(source->train, n, source->order + first, source->scratch, targets);
    tsr_shape shape = source->train->data->info.shape;
    size_t size = tsr_shape_size(shape);
    for (size_t i = 0; source->images && i < n; i++) {
        tsr_rng rng = tsr_augment_stream(source->seed, epoch, first + i);
        tsr_augment(&source->augment, shape, &rng, source->images + i * size,
                    source->images + source->batch * size, inputs + i * size);
    }
    return n;
}

static tsr_status *prepare_augmentation(tsr_batch_source *source)
{
    tsr_shape shape = source->train->data->info.shape;
    size_t size = tsr_shape_size(shape), values;
    TSR_TRY(tsr_augment_check(&source->augment, shape));
    source->images =
        tsr_checked_multiply(source->batch + 1, size, &values) ? tsr_alloc(values, sizeof(float)) : NULL;
    if (!source->images)
        return tsr_no_memory("augmentation");
    size_t target_size = source->targets ? tsr_shape_size(source->train->data->info.target) : 0;
    if (tsr_threads() == 1)
        return NULL;
    return tsr_ahead_new(fill, source, source->batch, size, target_size, &source->ahead);
}

tsr_status *tsr_batch_source_new(const tsr_samples *train, const tsr_batch_options *options,
                                 tsr_batch_source **out)
{
    *out = NULL;
    if (options->batch == 0)
        return tsr_fail(TSR_REFUSED, "batch is 0, expected at least 1");
    tsr_batch_source *source = calloc(1, sizeof(*source));
    if (!source)
        return tsr_no_memory("batches");
    source->train = train;
    source->seed = options->seed;
    source->epoch_size = options->epoch_size ? options->epoch_size : train->n;
    source->batch = options->batch < source->epoch_size ? options->batch : source->epoch_size;
    source->order = tsr_alloc(source->epoch_size, sizeof(*source->order));
    source->scratch = tsr_alloc(source->batch, sizeof(*source->scratch));
    if (!source->order || !source->scratch) {
        tsr_batch_source_free(source);
        return tsr_no_memory("the order of an epoch");
    }
    source->augment = options->augment;
    source->targets = options->targets;
    tsr_status *status = tsr_augments(&source->augment) ? prepare_augmentation(source) : NULL;
    if (status) {
        tsr_batch_source_free(source);
        return status;
    }
    *out = source;
    return NULL;
}

void tsr_batch_source_free(tsr_batch_source *source)
{
    if (!source)
        return;
    tsr_ahead_free(source->ahead);
    free(source->images);
    free(source->order);
    free(source->scratch);
    free(source);
}

static size_t steps_of(const tsr_batch_source *source)
{
    return source->epoch_size / source->batch + (source->epoch_size % source->batch > 0);
}

static void begin_epoch(void *context, size_t epoch)
{
    tsr_batch_source *source = context;
    if (source->ahead)
        tsr_ahead_pause(source->ahead);
    for (size_t i = 0; i < source->epoch_size; i++)
        source->order[i] = i % source->train->n;
    tsr_rng rng = tsr_rng_stream(source->seed, TSR_FOR_SHUFFLE, epoch);
    tsr_rng_shuffle(&rng, source->epoch_size, source->order);
    if (source->ahead)
        tsr_ahead_begin(source->ahead, epoch, steps_of(source));
}

static size_t next(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels, float *targets)
{
    tsr_batch_source *source = context;
    return source->ahead ? tsr_ahead_next(source->ahead, inputs, labels, targets)
                         : fill(source, epoch, step, inputs, labels, targets);
}

tsr_batches tsr_batch_source_batches(tsr_batch_source *source)
{
    return (tsr_batches){
        .context = source, .steps = steps_of(source), .begin_epoch = begin_epoch, .next = next
    };
}
