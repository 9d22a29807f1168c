/* One set of samples told apart into a training and a test part. */
#ifndef TESSERA_DATASETS_SPLIT_H
#define TESSERA_DATASETS_SPLIT_H

#include <tessera/key.h>
#include <tessera/status.h>

/* What a dataset's config says of it. */
typedef struct split_choice {
    double test_fraction;
    int by; /* index into split_ways */
    uint64_t seed;
} split_choice;

extern const char *const split_ways[];

/* The keys of a plugin whose instance, of type `owner`, has a split_choice called `split`: `test_fraction`,
   `test_by` and `split_seed`. */
#define SPLIT_KEYS(owner)                                                                                    \
    TSR_KEY_REAL_AS(owner, split.test_fraction, "test_fraction", 0.0, 0.0, 0.99,                             \
                    "share of the samples that test, where no test files are named"),                        \
        TSR_KEY_ENUM_AS(owner, split.by, "test_by", "random", split_ways,                                    \
                        "random: the test samples are drawn; last: they are the last ones"),                 \
        TSR_KEY_INT_AS(owner, split.seed, "split_seed", 0, 0, INT64_MAX,                                     \
                       "draws the test samples; apart from the experiment's seed, so that replicates share " \
                       "their data")

/* Puts the numbers of n samples in order: the first *n_train of `order` (n values) train, the others test. At
   least one sample of each: where the fraction leaves none, it is refused, with `file` before the message. Of
   n samples n (1 - test_fraction), rounded down, train. The caller frees *order. */
TSR_MUST_CHECK tsr_status *split_samples(const split_choice *choice, const char *file, size_t n,
                                         size_t **order, size_t *n_train);

#endif
