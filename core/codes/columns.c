/* Choosing columns: those that are not constant, those of a mask, and those of some layers. */
#include "base/memory.h"
#include "codes/codes.h"
#include "codes/extract.h"
#include "codes/pack.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 64 /* words of all rows that one thread looks at together */

/* Or-s and and-s words w .. w + n - 1 of all rows into `ors` and `ands`. */
static void fold_rows(const tsr_codes *codes, size_t w, size_t n, uint64_t *ors, uint64_t *ands)
{
    for (size_t i = 0; i < codes->n; i++) {
        const uint64_t *row = tsr_codes_row(codes, i) + w;
        for (size_t j = 0; j < n; j++) {
            ors[j] |= row[j];
            ands[j] &= row[j];
        }
    }
}

/* The columns that are 1 in some row of either and 0 in another. */
static void find_varying(const tsr_codes *a, const tsr_codes *b, uint64_t *keep)
{
    size_t words = tsr_codes_used_words(a);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(2 * (a->n + b->n) * words))
    for (size_t w = 0; w < words; w += CHUNK) {
        size_t n = words - w < CHUNK ? words - w : CHUNK;
        uint64_t ands[CHUNK];
        memset(ands, 0xff, sizeof(ands));
        memset(keep + w, 0, n * sizeof(*keep));
        fold_rows(a, w, n, keep + w, ands);
        fold_rows(b, w, n, keep + w, ands);
        for (size_t j = 0; j < n; j++)
            keep[w + j] &= ~ands[j];
    }
}

/* Kept columns among first .. first + n - 1. */
static size_t count_kept(const uint64_t *keep, size_t first, size_t n)
{
    size_t count = 0;
    for (size_t j = first; j < first + n; j++)
        count += keep[j / 64] >> j % 64 & 1;
    return count;
}

/* Layers are left with those of their bits that are kept. */
static void keep_layers(tsr_codes *codes, const uint64_t *keep)
{
    size_t at = 0;
    for (size_t i = 0, met = 0; i < codes->n_layers; i++) {
        tsr_code_layer *layer = &codes->layers[i];
        at += count_kept(keep, met, layer->first - met);
        met = layer->first + layer->bits;
        layer->first = at;
        layer->bits = count_kept(keep, met - layer->bits, layer->bits);
        at += layer->bits;
    }
}

/* Bits move within their rows, then rows towards the start of the array, both in place: codes may be most of
   what memory there is. */
static void keep_columns(tsr_codes *codes, const uint64_t *keep, size_t bits)
{
    size_t words = tsr_codes_used_words(codes), stride = tsr_codes_stride(bits);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(2 * codes->n * words))
    for (size_t i = 0; i < codes->n; i++)
        tsr_gather(codes->words + i * codes->stride, keep, words);
    for (size_t i = 1; i < codes->n && stride < codes->stride; i++)
        memmove(codes->words + i * stride, tsr_codes_row(codes, i), stride * sizeof(uint64_t));
    keep_layers(codes, keep);
    codes->bits = bits;
    codes->stride = stride;
}

void tsr_kept_columns_clear(tsr_kept_columns *kept)
{
    free(kept->columns);
    free(kept->constant);
    free(kept->value);
    *kept = (tsr_kept_columns){ 0 };
}

/* The columns of layers, and their values in a row of either. */
static void find_constant(const tsr_codes *train, const tsr_codes *test, const uint64_t *keep,
                          tsr_kept_columns *kept)
{
    const uint64_t *row = train->n ? tsr_codes_row(train, 0) : test->n ? tsr_codes_row(test, 0) : NULL;
    for (size_t i = 0; i < train->n_layers; i++)
        for (size_t j = train->layers[i].first; j < train->layers[i].first + train->layers[i].bits; j++) {
            uint64_t bit = UINT64_C(1) << j % 64;
            if (keep[j / 64] & bit)
                continue;
            kept->constant[j / 64] |= bit;
            kept->value[j / 64] |= row ? row[j / 64] & bit : 0;
        }
}

static tsr_status *tell_kept(const tsr_codes *train, const tsr_codes *test, const uint64_t *keep, size_t bits,
                             tsr_kept_columns *kept)
{
    size_t words = tsr_codes_used_words(train), at = 0;
    *kept = (tsr_kept_columns){ .n = bits,
                                .whole_bits = train->bits,
                                .columns = tsr_alloc(bits, sizeof(uint32_t)),
                                .constant = tsr_alloc(words, sizeof(uint64_t)),
                                .value = tsr_alloc(words, sizeof(uint64_t)) };
    if (!kept->columns || !kept->constant || !kept->value) {
        tsr_kept_columns_clear(kept);
        return tsr_no_memory("the columns of codes");
    }
    for (size_t j = 0; j < train->bits; j++)
        if (keep[j / 64] >> j % 64 & 1)
            kept->columns[at++] = (uint32_t)j;
    find_constant(train, test, keep, kept);
    return NULL;
}

tsr_status *tsr_drop_constant(tsr_codes *train, tsr_codes *test, tsr_kept_columns *kept)
{
    if (train->bits != test->bits)
        return tsr_fail(TSR_FAILED, "training codes have %zu bits, test codes %zu", train->bits, test->bits);
    uint64_t *keep = tsr_alloc(tsr_codes_used_words(train), sizeof(*keep));
    if (!keep)
        return tsr_no_memory("the columns of codes");
    find_varying(train, test, keep);
    size_t bits = count_kept(keep, 0, train->bits);
    tsr_status *status = kept ? tell_kept(train, test, keep, bits, kept) : NULL;
    if (status) {
        free(keep);
        return status;
    }
    keep_columns(train, keep, bits);
    keep_columns(test, keep, bits);
    free(keep);
    return NULL;
}

tsr_status *tsr_draw_columns(tsr_rng *rng, size_t bits, size_t n, uint64_t *mask)
{
    size_t *order = tsr_alloc(bits, sizeof(*order));
    if (!order)
        return tsr_no_memory("a choice of columns");
    for (size_t j = 0; j < bits; j++)
        order[j] = j;
    tsr_rng_shuffle(rng, bits, order);
    for (size_t j = 0; j < n; j++)
        mask[order[j] / 64] |= UINT64_C(1) << order[j] % 64;
    free(order);
    return NULL;
}

/* Fills rows by those of `codes`, each through `row`, a thread's own. */
static bool copy_kept(const tsr_codes *codes, const uint64_t *keep, tsr_codes *out)
{
    size_t words = tsr_codes_used_words(codes), used = tsr_codes_used_words(out);
    bool failed = false;
#pragma omp parallel num_threads(tsr_threads()) if (tsr_worth_sharing(2 * codes->n * words))
    {
        uint64_t *row = tsr_alloc(words, sizeof(*row));
        if (!row)
#pragma omp atomic write
            failed = true;
#pragma omp for schedule(static)
        for (size_t i = 0; i < codes->n; i++) {
            if (!row)
                continue;
            memcpy(row, tsr_codes_row(codes, i), words * sizeof(*row));
            tsr_gather(row, keep, words);
            memcpy(out->words + i * out->stride, row, used * sizeof(*row));
        }
        free(row);
    }
    return !failed;
}

tsr_status *tsr_codes_columns_in(tsr_code_budget *budget, const tsr_codes *codes, const uint64_t *mask,
                                 tsr_codes **out)
{
    tsr_codes *copy = NULL;
    TSR_TRY(tsr_codes_new_in(budget, codes->n, count_kept(mask, 0, codes->bits), &copy));
    tsr_status *status = tsr_codes_set_layers(copy, codes->n_layers, codes->layers);
    if (!status)
        keep_layers(copy, mask);
    if (!status && !copy_kept(codes, mask, copy))
        status = tsr_no_memory("the columns of codes");
    *out = status ? NULL : copy;
    if (status)
        tsr_codes_free(copy);
    return status;
}

tsr_status *tsr_codes_columns(const tsr_codes *codes, const uint64_t *mask, tsr_codes **out)
{
    return tsr_codes_columns_in(NULL, codes, mask, out);
}

/* The layers' numbers, all where none are given. */
static size_t chosen(size_t n, const int64_t *layers, size_t i)
{
    return n ? (size_t)layers[i] : i;
}

static tsr_status *check_layers(const tsr_codes *codes, size_t n, const int64_t *layers)
{
    for (size_t i = 0; i < n; i++)
        if (layers[i] < 0 || (uint64_t)layers[i] >= codes->n_layers)
            return tsr_fail(TSR_REFUSED, "no layer %lld: the code has %zu, counted from 0",
                            (long long)layers[i], codes->n_layers);
    return NULL;
}

tsr_status *tsr_codes_layers(const tsr_codes *codes, size_t n, const int64_t *layers, tsr_code_budget *budget,
                             tsr_codes **out)
{
    *out = NULL;
    TSR_TRY(check_layers(codes, n, layers));
    if (n == 0 && codes->n_layers == 0)
        return tsr_codes_slice(codes, 0, codes->bits, out);
    size_t count = n ? n : codes->n_layers, bits = 0;
    tsr_code_layer *taken = tsr_alloc(count, sizeof(*taken));
    if (!taken)
        return tsr_no_memory("the layers of codes");
    for (size_t i = 0; i < count; i++) {
        const tsr_code_layer *layer = &codes->layers[chosen(n, layers, i)];
        taken[i] = (tsr_code_layer){ layer->name, bits, layer->bits };
        bits += layer->bits;
    }
    tsr_codes *copy = NULL;
    tsr_status *status = tsr_codes_new_in(budget, codes->n, bits, &copy);
    if (!status)
        status = tsr_codes_set_layers(copy, count, taken);
    for (size_t i = 0; !status && i < codes->n; i++)
        for (size_t j = 0; j < count; j++)
            tsr_copy_bits(copy->words + i * copy->stride, taken[j].first, tsr_codes_row(codes, i),
                          codes->layers[chosen(n, layers, j)].first, taken[j].bits);
    free(taken);
    if (status) {
        tsr_codes_free(copy);
        return status;
    }
    *out = copy;
    return NULL;
}

tsr_status *tsr_codes_without_constant(const tsr_codes *train, const tsr_codes *test, tsr_codes **train_out,
                                       tsr_codes **test_out)
{
    *train_out = *test_out = NULL;
    uint64_t *keep = tsr_alloc(tsr_codes_used_words(train), sizeof(*keep));
    if (!keep)
        return tsr_no_memory("the columns of codes");
    find_varying(train, test, keep);
    tsr_status *status = NULL;
    if (count_kept(keep, 0, train->bits) < train->bits) {
        status = tsr_codes_columns(train, keep, train_out);
        if (!status)
            status = tsr_codes_columns(test, keep, test_out);
    }
    free(keep);
    if (!status)
        return NULL;
    tsr_codes_free(*train_out);
    *train_out = NULL;
    return status;
}
