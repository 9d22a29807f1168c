/* Bytes to floats at the memory's speed. */
#include "pixels.h"

#include <sys/mman.h>
#include <tessera/multiversion.h>
#include <unistd.h>

#define CACHE_LINE 64
#define LARGE ((size_t)1 << 21) /* a large page */

void pixels_fetch(size_t n, const unsigned char *bytes)
{
    for (size_t i = 0; i < n; i += CACHE_LINE)
        __builtin_prefetch(bytes + i);
}

/* Without dividing: 1 / 255 is 2^-8 + 2^-16 and little more, and a byte's product with the first two is
   exact, so that only the sum rounds; for every byte it is what the division gives. */
TSR_MULTIVERSION(scale, (size_t n, const unsigned char *restrict bytes, float *restrict out), (n, bytes, out))
{
    const float most = 0x1p-8f + 0x1p-16f, rest = (float)(1 / 255.0 - (0x1p-8 + 0x1p-16));
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] * most + (float)bytes[i] * rest;
}

void pixels_scale(size_t n, const unsigned char *bytes, float *out)
{
    scale(n, bytes, out);
}

void pixels_wish_pages(unsigned char *bytes, size_t n)
{
#if defined(MADV_HUGEPAGE)
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = (page - (uintptr_t)bytes % page) % page;
    if (n >= LARGE)
        madvise(bytes + before, n - before, MADV_HUGEPAGE);
#else
    (void)bytes;
    (void)n;
#endif
}
