/* Kernels that turn numbers into bits: comparing a row with a breakpoint, and keeping some bits of a word. */
#ifndef TSR_CODES_PACK_H
#define TSR_CODES_PACK_H

#include <tessera/base.h>

typedef struct tsr_pack_ops {
    const char *name;
    unsigned needs; /* of the processor, see base/cpu.h */
    /* Bit j of `out` = x[j] > breakpoint, for n values; the rest of the last word is 0. NaN gives 0. */
    void (*compare)(const float *x, size_t n, float breakpoint, uint64_t *out);
} tsr_pack_ops;

/* The fastest first; the last is portable. */
const tsr_pack_ops *tsr_pack_kernels(size_t *n);
void tsr_pack_compare(const float *x, size_t n, float breakpoint, uint64_t *out);

/* Moves the bits of row[0 .. words - 1] that `keep` has together to its start, in place, and zeroes the rest.
 */
typedef void tsr_gather_function(uint64_t *row, const uint64_t *keep, size_t words);
void tsr_gather_portable(uint64_t *row, const uint64_t *keep, size_t words);
void tsr_gather(uint64_t *row, const uint64_t *keep, size_t words);

#endif
