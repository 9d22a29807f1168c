/* Codes from arrays that others made. Rows are converted by several threads; of what is wrong the first place
   in the array is told, whichever thread met it first. */
#include "base/memory.h"
#include "codes/codes.h"
#include "data/array.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64 /* elements that are looked at together: the bits of a word */

/* Where the array is not as it should be. */
typedef struct fault {
    size_t row, column;
} fault;

static const unsigned char *byte_at(const tsr_array *array, size_t row, size_t column)
{
    return array->bytes + row * array->strides[0] + column * array->strides[1];
}

/* A byte with its bits the other way round. */
static unsigned char turned(unsigned char byte)
{
    byte = (unsigned char)(byte >> 4 | byte << 4);
    byte = (unsigned char)((byte & 0xcc) >> 2 | (byte & 0x33) << 2);
    return (unsigned char)((byte & 0xaa) >> 1 | (byte & 0x55) << 1);
}

/* --- packed --- */

/* Row `row`, whose words are zero. Gives the first bit behind the code's that is set; SIZE_MAX: none is. */
static size_t take_packed(const tsr_array *array, const tsr_codes_form *form, size_t row, size_t bits,
                          uint64_t *words)
{
    size_t n = (bits + 7) / 8;
    unsigned char *bytes = (unsigned char *)words;
    if (array->strides[1] == 1)
        memcpy(bytes, byte_at(array, row, 0), n);
    else
        for (size_t j = 0; j < n; j++)
            bytes[j] = *byte_at(array, row, j);
    for (size_t j = 0; form->highest_first && j < n; j++)
        bytes[j] = turned(bytes[j]);
    for (size_t w = 0; w < (bits + 63) / 64; w++)
        words[w] = le64toh(words[w]);
    size_t last = (bits - 1) / 64;
    uint64_t beyond = bits % 64 ? words[last] >> bits % 64 : 0;
    return beyond ? bits + (size_t)__builtin_ctzll(beyond) : SIZE_MAX;
}

/* --- an element for a bit --- */

/* Eight bytes of 0 or 1 as the bits of one, the first as the lowest. */
static inline uint64_t gather_eight(uint64_t bytes)
{
    return (bytes * UINT64_C(0x0102040810204080)) >> 56;
}

/* Whole bytes that lie side by side, n of them, at most 64; false where one is neither 0 nor 1. */
static bool take_bytes(const unsigned char *bytes, size_t n, uint64_t *out)
{
    uint64_t word = 0, all = 0;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight = 0;
        memcpy(&eight, bytes + i, n - i < 8 ? n - i : 8);
        all |= eight;
        word |= gather_eight(le64toh(eight) & UINT64_C(0x0101010101010101)) << i;
    }
    *out = word;
    return !(all & ~UINT64_C(0x0101010101010101));
}

static bool take_numbers(const double *values, size_t n, const tsr_codes_form *form, uint64_t *out)
{
    uint64_t word = 0;
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        bool one = form->has_threshold ? values[i] > form->threshold : values[i] == 1;
        good = good && (form->has_threshold ? isfinite(values[i]) : one || values[i] == 0);
        word |= (uint64_t)one << i;
    }
    *out = word;
    return good;
}

/* The first element of a word that is not as it should be. */
static size_t find_fault(const double *values, size_t n, const tsr_codes_form *form)
{
    uint64_t bit;
    size_t i = 0;
    while (i < n && take_numbers(values + i, 1, form, &bit))
        i++;
    return i;
}

/* Row `row`, whose words are zero. Gives the first column that holds no bit; SIZE_MAX: all do. */
static size_t take_elements(const tsr_array *array, const tsr_codes_form *form, size_t row, size_t bits,
                            uint64_t *words)
{
    bool bytes = (array->element == TSR_ELEMENT_BOOL || array->element == TSR_ELEMENT_UINT8) &&
                 array->strides[1] == 1 && !form->has_threshold;
    double values[CHUNK];
    for (size_t first = 0; first < bits; first += CHUNK) {
        size_t n = bits - first < CHUNK ? bits - first : CHUNK;
        if (bytes && take_bytes(byte_at(array, row, first), n, &words[first / 64]))
            continue;
        tsr_array_doubles(array, row * bits + first, n, values);
        if (!take_numbers(values, n, form, &words[first / 64]))
            return first + find_fault(values, n, form);
    }
    return SIZE_MAX;
}

/* --- all rows --- */

static tsr_status *refuse(const tsr_array *array, const tsr_codes_form *form, fault at)
{
    if (form->packed)
        return tsr_fail(TSR_REFUSED,
                        "row %zu: bit %zu is 1, expected zeros behind the %zu bits of a code (or the other "
                        "order of bits, or more of them)",
                        at.row, at.column, form->bits);
    double value;
    tsr_array_doubles(array, at.row * array->dims[1] + at.column, 1, &value);
    return tsr_fail(TSR_REFUSED, "row %zu, column %zu is %.9g, expected %s", at.row, at.column, value,
                    form->has_threshold ? "a finite number"
                                        : "0 or 1 (packed bits, or a threshold, are to be told)");
}

static tsr_status *check(const tsr_array *array, const tsr_codes_form *form, size_t *bits)
{
    if (array->n_dims != 2)
        return tsr_fail(TSR_REFUSED, "it has %zu dimension%s, expected two: a row for each example",
                        array->n_dims, array->n_dims == 1 ? "" : "s");
    if (form->packed && array->element != TSR_ELEMENT_UINT8)
        return tsr_fail(TSR_REFUSED, "its elements are %s, expected uint8 of packed bits",
                        tsr_element_name(array->element));
    if (form->has_threshold && !isfinite(form->threshold))
        return tsr_fail(TSR_REFUSED, "the threshold is %g, expected a finite number", form->threshold);
    size_t columns = array->dims[1], most = columns;
    if (form->packed && !tsr_checked_multiply(columns, 8, &most))
        return tsr_fail(TSR_REFUSED, "rows of %zu bytes are too long", columns);
    *bits = form->packed && form->bits ? form->bits : most;
    if (*bits < 1 || *bits > UINT32_MAX || *bits > most || (form->packed && most - *bits >= 8))
        return tsr_fail(TSR_REFUSED, "codes of %zu bits are to lie in rows of %zu %s, expected %s", *bits,
                        columns, form->packed ? "bytes" : "elements",
                        form->packed ? "as many bytes as hold the bits" : "1 to 4294967295");
    return NULL;
}

tsr_status *tsr_codes_from_array(const tsr_array *array, const tsr_codes_form *form, tsr_codes **out)
{
    size_t bits;
    *out = NULL;
    TSR_TRY(check(array, form, &bits));
    tsr_codes *codes;
    TSR_TRY(tsr_codes_new(array->dims[0], bits, &codes));
    fault first = { SIZE_MAX, SIZE_MAX };
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(codes->n * bits / 8))
    for (size_t i = 0; i < codes->n; i++) {
        uint64_t *words = codes->words + i * codes->stride;
        size_t column = form->packed ? take_packed(array, form, i, bits, words)
                                     : take_elements(array, form, i, bits, words);
        if (column != SIZE_MAX) {
#pragma omp critical(tsr_codes_from_array)
            if (i < first.row)
                first = (fault){ i, column };
        }
    }
    if (first.row == SIZE_MAX) {
        *out = codes;
        return NULL;
    }
    tsr_codes_free(codes);
    tsr_codes_form told = *form;
    told.bits = bits;
    return refuse(array, &told, first);
}
