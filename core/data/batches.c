/* Mini-batches. The order is an array of the epoch's example numbers; at the start of an epoch it is filled
   afresh and shuffled by the epoch's own random stream, and a step reads its slice of it. */
#include "data/batches.h"

#include "base/memory.h"

#include <stdlib.h>

struct tsr_batch_source {
    const tsr_samples *train;
    size_t batch, epoch_size;
    uint64_t seed;
    size_t *order;   /* epoch_size examples */
    size_t *scratch; /* a batch */
};

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
    *out = source;
    return NULL;
}

void tsr_batch_source_free(tsr_batch_source *source)
{
    if (!source)
        return;
    free(source->order);
    free(source->scratch);
    free(source);
}

static void begin_epoch(void *context, size_t epoch)
{
    tsr_batch_source *source = context;
    for (size_t i = 0; i < source->epoch_size; i++)
        source->order[i] = i % source->train->n;
    tsr_rng rng = tsr_rng_stream(source->seed, TSR_FOR_SHUFFLE, epoch);
    tsr_rng_shuffle(&rng, source->epoch_size, source->order);
}

static size_t next(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels)
{
    (void)epoch; /* whose order begin_epoch made */
    tsr_batch_source *source = context;
    size_t first = step * source->batch, left = source->epoch_size - first;
    size_t n = left < source->batch ? left : source->batch;
    tsr_samples_read(source->train, n, source->order + first, source->scratch, inputs, labels);
    return n;
}

tsr_batches tsr_batch_source_batches(tsr_batch_source *source)
{
    size_t whole = source->epoch_size / source->batch, rest = source->epoch_size % source->batch;
    return (tsr_batches){
        .context = source, .steps = whole + (rest > 0), .begin_epoch = begin_epoch, .next = next
    };
}
