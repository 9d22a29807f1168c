/* Running a probe by hand: codes with labels, a line of config, the metrics it gives. */
#ifndef TSR_TESTS_PROBE_SUPPORT_H
#define TSR_TESTS_PROBE_SUPPORT_H

#include "codes/codes_support.h"

#include "codes/extract.h"
#include "codes/metrics.h"

#include <tessera/probe.h>

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

/* What probes see of a network's codes: all but the columns that are constant. The codes are made; the
   network only says where its layers are. */
typedef struct seen_codes {
    tsr_instance *model;
    tsr_network *network;
    tsr_codes *whole[2], *seen[2]; /* of training and test examples */
    tsr_kept_columns kept;
} seen_codes;

/* Takes over whole codes of so many layers, of `units` bits from each multiple of 64 on. */
seen_codes see_codes(const char *model, size_t n_layers, size_t units, tsr_codes *train, tsr_codes *test);
void seen_codes_clear(seen_codes *s);
/* A probing of them, without labels and metrics. */
tsr_probing probing_of(const seen_codes *s);

/* Fails the test unless both hold the same names and, bit for bit, the same values. */
void ck_same_metrics(const tsr_metrics *a, const tsr_metrics *b);
void ck_same_with_two_threads(const char *settings, const labelled *data);
/* Fails unless one random mask over every code changes nothing. */
void ck_same_when_masked(const char *settings, labelled *data);

/* What the probe's check says to these sizes; NULL: nothing. */
tsr_status *probe_check(const char *settings, size_t n_train, size_t n_test, int classes);

#endif
