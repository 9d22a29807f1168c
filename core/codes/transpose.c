/* Codes with rows for columns: squares of 64 x 64 bits, turned by swapping ever smaller blocks across their
   diagonals (Warren, Hacker's Delight). */
#include "base/memory.h"
#include "codes/codes.h"

#define SIDE 64

static void turn(uint64_t square[SIDE])
{
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (unsigned half = SIDE / 2; half; half /= 2, mask ^= mask << half) {
        for (unsigned k = 0; k < SIDE; k = ((k | half) + 1) & ~half) {
            uint64_t swapped = (square[k] >> half ^ square[k | half]) & mask;
            square[k] ^= swapped << half;
            square[k | half] ^= swapped;
        }
    }
}

/* Word w of up to 64 rows of a and then b, from row `first` on; the rest is zeros. */
static void load(const tsr_codes *a, const tsr_codes *b, size_t first, size_t w, uint64_t square[SIDE])
{
    size_t n = a->n + (b ? b->n : 0);
    for (size_t k = 0; k < SIDE; k++) {
        size_t i = first + k;
        square[k] = i < a->n ? tsr_codes_row(a, i)[w] : i < n ? tsr_codes_row(b, i - a->n)[w] : 0;
    }
}

static void turn_word(const tsr_codes *a, const tsr_codes *b, size_t w, tsr_codes *out)
{
    size_t columns = out->n - w * SIDE < SIDE ? out->n - w * SIDE : SIDE;
    for (size_t first = 0; first < out->bits; first += SIDE) {
        uint64_t square[SIDE];
        load(a, b, first, w, square);
        turn(square);
        for (size_t k = 0; k < columns; k++)
            out->words[(w * SIDE + k) * out->stride + first / SIDE] = square[k];
    }
}

tsr_status *tsr_codes_transpose(const tsr_codes *a, const tsr_codes *b, tsr_codes **out)
{
    if (b && b->bits != a->bits)
        return tsr_fail(TSR_FAILED, "codes of %zu bits cannot be compared with codes of %zu", a->bits,
                        b->bits);
    TSR_TRY(tsr_codes_new(a->bits, a->n + (b ? b->n : 0), out));
    size_t words = tsr_codes_used_words(a);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(4 * (*out)->bits * words))
    for (size_t w = 0; w < words; w++)
        turn_word(a, b, w, *out);
    return NULL;
}
