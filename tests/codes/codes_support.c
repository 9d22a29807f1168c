/* Codes to test with. */
#include "codes_support.h"

#include <string.h>

bool get_bit(const tsr_codes *codes, size_t i, size_t j)
{
    return tsr_codes_row(codes, i)[j / 64] >> j % 64 & 1;
}

void set_bit(tsr_codes *codes, size_t i, size_t j, bool value)
{
    uint64_t *word = codes->words + i * codes->stride + j / 64, bit = UINT64_C(1) << j % 64;
    *word = value ? *word | bit : *word & ~bit;
}

tsr_codes *random_codes(uint64_t seed, size_t n, size_t bits, double p)
{
    tsr_codes *codes;
    ck_succeeds(tsr_codes_new(n, bits, &codes));
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < bits; j++)
            set_bit(codes, i, j, tsr_rng_uniform(&rng) < p);
    return codes;
}

tsr_codes *codes_of(size_t n, const char *const *rows)
{
    tsr_codes *codes;
    size_t bits = n ? strlen(rows[0]) : 0;
    ck_succeeds(tsr_codes_new(n, bits, &codes));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < bits; j++)
            set_bit(codes, i, j, rows[i][j] == '1');
    return codes;
}

size_t naive_distance(const tsr_codes *a, size_t i, const tsr_codes *b, size_t j)
{
    size_t sum = 0;
    for (size_t bit = 0; bit < a->bits; bit++)
        sum += get_bit(a, i, bit) != get_bit(b, j, bit);
    return sum;
}

static void flip_row(tsr_codes *codes, size_t i, const tsr_codes *mask)
{
    for (size_t w = 0; w < codes->stride; w++)
        codes->words[i * codes->stride + w] ^= mask->words[w];
}

void mask_codes(uint64_t seed, tsr_codes *a, tsr_codes *b)
{
    tsr_codes *mask = random_codes(seed, 1, a->bits, 0.5);
    for (size_t i = 0; i < a->n; i++)
        flip_row(a, i, mask);
    for (size_t i = 0; i < b->n; i++)
        flip_row(b, i, mask);
    tsr_codes_free(mask);
}
