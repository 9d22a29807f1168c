/* A probe measures codes: it gets the training and test codes with their labels, the trained network and
   the data, and gives named metrics. */
#ifndef TESSERA_PROBE_H
#define TESSERA_PROBE_H

#include <tessera/codes.h>
#include <tessera/network.h>
#include <tessera/plugin.h>
#include <tessera/rng.h>

TSR_BEGIN_DECLS

/* What is known before anything is trained. */
typedef struct tsr_probe_sizes {
    size_t n_train, n_test; /* examples that will have codes */
    int classes;
    tsr_shape shape;   /* of one input; of 0 dimensions: codes come without a network and inputs */
    size_t projection; /* bits that the probe will see at most, drawn from all; 0: it sees all; SIZE_MAX: a
                          share of each layer's units */
} tsr_probe_sizes;

/* For a probe's check: refuses a projection and a share of units where `what`, "random inputs are", are
   of whole layers: the message begins with it. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_refuse_projection(const tsr_probe_sizes *sizes, const char *what);

typedef struct tsr_metrics tsr_metrics;
typedef struct tsr_probing_host tsr_probing_host;

/* What a probe asks for beside codes and labels: bits of `needs` in its operations. */
enum {
    TSR_PROBE_NETWORK = 1 << 0,  /* the network, the places of the codes' columns in it, and the inputs */
    TSR_PROBE_WHOLE = 1 << 1,    /* the codes with all their columns */
    TSR_PROBE_PREVIOUS = 1 << 2, /* the same of the snapshot before, and both of this one */
};

/* One probing, of one snapshot of one run. Everything belongs to the host and lasts as long as the probing;
   the codes may be read by several threads. */
typedef struct tsr_probing {
    const tsr_codes *train, *test; /* the same bits in both: of those that are not constant over both
                                      the ones that the keys `layers`, `unit_share` and `projection` choose */
    const int32_t *train_labels, *test_labels; /* true labels, without label noise; NULL: there are none,
                                                  which only a probe that is `without_labels` meets */
    int classes;
    tsr_rng rng;          /* this probe's stream; copy it */
    const char *folder;   /* exists; files written there are kept with the run */
    tsr_network *network; /* the trained network, see network.h; NULL where codes come without one, which a
                             probe that needs it never sees */
    tsr_metrics *metrics;

    const int32_t *trained_labels;  /* those of `train` that were trained on: with label noise */
    const char *const *class_names; /* `classes` of them, in UTF-8, or NULL: their numbers */
    uint64_t seed;                  /* of the run */
    size_t replicate;               /* 0, 1 ... */
    size_t epoch;                   /* how many epochs trained the network; 0: none */

    /* Where the codes' columns are in the whole code, the one that tsr_network_encode gives: known of codes
       that were saved too, where `network` is NULL; NULL of codes that no network is known of.
       tsr_network_column tells layer, unit, channel and breakpoint of such a column. */
    size_t whole_bits;
    const uint32_t *columns; /* of each of train->bits columns: its number in the whole code, all different */
    const uint64_t *constant; /* a row of the whole code: the columns of units that are constant over train
                                 and test, which `train` has dropped ... */
    const uint64_t *constant_values; /* ... and the values that they have */

    /* Where `needs` asks for them, else perhaps NULL; a row for each example, as in train and test. Without a
       snapshot before this one the previous ones are NULL too; it may have had other examples. */
    const tsr_codes *whole_train, *whole_test;
    const tsr_codes *previous_train, *previous_test;
    size_t previous_epoch;

    const tsr_probing_host *host;
} tsr_probing;

/* A part of the data as the run cut it. Codes are those of TRAIN and TEST, in the order of the examples. */
typedef enum tsr_part { TSR_PART_TRAIN, TSR_PART_HOLDOUT, TSR_PART_TEST, TSR_N_PARTS } tsr_part;

/* How an input is read: as the dataset has it, which is what codes are taken of; with the input noise that it
   is trained on; or turned, shifted and mirrored too, as training might have in epoch `epoch`. Where a run
   has neither noise nor augmentation all are the same. */
typedef enum tsr_input_form {
    TSR_INPUT_CLEAN,
    TSR_INPUT_TRAINED,
    TSR_INPUT_AUGMENTED,
    TSR_N_INPUT_FORMS
} tsr_input_form;

/* Examples of a part; 0 where the inputs are not known. [any-thread] */
TSR_API size_t tsr_probing_examples(const tsr_probing *probing, tsr_part part);

/* The network's number (network.h) of layer i of `train`; SIZE_MAX where there is no such layer, or no
   network is known. Of codes that were saved too, whose network a probe does not see. [any-thread] */
TSR_API size_t tsr_probing_layer(const tsr_probing *probing, size_t i);

/* How many columns of layer i of `train` the codes have dropped since they are constant over train and test:
   always 0, and always 1. Both are 0 where no network is known, and where the probe sees a projection or a
   share of units. [any-thread] */
TSR_API void tsr_probing_constant_bits(const tsr_probing *probing, size_t i, size_t *zeros, size_t *ones);

/* Sets in `mask`, a row of the whole code, the columns of layer i of `train`, or with TSR_ALL_LAYERS of each:
   all that the layer has, constant ones too, or, where the probe sees a projection or a share of units, those
   that it sees. Returns how many; 0 where no network is known. [any-thread] */
TSR_API size_t tsr_probing_columns(const tsr_probing *probing, size_t i, uint64_t *mask);

/* The n examples of a part that `index` names: inputs, n x shape, as tsr_network_predict takes them, and
   labels, n, true ones for clean inputs and those that were trained on else. Either may be NULL. Fails for an
   index that is no example, and without memory. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_probing_read(const tsr_probing *probing, tsr_part part,
                                                    tsr_input_form form, size_t n, const size_t *index,
                                                    float *inputs, int32_t *labels);

/* Runs another probe, a parameter of the calling one (key.h), on `probing`, a copy of its own with codes, and
   if these are of other examples labels, that it made; columns that are no longer known are NULL there. Its
   metrics are named "<prefix>.<name>" among the calling probe's, its keys `layers`, `unit_share` and
   `projection` choose from these codes, and what it needs the calling probe is given. Fails as that probe
   does. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_run_probe_sized(const tsr_probing *probing, const tsr_instance *probe,
                                                       const char *prefix, size_t size);
static inline tsr_status *tsr_run_probe(const tsr_probing *probing, const tsr_instance *probe,
                                        const char *prefix)
{
    return tsr_run_probe_sized(probing, probe, prefix, sizeof(*probing));
}

/* Gives a metric, saved as "<label>.<name>", or "<label>.projected_<name>" where the probe has a projection,
   "<label>.pruned_<name>" where it sees a share of units, "<label>.pruned_projected_<name>" where both. A
   value that is undefined here is better given with its reason, below. Names are lower case, digits, _ and
   single dots; each once per probing. Fails for others, and without memory. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric(const tsr_probing *probing, const char *name, double value);

/* The same with the name composed, printf style: for families such as "layer0.entropy". [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric_f(const tsr_probing *probing, double value, const char *format,
                                                ...) TSR_PRINTF(3, 4);

/* Gives a metric that is undefined here, NaN, and why: "all codes are equal", one line, copied, which the
   run's record keeps beside the null that stands for the value. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric_undefined(const tsr_probing *probing, const char *name,
                                                        const char *reason);

/* Gives a metric as tsr_metric_f does or, with a reason (not NULL), as tsr_metric_undefined: then `value` may
   be anything. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_metric_unless(const tsr_probing *probing, const char *reason,
                                                     double value, const char *format, ...) TSR_PRINTF(4, 5);

/* count of n as a share that compares with a number of a config: 55 of 100 are 0.55, as the key's value is,
   while 0.55 * 100 is more than 55. NaN of none. [any-thread] */
static inline double tsr_share(uint64_t count, uint64_t n)
{
    return (double)count / (double)n;
}

#define TSR_ALL_LAYERS SIZE_MAX

/* What is measured: the whole code, or one layer of it. The host's, for as long as the call. */
typedef struct tsr_measured {
    const tsr_probing *probing;
    const tsr_codes *train, *test; /* its columns; NULL where none were given */
    const char *const *prefixes;   /* ended by NULL: what names of metrics begin with: "" for the whole code,
                                      "layer2." for a layer, both for a code of one layer */
    size_t layer;                  /* of probing->train; TSR_ALL_LAYERS: the whole code */
    size_t first, bits;            /* its columns there: first .. first + bits - 1 */
    size_t zeros, ones; /* columns more that are always 0 and always 1, see tsr_probing_constant_bits */
} tsr_measured;

/* Measures the whole code and then, where there are several, each of its layers. `train` and `test`, with the
   columns of probing->train and any rows, are cut for each layer; NULL where they are not wanted. Ends with
   the first failure. `measure` is called from the calling thread. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_measure_layers(
    const tsr_probing *probing, const tsr_codes *train, const tsr_codes *test,
    tsr_status *(*measure)(void *context, const tsr_measured *measured), void *context);

/* tsr_metric_unless under each of the names that the metric has of what is measured: "layer2.<name>".
 * [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_measured_metric(const tsr_measured *measured, const char *reason,
                                                       double value, const char *format, ...)
    TSR_PRINTF(4, 5);

/* Writes a number per example, predictions say: tsr_save_array of int32 (n,). [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_labels(const tsr_probing *probing, const char *name, size_t n,
                                                   const int32_t *values);

/* Writes an array as tsr_npy_write does: <folder>/<label>_<name>.npy; of a probe that another one runs, with
   the prefix before the name. Names are those of metrics, here and below. The file appears whole or not at
   all. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_array(const tsr_probing *probing, const char *name,
                                                  tsr_element element, size_t n_dims, const size_t *dims,
                                                  const void *values);

/* Writes n bytes as <folder>/<label>_<name>, a name that ends as such files do: "tiling.svg". The file
   appears whole or not at all. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_file(const tsr_probing *probing, const char *name, size_t n,
                                                 const void *bytes);

/* Points of a curve, or bins of a histogram, at most. */
#define TSR_MOST_CURVE_POINTS 512

/* Gives a curve, for the report to draw where `curves` below announces it: y[i] over x[i] for n points, 2 or
   more, all finite, x ascending, no two alike. Runs whose x are the same numbers have a mean, so take x from
   the settings and not from the data. Writes <folder>/<label>_<name>.npy as tsr_save_array does, float64
   (n, 2), the name with what tsr_metric puts before it; nothing where `folder` is NULL. Fails for what is no
   such curve, for a name that was given before, and without memory. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_curve(const tsr_probing *probing, const char *name, size_t n,
                                                  const double *x, const double *y);

/* The same of a histogram: counts[i] values lie between edges[i], included, and edges[i + 1], which only the
   last bin includes. n bins, 1 or more; n + 1 edges, all finite, ascending, no two alike. Writes float64
   (n, 3), a row of both edges and the count, which is exact up to 2^53. [in-operation] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_save_histogram(const tsr_probing *probing, const char *name, size_t n,
                                                      const double *edges, const uint64_t *counts);

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

/* Which of two values is the better one. */
typedef enum tsr_metric_better {
    TSR_BETTER_UNSAID,
    TSR_BETTER_LARGER,
    TSR_BETTER_SMALLER,
    TSR_N_METRIC_BETTER,
} tsr_metric_better;

/* A metric that a probe announces. What is left out is not said. */
typedef struct tsr_metric_info {
    const char *name; /* as tsr_metric gets it, but that # stands for a number: "layer#.entropy" announces
                         layer0.entropy, layer1.entropy and so on. NULL ends the list */
    tsr_metric_role role;
    tsr_metric_part part;
    const char *doc;         /* one line, no full stop; a probe's metrics with the same words share a plot */
    const char *unit;        /* "bits"; NULL: a number */
    double minimum, maximum; /* what a value cannot leave, both included; both 0: not said. Infinite where one
                                side is open */
    tsr_metric_better better;
} tsr_metric_info;

/* One of a list of them, with designators for what follows the doc, and its end. */
#define TSR_METRIC(called, as, of, text, ...)                                                                \
    {                                                                                                        \
        .name = (called), .role = (as), .part = (of), .doc = (text), ##__VA_ARGS__                           \
    }
#define TSR_METRICS_END                                                                                      \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/* How a curve was given. */
typedef enum tsr_curve_shape {
    TSR_CURVE_LINE,      /* by tsr_save_curve */
    TSR_CURVE_HISTOGRAM, /* by tsr_save_histogram: the report draws shares, which compare between runs */
    TSR_N_CURVE_SHAPES,
} tsr_curve_shape;

/* A curve that a probe announces. What is left out is not said. */
typedef struct tsr_curve_info {
    const char *name; /* as tsr_save_curve gets it. NULL ends the list */
    tsr_curve_shape shape;
    tsr_metric_part part;
    const char *doc;             /* one line, no full stop */
    const char *x, *y;           /* what stands at the axes: "recall"; of a histogram, y: what is counted,
                                    "examples" */
    const char *x_unit, *y_unit; /* "bits"; NULL: a number */
    double x_minimum, x_maximum; /* as a metric's: what x cannot leave; both 0: not said */
    double y_minimum, y_maximum;
    bool x_logarithmic; /* x is above 0 and told apart by ratios; the first edge of a histogram may be 0 */
    tsr_metric_better better; /* of y */
} tsr_curve_info;

/* One of a list of them, with designators for what follows the axes, and its end. The list goes into the
   operations by TSR_CURVES(list). */
#define TSR_CURVE(called, as, of, text, across, up, ...)                                                     \
    {                                                                                                        \
        .name = (called), .shape = (as), .part = (of), .doc = (text), .x = (across), .y = (up),              \
        ##__VA_ARGS__                                                                                        \
    }
#define TSR_CURVES_END                                                                                       \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }
#define TSR_CURVES(list) .curves = (list), .curve_size = sizeof(tsr_curve_info)

typedef struct tsr_probe_ops {
    /* Refuses sizes that the probe cannot work with, before any training. May be NULL. [one-thread] */
    tsr_status *(*check)(const void *self, const tsr_probe_sizes *sizes);

    /* Measures. The same codes, labels and rng give the same metrics whatever tsr_threads() is.
       [shares-work] */
    tsr_status *(*run)(const void *self, const tsr_probing *probing);

    /* What the metrics mean, ended by a NULL name; may be NULL, and need not hold them all:
       what it leaves out is kept with the results like the others, and is no part of the report's plots. */
    const tsr_metric_info *metrics;

    unsigned needs; /* TSR_PROBE_...: what it asks for beside codes and labels */

    /* It works without labels too, which then are NULL, and classes 0. Others are refused where the dataset
       has none. */
    bool without_labels;

    /* The curves that it gives beside its metrics, ended by a NULL name, which the report draws; may be NULL.
       What is given and not announced is kept with the run. Set by TSR_CURVES. */
    const tsr_curve_info *curves;
    size_t curve_size; /* sizeof(tsr_curve_info) there */
} tsr_probe_ops;

#define TSR_PROBE_PLUGIN(table)                                                                              \
    .kind = TSR_PROBE, .ops_size = sizeof(tsr_probe_ops), .announced_size = sizeof(tsr_metric_info),         \
    .ops = (1 ? (table) : (const tsr_probe_ops *)0)

TSR_END_DECLS
#endif
