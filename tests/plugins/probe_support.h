/* Running a probe by hand: codes with labels, a line of config, the metrics it gives. */
#ifndef TSR_TESTS_PROBE_SUPPORT_H
#define TSR_TESTS_PROBE_SUPPORT_H

#include "codes/codes_support.h"

#include "codes/metrics.h"

/* Labelled codes. */
typedef struct labelled {
    tsr_codes *train, *test;
    int32_t *train_labels, *test_labels;
    int classes;
} labelled;

/* A random prototype for each class, its examples with each bit flipped with probability `noise`; the classes
   take turns. */
labelled blobs(uint64_t seed, size_t n_train, size_t n_test, int classes, size_t bits, double noise);
void labelled_clear(labelled *data);

/* What the probe gives; fails the test where it does not succeed. The caller frees. */
tsr_metrics *probe(const char *settings, const labelled *data);
tsr_metrics *probe_into(const char *settings, const labelled *data, const char *folder);
/* The value of one metric, which must be there. */
double metric(const tsr_metrics *metrics, const char *name);
double probe_metric(const char *settings, const labelled *data, const char *name);

/* Fails the test unless both hold the same names and, bit for bit, the same values. */
void ck_same_metrics(const tsr_metrics *a, const tsr_metrics *b);
void ck_same_with_two_threads(const char *settings, const labelled *data);
/* Fails unless one random mask over every code changes nothing. */
void ck_same_when_masked(const char *settings, labelled *data);

/* What the probe's check says to these sizes; NULL: nothing. */
tsr_status *probe_check(const char *settings, size_t n_train, size_t n_test, int classes);

#endif
