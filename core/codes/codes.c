/* Bit-packed rows: making, copying columns, expanding to floats. Rows are padded to 64 bytes, so that a row
   starts on a cache line; layers and their names are one block of memory. */
#include "codes/codes.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORDS_PER_LINE 8

/* What tsr_codes_free must know besides. */
typedef struct kept_codes {
    tsr_codes codes; /* first, so that its address is ours */
    tsr_code_budget *budget;
    size_t bytes; /* of the words as made; dropping columns leaves the room as it is */
    bool mapped;
} kept_codes;

static tsr_status *too_large(size_t n, size_t bits)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu codes of %zu bits", n, bits);
}

size_t tsr_codes_stride(size_t bits)
{
    size_t words = bits / 64 + (bits % 64 != 0);
    return (words + WORDS_PER_LINE - 1) / WORDS_PER_LINE * WORDS_PER_LINE;
}

/* Zeroed words in a file that lost its name as soon as it had one. Its blocks are taken here: later, a full
   disk would be a signal instead of an error. */
static tsr_status *map_words(const char *folder, size_t bytes, uint64_t **out)
{
    char *path = tsr_path_join(folder, "codes.XXXXXX");
    if (!path)
        return tsr_no_memory("a path");
    int fd = mkostemp(path, O_CLOEXEC), error = fd < 0 ? errno : 0;
    if (fd >= 0)
        unlink(path);
    free(path);
    if (!error && bytes > INT64_MAX)
        error = EFBIG;
    while (!error && (error = posix_fallocate(fd, 0, (off_t)bytes)) == EINTR)
        error = 0;
    void *words = error ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!error && words == MAP_FAILED)
        error = errno;
    if (fd >= 0)
        close(fd);
    if (error)
        return tsr_fail(TSR_IO, "%s: cannot keep %.1f GB of codes in a file: %s", folder, (double)bytes / 1e9,
                        strerror(error));
    *out = words;
    return NULL;
}

static tsr_status *take_words(kept_codes *kept)
{
    tsr_codes *codes = &kept->codes;
    tsr_code_budget *budget = kept->budget;
    size_t words;
    if (!tsr_checked_multiply(codes->n, codes->stride, &words) ||
        !tsr_checked_multiply(words, sizeof(uint64_t), &kept->bytes))
        return too_large(codes->n, codes->bits);
    kept->mapped =
        budget && kept->bytes && (budget->used > budget->limit || kept->bytes > budget->limit - budget->used);
    if (kept->mapped)
        return map_words(budget->folder, kept->bytes, &codes->words);
    codes->words = tsr_alloc(words, sizeof(uint64_t));
    if (!codes->words)
        return too_large(codes->n, codes->bits);
    if (budget)
        budget->used += kept->bytes;
    return NULL;
}

tsr_status *tsr_codes_new_in(tsr_code_budget *budget, size_t n, size_t bits, tsr_codes **out)
{
    *out = NULL;
    if (bits > UINT32_MAX)
        return tsr_fail(TSR_REFUSED, "codes of %zu bits: at most %u are possible", bits, UINT32_MAX);
    kept_codes *kept = calloc(1, sizeof(*kept));
    if (!kept)
        return tsr_no_memory("codes");
    *kept =
        (kept_codes){ .codes = { .n = n, .bits = bits, .stride = tsr_codes_stride(bits) }, .budget = budget };
    tsr_status *status = take_words(kept);
    if (status)
        free(kept);
    else
        *out = &kept->codes;
    return status;
}

tsr_status *tsr_codes_new(size_t n, size_t bits, tsr_codes **out)
{
    return tsr_codes_new_in(NULL, n, bits, out);
}

void tsr_codes_free(tsr_codes *codes)
{
    if (!codes)
        return;
    kept_codes *kept = (kept_codes *)codes;
    if (kept->mapped)
        munmap(codes->words, kept->bytes);
    else
        free(codes->words);
    if (!kept->mapped && kept->budget)
        kept->budget->used -= kept->bytes;
    free(codes->layers);
    free(kept);
}

tsr_status *tsr_codes_set_layers(tsr_codes *codes, size_t n, const tsr_code_layer *layers)
{
    size_t budget = n * sizeof(*layers);
    for (size_t i = 0; i < n; i++)
        budget += strlen(layers[i].name) + 1;
    tsr_code_layer *copy = n ? malloc(budget) : NULL;
    if (n && !copy)
        return tsr_no_memory("the layers of codes");
    char *names = (char *)(copy + n);
    for (size_t i = 0; i < n; i++) {
        copy[i] = layers[i];
        copy[i].name = names;
        names = stpcpy(names, layers[i].name) + 1;
    }
    free(codes->layers);
    codes->layers = copy;
    codes->n_layers = n;
    return NULL;
}

/* n bits, at most 64, from bit `first` on. */
static uint64_t bits_at(const uint64_t *words, size_t first, size_t n)
{
    size_t shift = first % 64;
    uint64_t value = words[first / 64] >> shift;
    if (shift + n > 64)
        value |= words[first / 64 + 1] << (64 - shift);
    return n == 64 ? value : value & ((UINT64_C(1) << n) - 1);
}

void tsr_copy_bits(uint64_t *to, size_t at, const uint64_t *from, size_t first, size_t n)
{
    for (size_t done = 0; done < n; done += 64) {
        size_t count = n - done < 64 ? n - done : 64;
        size_t shift = (at + done) % 64;
        uint64_t *word = to + (at + done) / 64;
        uint64_t value = bits_at(from, first + done, count);
        word[0] |= value << shift;
        if (shift + count > 64)
            word[1] |= value >> (64 - shift);
    }
}

/* The layers' parts that lie in the slice, counted from its start. */
static tsr_status *slice_layers(const tsr_codes *codes, size_t first, tsr_codes *slice)
{
    tsr_code_layer *layers = tsr_alloc(codes->n_layers, sizeof(*layers));
    if (!layers)
        return tsr_no_memory("the layers of codes");
    size_t n = 0;
    for (size_t i = 0; i < codes->n_layers; i++) {
        const tsr_code_layer *layer = &codes->layers[i];
        size_t from = layer->first > first ? layer->first : first;
        size_t end = layer->first + layer->bits, last = first + slice->bits;
        end = end < last ? end : last;
        if (from < end)
            layers[n++] = (tsr_code_layer){ layer->name, from - first, end - from };
    }
    tsr_status *status = tsr_codes_set_layers(slice, n, layers);
    free(layers);
    return status;
}

tsr_status *tsr_codes_slice(const tsr_codes *codes, size_t first, size_t bits, tsr_codes **out)
{
    *out = NULL;
    if (first > codes->bits || bits > codes->bits - first)
        return tsr_fail(TSR_FAILED, "bits %zu to %zu of codes that have %zu", first, first + bits,
                        codes->bits);
    tsr_codes *slice;
    TSR_TRY(tsr_codes_new(codes->n, bits, &slice));
    for (size_t i = 0; i < codes->n; i++)
        tsr_copy_bits(slice->words + i * slice->stride, 0, tsr_codes_row(codes, i), first, bits);
    tsr_status *status = slice_layers(codes, first, slice);
    if (status) {
        tsr_codes_free(slice);
        return status;
    }
    *out = slice;
    return NULL;
}

tsr_status *tsr_codes_take_rows(const tsr_codes *codes, const uint64_t *mask, tsr_codes **out)
{
    size_t n = 0, at = 0;
    *out = NULL;
    for (size_t i = 0; i < codes->n; i++)
        n += mask[i / 64] >> i % 64 & 1;
    tsr_codes *taken;
    TSR_TRY(tsr_codes_new(n, codes->bits, &taken));
    tsr_status *status = tsr_codes_set_layers(taken, codes->n_layers, codes->layers);
    if (status) {
        tsr_codes_free(taken);
        return status;
    }
    for (size_t i = 0; i < codes->n; i++)
        if (mask[i / 64] >> i % 64 & 1)
            memcpy(taken->words + at++ * taken->stride, tsr_codes_row(codes, i),
                   tsr_codes_used_words(codes) * sizeof(uint64_t));
    *out = taken;
    return NULL;
}

void tsr_codes_keep_columns(tsr_codes *codes, const uint64_t *mask)
{
    for (size_t i = 0; i < codes->n; i++)
        for (size_t w = 0; w < tsr_codes_used_words(codes); w++)
            codes->words[i * codes->stride + w] &= mask[w];
}

tsr_status *tsr_codes_copy_in(tsr_code_budget *budget, const tsr_codes *codes, tsr_codes **out)
{
    *out = NULL;
    tsr_codes *copy;
    TSR_TRY(tsr_codes_new_in(budget, codes->n, codes->bits, &copy));
    tsr_status *status = tsr_codes_set_layers(copy, codes->n_layers, codes->layers);
    if (status) {
        tsr_codes_free(copy);
        return status;
    }
    memcpy(copy->words, codes->words, codes->n * codes->stride * sizeof(uint64_t));
    *out = copy;
    return NULL;
}

void tsr_codes_expand(const tsr_codes *codes, size_t first, size_t n, float *out)
{
    for (size_t i = first; i < first + n; i++) {
        const uint64_t *row = tsr_codes_row(codes, i);
        for (size_t j = 0; j < codes->bits; j += 64) {
            uint64_t word = row[j / 64];
            size_t count = codes->bits - j < 64 ? codes->bits - j : 64;
            for (size_t bit = 0; bit < count; bit++)
                out[bit] = (float)(word >> bit & 1);
            out += count;
        }
    }
}
