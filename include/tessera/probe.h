/* A probe measures codes: it gets the training and test codes with their labels, the trained network and
   the data, and gives named metrics. */
#ifndef TESSERA_PROBE_H
#define TESSERA_PROBE_H

#include <tessera/codes.h>
#include <tessera/plugin.h>
#include <tessera/rng.h>

TSR_BEGIN_DECLS

/* What is known before anything is trained. */
typedef struct tsr_probe_sizes {
    size_t n_train, n_test; /* examples that will have codes */
    int classes;
    tsr_shape shape;   /* of one input */
    size_t projection; /* bits that the probe will see at most, drawn from all; 0: it sees all */
} tsr_probe_sizes;

typedef struct tsr_network tsr_network;
typedef struct tsr_metrics tsr_metrics;

/* One probing, of one snapshot of one run. Everything belongs to the host. */
typedef struct tsr_probing {
    const tsr_codes *train, *test; /* the same bits in both: of those that are not constant over both
                                      the ones that the keys `layers` and `projection` choose */
    const int32_t *train_labels, *test_labels; /* true labels, without label noise; NULL: there are none,
                                                  which only a probe that is `without_labels` meets */
    int classes;
    tsr_rng rng;          /* this probe's stream; copy it */
    const char *folder;   /* exists; files written there are kept with the run */
    tsr_network *network; /* the trained network, see network.h */
    tsr_metrics *metrics;
} tsr_probing;

/* Gives a metric, saved as "<label>.<name>", or "<label>.projected_<name>" where the probe has a projection;
   value may be NaN: undefined here. Names are lower case, digits,
   _ and dots; each once per probing. */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric(const tsr_probing *probing, const char *name, double value);

/* The same with the name composed, printf style: for families such as "layer0.entropy". */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric_f(const tsr_probing *probing, double value, const char *format,
                                                ...) TSR_PRINTF(3, 4);

/* Writes a number per example, predictions say, as <folder>/<label>_<name>.npy, int32 (n,). The file appears
   whole or not at all. */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_labels(const tsr_probing *probing, const char *name, size_t n,
                                                   const int32_t *values);

/* What a metric says about a network as a hash encoder; the report judges the regimes of a study by it. */
typedef enum tsr_metric_role {
    TSR_METRIC_OTHER,
    TSR_METRIC_REDUNDANCY, /* 0: every example has a code of its own; 1: one code for all */
    TSR_METRIC_ACCURACY,   /* of telling classes apart by the code: a fraction, larger is better */
    TSR_N_METRIC_ROLES,
} tsr_metric_role;

/* Whose examples a metric is taken over. */
typedef enum tsr_metric_part {
    TSR_METRIC_OF_ANY,
    TSR_METRIC_OF_TRAIN,
    TSR_METRIC_OF_TEST,
    TSR_N_METRIC_PARTS,
} tsr_metric_part;

/* A metric that a probe announces. */
typedef struct tsr_metric_info {
    const char *name; /* as tsr_metric gets it; NULL ends the list */
    tsr_metric_role role;
    tsr_metric_part part;
    const char *doc; /* one line, no full stop; a probe's metrics with the same words share a plot */
} tsr_metric_info;

typedef struct tsr_probe_ops {
    /* Refuses sizes that the probe cannot work with, before any training. May be NULL. */
    tsr_status *(*check)(const void *self, const tsr_probe_sizes *sizes);

    /* Measures. The same codes, labels and rng give the same metrics whatever tsr_threads() is. Called from
       one thread; may use more. */
    tsr_status *(*run)(const void *self, const tsr_probing *probing);

    /* What the metrics mean, ended by a NULL name; may be NULL, and need not hold them all:
       what it leaves out is kept with the results like the others, and is no part of the report's plots. */
    const tsr_metric_info *metrics;

    /* It works without labels too, which then are NULL, and classes 0. Others are refused where the dataset
       has none. */
    bool without_labels;
} tsr_probe_ops;

#define TSR_PROBE_PLUGIN(table)                                                                              \
    .kind = TSR_PROBE, .ops_size = sizeof(tsr_probe_ops), .ops = (1 ? (table) : (const tsr_probe_ops *)0)

TSR_END_DECLS
#endif
