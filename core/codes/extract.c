/* From networks to codes: batches go forward, and the values of every layer become bits in the rows of their
   samples. */
#include "codes/extract.h"

#include "base/memory.h"
#include "codes/codes.h"
#include "codes/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>

#define BATCH 256
#define LANES 16

/* Where a batch's codes go. */
typedef struct destination {
    const tsr_network *network;
    tsr_codes *codes;
    size_t row; /* of the batch's first sample */
} destination;

static size_t round_up(size_t bits)
{
    return (bits + 63) / 64 * 64;
}

/* Columns of a layer: its breakpoints' blocks, each starting at a multiple of 64. */
static bool layer_bits(const tsr_code_source *source, size_t *out)
{
    size_t before;
    return source->units <= UINT32_MAX && source->n_breakpoints >= 1 &&
           tsr_checked_multiply(source->n_breakpoints - 1, tsr_code_source_step(source), &before) &&
           !__builtin_add_overflow(before, source->units, out);
}

tsr_status *tsr_codes_for(const tsr_network *network, size_t n, tsr_code_budget *budget, tsr_codes **out)
{
    size_t n_layers = tsr_network_n_layers(network), bits = 0;
    tsr_code_layer *layers = tsr_alloc(n_layers, sizeof(*layers));
    if (!layers)
        return tsr_no_memory("the layers of codes");
    tsr_status *status = NULL;
    for (size_t i = 0; i < n_layers && !status; i++) {
        const tsr_code_source *source = tsr_network_code_source(network, i);
        layers[i] = (tsr_code_layer){ .name = source->name, .first = round_up(bits) };
        if (!layer_bits(source, &layers[i].bits) || layers[i].bits > UINT32_MAX - layers[i].first)
            status = tsr_fail(TSR_REFUSED, "codes up to layer %s: at most %u bits are possible", source->name,
                              UINT32_MAX);
        bits = layers[i].first + layers[i].bits;
    }
    if (!status)
        status = tsr_codes_new_in(budget, n, bits, out);
    if (!status) {
        status = tsr_codes_set_layers(*out, n_layers, layers);
        if (status) {
            tsr_codes_free(*out);
            *out = NULL;
        }
    }
    free(layers);
    return status;
}

/* In 16 sums that are added up in pairs: the same order whatever the processor adds at once. */
TSR_MULTIVERSION_OF(float, sum_of, (const float *x, size_t n), (x, n))
{
    float sums[LANES] = { 0 };
    size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            sums[j] += x[i + j];
    for (size_t i = whole; i < n; i++)
        sums[i - whole] += x[i];
    for (size_t half = LANES / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            sums[j] += sums[j + half];
    return sums[0];
}

/* Breakpoint b of n units from `first` on, which may have moved for each channel in its own way. */
static void compare(const tsr_code_source *source, const float *x, size_t first, size_t n, size_t b,
                    uint64_t *words)
{
    if (!source->moved) {
        tsr_pack_compare(x, n, source->breakpoints[b], words);
        return;
    }
    const float *at = source->moved + b * source->channels;
    size_t per_channel = source->units / source->channels;
    for (size_t i = 0; i < n; i++)
        words[i / 64] |= (uint64_t)(x[i] > at[(first + i) / per_channel]) << i % 64;
}

/* The bits of units first .. first + n - 1 of one sample, at most a word of them, whose sums they tell of. */
static void pack_sums(const tsr_code_source *source, const float *x, size_t first, size_t n, size_t step,
                      uint64_t *words)
{
    float sums[64];
    for (size_t i = 0; i < n; i++)
        sums[i] = sum_of(x + (first + i) * source->positions, source->positions);
    for (size_t b = 0; b < source->n_breakpoints; b++)
        compare(source, sums, first, n, b, words + b * step + first / 64);
}

static void pack_sample(const tsr_code_source *source, const float *x, uint64_t *words)
{
    size_t step = tsr_code_source_step(source) / 64;
    if (source->positions == 1) {
        for (size_t b = 0; b < source->n_breakpoints; b++)
            compare(source, x, 0, source->units, b, words + b * step);
        return;
    }
    for (size_t first = 0; first < source->units; first += 64) {
        size_t left = source->units - first;
        pack_sums(source, x, first, left < 64 ? left : 64, step, words);
    }
}

static void pack_layer(void *context, const tsr_layer_values *layer)
{
    const destination *target = context;
    const tsr_code_source *source = tsr_network_code_source(target->network, layer->number);
    tsr_codes *codes = target->codes;
    size_t first = codes->layers[layer->number].first / 64;
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(layer->n * layer->width))
    for (size_t i = 0; i < layer->n; i++)
        pack_sample(source, layer->x + i * layer->width,
                    codes->words + (target->row + i) * codes->stride + first);
}

static tsr_status *plan(tsr_network *network, size_t n)
{
    size_t batch = n < BATCH ? n : BATCH;
    return tsr_network_plan(network, batch ? batch : 1, false);
}

/* One pass: codes (NULL: not wanted) of the samples' inputs, as trained on where `noisy`, and the evaluation
   (NULL: not wanted). */
static tsr_status *pass_over(tsr_network *network, const tsr_samples *samples, bool noisy, tsr_codes *codes,
                             tsr_evaluation *evaluation)
{
    TSR_TRY(plan(network, samples->n));
    size_t index[BATCH], correct = 0;
    int32_t labels[BATCH];
    double loss = 0;
    const tsr_samples plain = noisy ? *samples : tsr_samples_undisturbed(samples);
    for (size_t row = 0; row < samples->n; row += BATCH) {
        size_t n = samples->n - row < BATCH ? samples->n - row : BATCH, hits = 0;
        destination target = { .network = network, .codes = codes, .row = row };
        for (size_t i = 0; i < n; i++)
            index[i] = row + i;
        tsr_samples_read(&plain, n, index, index, tsr_network_input_values(network),
                         evaluation ? labels : NULL);
        if (evaluation && tsr_network_target_values(network)) {
            for (size_t i = 0; i < n; i++)
                index[i] = row + i;
            tsr_samples_read_targets(&plain, n, index, index, tsr_network_target_values(network));
        }
        tsr_network_forward(network, n, codes ? pack_layer : NULL, &target);
        if (evaluation)
            loss += tsr_network_loss(network, n, labels, &hits);
        correct += hits;
    }
    if (evaluation && samples->n)
        *evaluation = (tsr_evaluation){
            .loss = loss / (double)samples->n,
            .accuracy = tsr_network_classes(network) ? (double)correct / (double)samples->n : NAN,
        };
    return NULL;
}

tsr_status *tsr_extract_and_evaluate(tsr_network *network, const tsr_samples *samples,
                                     tsr_code_budget *budget, tsr_codes **codes, tsr_evaluation *evaluation)
{
    bool together = !tsr_samples_disturbed(samples);
    *codes = NULL;
    *evaluation = (tsr_evaluation){ .loss = NAN, .accuracy = NAN };
    tsr_codes *taken;
    TSR_TRY(tsr_codes_for(network, samples->n, budget, &taken));
    tsr_status *status = pass_over(network, samples, false, taken, together ? evaluation : NULL);
    if (!status && !together)
        status = pass_over(network, samples, true, NULL, evaluation);
    if (status)
        tsr_codes_free(taken);
    else
        *codes = taken;
    return status;
}

tsr_status *tsr_extract(tsr_network *network, const tsr_samples *samples, tsr_code_budget *budget,
                        tsr_codes **out)
{
    *out = NULL;
    tsr_codes *codes;
    TSR_TRY(tsr_codes_for(network, samples->n, budget, &codes));
    tsr_status *status = pass_over(network, samples, false, codes, NULL);
    if (status)
        tsr_codes_free(codes);
    else
        *out = codes;
    return status;
}

tsr_status *tsr_network_encode(tsr_network *network, size_t n, const float *inputs, tsr_codes **out)
{
    *out = NULL;
    TSR_TRY(plan(network, n));
    tsr_codes *codes;
    TSR_TRY(tsr_codes_for(network, n, NULL, &codes));
    size_t size = tsr_shape_size(tsr_network_input(network));
    for (size_t row = 0; row < n; row += BATCH) {
        size_t count = n - row < BATCH ? n - row : BATCH;
        destination target = { .network = network, .codes = codes, .row = row };
        tsr_network_take_inputs(network, count, inputs + row * size);
        tsr_network_forward(network, count, pack_layer, &target);
    }
    *out = codes;
    return NULL;
}

/* Who is shown a pass, and where its codes go. */
typedef struct sight {
    tsr_layer_function *see;
    void *context;
    destination target; /* codes NULL: they are not wanted */
} sight;

static void show_layer(void *context, const tsr_layer_values *layer)
{
    sight *s = context;
    s->target.row = layer->first;
    if (s->target.codes)
        pack_layer(&s->target, layer);
    if (s->see)
        s->see(s->context, layer);
}

tsr_status *tsr_network_see(tsr_network *network, size_t n, const float *inputs, tsr_layer_function *see,
                            void *context, float *outputs, tsr_codes **codes)
{
    sight s = { see, context, { .network = network } };
    if (codes) {
        *codes = NULL;
        TSR_TRY(tsr_codes_for(network, n, NULL, &s.target.codes));
    }
    bool looks = see || codes;
    tsr_status *status = tsr_network_forward_all(network, n, inputs, looks ? show_layer : NULL, &s, outputs);
    if (status)
        tsr_codes_free(s.target.codes);
    else if (codes)
        *codes = s.target.codes;
    return status;
}

void tsr_kept_columns_of_units(tsr_kept_columns *kept, const tsr_network *network)
{
    size_t first = 0;
    for (size_t i = 0; i < tsr_network_n_layers(network); i++) {
        const tsr_code_source *source = tsr_network_code_source(network, i);
        size_t step = tsr_code_source_step(source), left = step - source->units;
        for (size_t b = 0; left && b < source->n_breakpoints; b++) {
            size_t last = (first + (b + 1) * step) / 64 - 1; /* the word in which the units end */
            if (last < (kept->whole_bits + 63) / 64)
                kept->constant[last] &= UINT64_MAX >> left;
        }
        first += tsr_code_source_columns(source);
    }
}

tsr_status *tsr_evaluate(tsr_network *network, const tsr_samples *samples, tsr_evaluation *out)
{
    *out = (tsr_evaluation){ .loss = NAN, .accuracy = NAN };
    return pass_over(network, samples, true, NULL, out);
}
