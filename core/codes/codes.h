/* What the files of core/codes share: layers that live with their codes, runs of bits that move. */
#ifndef TSR_CODES_CODES_H
#define TSR_CODES_CODES_H

#include <tessera/codes.h>

/* How much of the codes is kept in memory, and where the rest goes. */
typedef struct tsr_code_budget {
    size_t limit;       /* bytes; codes that would exceed it together are kept in files */
    const char *folder; /* for them. A file has no name once it is made, so it is gone when its process is */
    size_t used;        /* bytes of codes that are in memory now */
} tsr_code_budget;

/* tsr_codes_new within a room, which must outlive the codes; NULL: in memory. A disk that cannot hold them is
   TSR_IO. */
TSR_MUST_CHECK tsr_status *tsr_codes_new_in(tsr_code_budget *budget, size_t n, size_t bits, tsr_codes **out);

/* A copy of all, layers too, within a room. */
TSR_MUST_CHECK tsr_status *tsr_codes_copy_in(tsr_code_budget *budget, const tsr_codes *codes, tsr_codes **out);

/* tsr_codes_columns within a room. */
TSR_MUST_CHECK tsr_status *tsr_codes_columns_in(tsr_code_budget *budget, const tsr_codes *codes,
                                                const uint64_t *mask, tsr_codes **out);

/* Gives the codes copies of the layers and of their names, in place of those they had. */
TSR_MUST_CHECK tsr_status *tsr_codes_set_layers(tsr_codes *codes, size_t n, const tsr_code_layer *layers);

/* Puts bits first .. first + n - 1 of `from` at bit `at` of `to`, which is zero there. */
void tsr_copy_bits(uint64_t *to, size_t at, const uint64_t *from, size_t first, size_t n);

/* Words between one row and the next for codes of so many bits. */
size_t tsr_codes_stride(size_t bits);

#endif
