/* Inputs are noisy copies of a prototype for each class. */
#include "kit/encoded.h"

#include "base/memory.h"
#include "kit/kit.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 12 /* values of an input */

static void read_part(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                      int32_t *labels)
{
    const tsr_kit_part *part = &((const tsr_kit_encoded *)self)->parts[split];
    for (size_t i = 0; i < n; i++) {
        if (inputs)
            memcpy(inputs + i * SIZE, part->inputs + index[i] * SIZE, SIZE * sizeof(float));
        if (labels)
            labels[i] = part->labels[index[i]];
    }
}

static const tsr_dataset_ops data_ops = { .read = read_part };

static tsr_status *make_examples(tsr_kit_part *part, size_t n, int classes, uint64_t seed, uint64_t number)
{
    size_t values;
    part->n = n;
    part->inputs = tsr_checked_multiply(n, SIZE, &values) ? tsr_alloc(values, sizeof(float)) : NULL;
    part->labels = tsr_alloc(n, sizeof(int32_t));
    if (!part->inputs || !part->labels)
        return tsr_no_memory("made inputs");
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, number);
    for (size_t i = 0; i < n; i++) {
        part->labels[i] = (int32_t)tsr_rng_below(&rng, (uint64_t)classes);
        tsr_rng own = tsr_rng_stream(seed, TSR_FOR_SHUFFLE, (uint64_t)part->labels[i]);
        for (size_t j = 0; j < SIZE; j++)
            part->inputs[i * SIZE + j] = (float)(tsr_rng_normal(&own) + 0.5 * tsr_rng_normal(&rng));
    }
    return NULL;
}

static tsr_status *encode(tsr_kit_encoded *e, int split)
{
    tsr_kit_part *part = &e->parts[split];
    part->samples = (tsr_samples){ .data = &e->data, .split = (tsr_split)split, .n = part->n };
    e->host.parts[split ? TSR_PART_TEST : TSR_PART_TRAIN] = &part->samples;
    TSR_TRY(tsr_network_encode(e->network, part->n, part->inputs, &part->codes));
    TSR_TRY(tsr_network_encode(e->before, part->n, part->inputs, &part->previous));
    return tsr_codes_copy_in(NULL, part->codes, &part->whole);
}

tsr_status *tsr_kit_encoded_make(size_t n_train, size_t n_test, int classes, uint64_t seed,
                                 tsr_kit_encoded *out)
{
    const tsr_shape shape = TSR_SHAPE(SIZE);
    *out = (tsr_kit_encoded){ .data = { .ops = &data_ops,
                                        .info = { .n = { n_train, n_test }, .shape = shape, .classes = classes } } };
    out->data.self = out;
    TSR_TRY(tsr_kit_plain_model(&out->model));
    out->data.instance = out->model; /* which a message about the data would name */
    TSR_TRY(tsr_network_new(out->model, shape, classes, seed, &out->network));
    TSR_TRY(tsr_network_new(out->model, shape, classes, seed + 1, &out->before));
    for (int split = 0; split < 2; split++) {
        TSR_TRY(make_examples(&out->parts[split], split ? n_test : n_train, classes, seed, (uint64_t)split));
        TSR_TRY(encode(out, split));
    }
    TSR_TRY(tsr_drop_constant(out->parts[TSR_TRAIN].codes, out->parts[TSR_TEST].codes, &out->kept));
    tsr_kept_columns_of_units(&out->kept, out->network);
    return NULL;
}

void tsr_kit_encoded_clear(tsr_kit_encoded *e)
{
    for (int split = 0; split < 2; split++) {
        free(e->parts[split].inputs);
        free(e->parts[split].labels);
        tsr_codes_free(e->parts[split].codes);
        tsr_codes_free(e->parts[split].whole);
        tsr_codes_free(e->parts[split].previous);
    }
    tsr_kept_columns_clear(&e->kept);
    tsr_network_free(e->network);
    tsr_network_free(e->before);
    tsr_instance_free(e->model);
}

void tsr_kit_encoded_tell(const tsr_kit_encoded *e, tsr_probing *probing)
{
    probing->train = e->parts[TSR_TRAIN].codes;
    probing->test = e->parts[TSR_TEST].codes;
    probing->train_labels = probing->trained_labels = e->parts[TSR_TRAIN].labels;
    probing->test_labels = e->parts[TSR_TEST].labels;
    probing->network = e->network;
    probing->epoch = 2;
    probing->whole_bits = e->kept.whole_bits;
    probing->columns = e->kept.columns;
    probing->constant = e->kept.constant;
    probing->constant_values = e->kept.value;
    probing->whole_train = e->parts[TSR_TRAIN].whole;
    probing->whole_test = e->parts[TSR_TEST].whole;
    probing->previous_train = e->parts[TSR_TRAIN].previous;
    probing->previous_test = e->parts[TSR_TEST].previous;
    probing->previous_epoch = 1;
    probing->host = &e->host;
}
