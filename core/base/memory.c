/* Allocation with checked sizes, aligned for vectors. Arrays of 8 MiB and more ask the system for pages of
   2 MiB instead of 4 KiB: a loop that reads many arrays at once, such as a convolution, would otherwise spend
   part of its time on looking pages up. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64
#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE (4 * LARGE_PAGE)

bool tsr_checked_multiply(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *tsr_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (!tsr_checked_multiply(n, size, &bytes) || bytes > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0)
        bytes = ALIGNMENT;
    bool large = bytes >= LARGE && bytes <= PTRDIFF_MAX - LARGE_PAGE;
    if (large)
        bytes = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *memory = aligned_alloc(large ? LARGE_PAGE : ALIGNMENT, bytes);
    if (!memory)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (large)
        madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: where it is not granted, pages are small */
#endif
    memset(memory, 0, bytes);
    return memory;
}

tsr_status *tsr_no_memory(const char *what)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for %s", what);
}
