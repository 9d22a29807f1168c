/* Allocation with checked sizes, and arrays aligned for vectors. */
#ifndef TSR_BASE_MEMORY_H
#define TSR_BASE_MEMORY_H

#include <tessera/status.h>

/* Whether a * b fits; the product in *out. */
bool tsr_checked_multiply(size_t a, size_t b, size_t *out);

/* n zeroed elements of `size` bytes, 64-byte aligned, its length rounded up to 64 bytes; free() it. NULL
   where it overflows or there is no memory; never NULL for n = 0. */
void *tsr_alloc(size_t n, size_t size);

/* The failure to give where an allocation for `what` returned NULL. */
TSR_MUST_CHECK tsr_status *tsr_no_memory(const char *what);

#endif
