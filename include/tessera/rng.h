/* Random numbers: Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw: "Parallel random
   numbers: as easy as 1, 2, 3", SC 2011). A stream is named by (seed, purpose, index) and is the same
   whatever other streams were drawn from, so adding a consumer changes no other's numbers. A tsr_rng is
   a plain value: copy it, keep it on the stack. */
#ifndef TESSERA_RNG_H
#define TESSERA_RNG_H

#include <tessera/base.h>

TSR_BEGIN_DECLS

/* What a stream is for. The numbers enter the streams: they never change, new ones are added. */
typedef enum tsr_purpose {
    TSR_FOR_INIT = 1,        /* initial parameters; index: the parameter's number */
    TSR_FOR_SHUFFLE = 2,     /* order of the examples; index: the epoch */
    TSR_FOR_DROPOUT = 3,     /* index: node and step */
    TSR_FOR_LABEL_NOISE = 4, /* labels drawn anew */
    TSR_FOR_INPUT_NOISE = 5, /* index: the example */
    TSR_FOR_PROBE = 6,       /* index: the probe's place in the config */
    TSR_FOR_DATA = 7,        /* datasets that make their samples; index: the sample */
    TSR_FOR_AUGMENT = 8,     /* index: epoch and place in its order */
    TSR_LAST_PURPOSE = TSR_FOR_AUGMENT,
} tsr_purpose;

typedef struct tsr_rng {
    uint32_t key[2];     /* the seed */
    uint32_t counter[4]; /* block number, purpose, index */
    uint32_t block[4];   /* numbers ready to be given */
    uint32_t used;       /* how many of them were */
} tsr_rng;

/* The stream's start. A purpose is one of the above, and an index takes at most TSR_INDEX_BITS bits: with
   others two streams could be one, so the process is ended with a message. Two numbers, such as epoch and
   place, share an index as first << 40 | second. [any-thread] */
#define TSR_INDEX_BITS 56
TSR_API tsr_rng tsr_rng_stream(uint64_t seed, tsr_purpose purpose, uint64_t index);

/* Uniform over all 32-bit and 64-bit values. [one-thread] */
TSR_API uint32_t tsr_rng_u32(tsr_rng *rng);
TSR_API uint64_t tsr_rng_u64(tsr_rng *rng);

/* n of the former at once, the same as one by one gives and several times as fast. [one-thread] */
TSR_API void tsr_rng_fill_u32(tsr_rng *rng, size_t n, uint32_t *out);

/* Passes over the next n of them. [one-thread] */
TSR_API void tsr_rng_skip(tsr_rng *rng, uint64_t n);

/* Uniform in 0 .. n-1, without bias (Lemire 2019); 0 where n is 0. [one-thread] */
TSR_API uint64_t tsr_rng_below(tsr_rng *rng, uint64_t n);

/* Uniform in [0, 1), 53 random bits. [one-thread] */
TSR_API double tsr_rng_uniform(tsr_rng *rng);

/* Mean 0, standard deviation 1 (Box and Muller). [one-thread] */
TSR_API double tsr_rng_normal(tsr_rng *rng);

/* n floats of mean 0 and standard deviation 1 (Box and Muller in single precision: none beyond 5.8), other
   ones than tsr_rng_normal gives. The same where fewer are drawn from the same stream. [one-thread] */
TSR_API void tsr_rng_fill_normal(tsr_rng *rng, size_t n, float *out);

/* n floats uniform in [low, high). [one-thread] */
TSR_API void tsr_rng_fill_uniform(tsr_rng *rng, size_t n, float *out, float low, float high);

/* A random order of n indices, in place (Fisher and Yates). [one-thread] */
TSR_API void tsr_rng_shuffle(tsr_rng *rng, size_t n, size_t *order);

TSR_END_DECLS
#endif
