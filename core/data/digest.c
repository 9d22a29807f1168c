/* A digest of a dataset: XXH3 over its samples as they are read, in blocks of a fixed number of examples. */
#include "data/samples.h"

#include "base/memory.h"
#include "data/classes.h"
#include "plugin/instance.h"

#include <stdlib.h>
#include <tessera/graph.h>
#include <xxhash.h>

#define BLOCK 256 /* examples read together */

/* Room for one block. */
typedef struct block {
    size_t *index;
    float *inputs;
    int32_t *labels;
    float *targets;               /* NULL: there are none */
    size_t floats, target_floats; /* of an example */
} block;

static void add_split(const tsr_data *data, tsr_split split, const block *b, XXH3_state_t *state)
{
    for (size_t first = 0; first < data->info.n[split]; first += BLOCK) {
        size_t left = data->info.n[split] - first, n = left < BLOCK ? left : BLOCK;
        for (size_t i = 0; i < n; i++)
            b->index[i] = first + i;
        tsr_data_give(data, split, n, b->index, b->inputs, data->info.classes ? b->labels : NULL);
        XXH3_64bits_update(state, b->inputs, n * b->floats * sizeof(*b->inputs));
        if (data->info.classes)
            XXH3_64bits_update(state, b->labels, n * sizeof(*b->labels));
        if (!b->targets)
            continue;
        tsr_data_give_targets(data, split, n, b->index, b->targets);
        XXH3_64bits_update(state, b->targets, n * b->target_floats * sizeof(*b->targets));
    }
}

static uint64_t digest_of(const tsr_data *data, const block *b, XXH3_state_t *state)
{
    const tsr_dataset_info *info = &data->info;
    uint64_t sizes[4 + TSR_MAX_DIMS] = { info->n[TSR_TRAIN], info->n[TSR_TEST], (uint64_t)info->classes,
                                         info->shape.n_dims };
    for (size_t i = 0; i < info->shape.n_dims; i++)
        sizes[4 + i] = info->shape.dims[i];
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, sizes, sizeof(sizes));
    if (b->targets) {
        XXH3_64bits_update(state, &info->target.n_dims, sizeof(info->target.n_dims));
        XXH3_64bits_update(state, info->target.dims, info->target.n_dims * sizeof(*info->target.dims));
    }
    tsr_guarded before = tsr_instance_enter(data->instance, TSR_CALL_READ);
    add_split(data, TSR_TRAIN, b, state);
    add_split(data, TSR_TEST, b, state);
    tsr_guard_leave(before);
    return XXH3_64bits_digest(state);
}

static float *block_of(size_t floats)
{
    size_t all;
    return tsr_checked_multiply(BLOCK, floats, &all) ? tsr_alloc(all, sizeof(float)) : NULL;
}

tsr_status *tsr_data_digest(tsr_data *data, uint64_t *out)
{
    if (!data->has_digest) {
        bool targets = data->info.target.n_dims > 0;
        block b = { .index = tsr_alloc(BLOCK, sizeof(size_t)),
                    .labels = tsr_alloc(BLOCK, sizeof(int32_t)),
                    .floats = tsr_shape_size(data->info.shape),
                    .target_floats = targets ? tsr_shape_size(data->info.target) : 0 };
        b.inputs = block_of(b.floats);
        b.targets = targets ? block_of(b.target_floats) : NULL;
        XXH3_state_t *state = XXH3_createState();
        bool whole = b.index && b.inputs && b.labels && (b.targets || !targets) && state;
        if (whole)
            data->digest = digest_of(data, &b, state);
        data->has_digest = whole;
        XXH3_freeState(state);
        free(b.index);
        free(b.inputs);
        free(b.labels);
        free(b.targets);
        if (!whole)
            return tsr_no_memory("the digest of a dataset");
    }
    *out = data->digest;
    return NULL;
}
