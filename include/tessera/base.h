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

/* Stands before each function of the host that is public: these, and no others, may be called by a plugin or
   a program, and stay as long as the major below. */
#define TSR_API __attribute__((visibility("default")))
#define TSR_EXPORT __attribute__((visibility("default"))) /* what a plugin exports */
#define TSR_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#define TSR_MUST_CHECK __attribute__((warn_unused_result))

/* The binary interface between the host and plugins. A plugin loads where its major equals the host's
   and its minor is not newer. Structures grow only at their end, and only with the minor. */
#define TSR_ABI_MAJOR 1
#define TSR_ABI_MINOR 0

TSR_BEGIN_DECLS

/* Threads. The comment of each function ends with one of four words, which says who may call it:

   - [any-thread]: any thread, several at once, with the same arguments too: it only reads what it is given.
   - [one-thread]: any thread, while no other one uses what it changes or frees: the generator, the codes.
     What it is given as const it only reads, so others may read that meanwhile.
   - [in-operation]: a plugin, within the operation that the host gave the graph, setup, probing or work to,
     in the thread that the host called that in (or in a process that it has forked).
   - [shares-work]: as [one-thread], but not from within a task of tsr_parallel_for or another parallel
     region: it has up to tsr_threads() threads do its work.

   An operation of a plugin has one of them too, which says how the host calls it:

   - [any-thread]: from any thread, several at once for one instance.
   - [one-thread]: from one thread at a time for one instance, perhaps in a process that forks later, which
     must not have shared work before: it calls nothing that does.
   - [shares-work]: from one thread at a time for one network, or for one instance where there is no network,
     and from no parallel region: it may call what shares work.
   - [in-operation]: not the host but the plugin calls it, as above: the functions of tsr_work. */

/* The host's version, as "0.1.0". [any-thread] */
TSR_API const char *tsr_version(void);

/* The shape of one sample: 1 to TSR_MAX_DIMS dimensions, each at least 1, row-major. A batch of N samples is
   N of these, one after the other. What the dimensions are is the operators' and the data's convention:

   - 20: a vector of 20 features;
   - 64 x 100: 64 channels of a sequence of 100 steps (tsr_conv1d_with), or 64 steps of 100 features
   (tsr_linear);
   - 3 x 32 x 32: an image, channels x height x width;
   - 1 x 16 x 32 x 32: a volume, channels x depth x height x width.

   Dimensions from n_dims on are 0. */
#define TSR_MAX_DIMS 6
typedef struct tsr_shape {
    size_t n_dims;
    size_t dims[8]; /* the last two are kept for later */
} tsr_shape;

/* TSR_SHAPE(3, 32, 32): the shape 3 x 32 x 32. */
#ifndef __cplusplus
#define TSR_SHAPE(...) ((tsr_shape){ sizeof((size_t[]){ __VA_ARGS__ }) / sizeof(size_t), { __VA_ARGS__ } })
#else
#define TSR_SHAPE(...) tsr_make_shape({ __VA_ARGS__ })
#endif

/* Elements of one sample. Shapes that the host hands out never overflow here. [any-thread] */
static inline size_t tsr_shape_size(tsr_shape shape)
{
    size_t size = 1;
    for (size_t i = 0; i < shape.n_dims; i++)
        size *= shape.dims[i];
    return size;
}

/* The first dimension, by which batch norm and activations tell units apart: a vector has as many channels as
   elements, of one position each. [any-thread] */
static inline size_t tsr_shape_channels(tsr_shape shape)
{
    return shape.dims[0];
}

/* The elements that each of them has. [any-thread] */
static inline size_t tsr_shape_positions(tsr_shape shape)
{
    size_t positions = 1;
    for (size_t i = 1; i < shape.n_dims; i++)
        positions *= shape.dims[i];
    return positions;
}

/* Whether all dimensions are the same. [any-thread] */
static inline bool tsr_shape_equal(tsr_shape a, tsr_shape b)
{
    bool equal = a.n_dims == b.n_dims;
    for (size_t i = 0; equal && i < a.n_dims; i++)
        equal = a.dims[i] == b.dims[i];
    return equal;
}

/* How many threads a parallel region of this run may use; at least 1. Results must not depend on it:
   cut work into blocks by the data, never by this number. [any-thread] */
TSR_API int tsr_threads(void);

/* Whether work takes several times as long as waking a thread that waits. It is told as the number of floats
   that are read or written in the same time: 64 Ki of them in some 20 microseconds. So many multiplications
   of a matrix product, in the cache, take as long as one. Results must not depend on it. [any-thread] */
#define TSR_PRODUCTS_PER_FLOAT 32
static inline bool tsr_worth_sharing(size_t floats)
{
    return floats >= 1 << 16;
}

TSR_END_DECLS

#ifdef __cplusplus
#include <initializer_list>

/* What TSR_SHAPE makes in C++; dimensions beyond TSR_MAX_DIMS are left out. [any-thread] */
static inline tsr_shape tsr_make_shape(std::initializer_list<size_t> dims)
{
    tsr_shape shape = tsr_shape();
    for (size_t dim : dims)
        if (shape.n_dims < TSR_MAX_DIMS)
            shape.dims[shape.n_dims++] = dim;
    return shape;
}
#endif
#endif
