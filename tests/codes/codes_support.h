/* Codes to test with. */
#ifndef TSR_TESTS_CODES_SUPPORT_H
#define TSR_TESTS_CODES_SUPPORT_H

#include "support.h"

/* n rows of bits that are 1 with probability p; the caller frees. */
tsr_codes *random_codes(uint64_t seed, size_t n, size_t bits, double p);

/* Rows written as "0110", all of one length; the caller frees. */
tsr_codes *codes_of(size_t n, const char *const *rows);

bool get_bit(const tsr_codes *codes, size_t i, size_t j);
void set_bit(tsr_codes *codes, size_t i, size_t j, bool value);

/* Hamming distance bit by bit. */
size_t naive_distance(const tsr_codes *a, size_t i, const tsr_codes *b, size_t j);

/* XORs one random row into every row of both. */
void mask_codes(uint64_t seed, tsr_codes *a, tsr_codes *b);

#endif
