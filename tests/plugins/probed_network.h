/* Running a probe by hand on a network and inputs, for those that need more than codes. */
#ifndef TSR_TESTS_PROBED_NETWORK_H
#define TSR_TESTS_PROBED_NETWORK_H

#include "nn/nets.h"

#include "codes/metrics.h"

/* Nothing is owned. */
typedef struct probed_part {
    size_t n;
    const float *inputs;
    const int32_t *labels;
} probed_part;

typedef struct probed_network {
    tsr_network *network;
    int classes;          /* 0: labels are not given */
    const char *folder;   /* for the probe's files; NULL: one that goes away */
    probed_part parts[2]; /* training and test examples */
    size_t first_layer;   /* of the codes: the probe sees this layer and those that follow, in whole */
} probed_network;

/* What the probe gives; fails the test where it does not succeed. The caller frees. */
tsr_metrics *probe_network(const char *settings, const probed_network *given);
tsr_status *probe_network_try(const char *settings, const probed_network *given, tsr_metrics **out);

/* The array that the probe left in the folder, as doubles; the caller frees. */
double *saved_array(const char *folder, const char *name, size_t *n);

#endif
