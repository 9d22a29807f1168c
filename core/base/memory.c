/* Allocation with checked sizes, and arrays aligned for vectors. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

bool tsr_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *tsr_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (!tsr_multiply(n, size, &bytes) || bytes > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0)
        bytes = ALIGNMENT;
    void *memory = aligned_alloc(ALIGNMENT, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

tsr_status *tsr_no_memory(const char *what)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for %s", what);
}
