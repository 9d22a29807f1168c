/* Version, export marks and the few words that every other header uses. */
#ifndef TESSERA_BASE_H
#define TESSERA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TSR_BEGIN_DECLS extern "C" {
#define TSR_END_DECLS }
#else
#define TSR_BEGIN_DECLS
#define TSR_END_DECLS
#endif

#define TSR_EXPORT __attribute__((visibility("default")))
#define TSR_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#define TSR_MUST_CHECK __attribute__((warn_unused_result))

/* The binary interface between the host and plugins. A plugin loads where its major equals the host's
   and its minor is not newer. Structures grow only at their end, and only with the minor. */
#define TSR_ABI_MAJOR 1
#define TSR_ABI_MINOR 0

TSR_BEGIN_DECLS

/* The host's version, as "0.1.0". Any thread. */
const char *tsr_version(void);

/* The shape of one sample: channels x height x width, contiguous in that order. A plain vector of n
   features is n x 1 x 1. A batch of N samples is N of these, one after the other. */
typedef struct tsr_shape {
    size_t c, h, w;
} tsr_shape;

/* Elements of one sample. Shapes that the host hands out never overflow here. Any thread. */
static inline size_t tsr_shape_size(tsr_shape shape)
{
    return shape.c * shape.h * shape.w;
}

/* How many threads a parallel region of this run may use; at least 1. Results must not depend on it:
   cut work into blocks by the data, never by this number. Any thread. */
int tsr_threads(void);

/* Whether work takes several times as long as waking a thread that waits. It is told as the number of floats
   that are read or written in the same time: 64 Ki of them in some 20 microseconds. So many multiplications of
   a matrix product, in the cache, take as long as one. Results must not depend on it. */
#define TSR_PRODUCTS_PER_FLOAT 32
static inline bool tsr_worth_sharing(size_t floats)
{
    return floats >= 1 << 16;
}

TSR_END_DECLS
#endif
