/* What the files of core/codes share: layers that live with their codes, runs of bits that move. */
#ifndef TSR_CODES_CODES_H
#define TSR_CODES_CODES_H

#include <tessera/codes.h>

/* Gives the codes copies of the layers and of their names, in place of those they had. */
TSR_MUST_CHECK tsr_status *tsr_codes_set_layers(tsr_codes *codes, size_t n, const tsr_code_layer *layers);

/* Puts bits first .. first + n - 1 of `from` at bit `at` of `to`, which is zero there. */
void tsr_copy_bits(uint64_t *to, size_t at, const uint64_t *from, size_t first, size_t n);

/* Words between one row and the next for codes of so many bits. */
size_t tsr_codes_stride(size_t bits);

#endif
