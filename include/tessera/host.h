/* Tessera in a program of one's own, and in other languages by way of C: plugins by name, data, networks,
   codes, probes on them, results. `pkg-config --cflags --libs tessera` builds it; examples/host is such a
   program.

   Of the words for threads (base.h), [one-thread] and [shares-work] count all hosts of a process as one
   thing, and all that comes from them: one such function at a time, since threads and OpenBLAS's number are
   the process's. Nothing here prints but warnings, on stderr. What a host gave is freed before the host.
   While a function computes it holds OpenBLAS to one thread and has the processor take subnormal numbers for
   zero, as runs do; what was before is there again when it returns. */
#ifndef TESSERA_HOST_H
#define TESSERA_HOST_H

#include <tessera/dataset.h>
#include <tessera/network.h>
#include <tessera/probe.h>

TSR_BEGIN_DECLS

typedef struct tsr_host tsr_host;

typedef struct tsr_host_options {
    size_t n_folders;           /* of plugins, ... */
    const char *const *folders; /* ... which come first on the search path (see tessera list --help) */
    int threads;                /* of the functions that use several; 0: one for each core */
    bool allow_unsafe_plugins;  /* load files too that others than the user and root may write */
} tsr_host_options;

/* `options` may be NULL: all are 0. The caller frees. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_host_new_sized(const tsr_host_options *options, size_t size,
                                                      tsr_host **out);
static inline tsr_status *tsr_host_new(const tsr_host_options *options, tsr_host **out)
{
    return tsr_host_new_sized(options, sizeof(*options), out);
}
/* NULL is allowed, as in the other functions that free. [one-thread] */
TSR_API void tsr_host_free(tsr_host *host);

/* The plugin `name` of a kind, or a path to a file of it, set up with `settings`, which are written as in a
   config's group: "k = 9; label = \"near\";", or NULL. Relative paths in it start from the working folder.
   The caller frees with tsr_instance_free. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_host_plugin(tsr_host *host, tsr_kind kind, const char *name,
                                                   const char *settings, tsr_instance **out);
TSR_API void tsr_instance_free(tsr_instance *instance);

/* --- data --- */

typedef struct tsr_data tsr_data;

/* Opens a dataset, whose instance must outlive *out, and checks what it tells: at least one sample in each
   part, a shape whose size fits into memory, two classes or more or none, every label below them. The caller
   frees with tsr_data_close. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_data_open(const tsr_instance *dataset, tsr_data **out);
TSR_API void tsr_data_close(tsr_data *data);

/* Sizes, classes and their names; the data's. [any-thread] */
TSR_API const tsr_dataset_info *tsr_data_info(const tsr_data *data);

/* The samples that `index` names, n of them: inputs, n x shape, and labels, n, either NULL where it is not
   wanted. Refuses an index that is no sample. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_data_read(const tsr_data *data, tsr_split split, size_t n,
                                                 const size_t *index, float *inputs, int32_t *labels);

/* --- networks --- */

/* A network with what it stands on: its model, and the mean that it subtracts from inputs. */
typedef struct tsr_encoder tsr_encoder;

/* Builds `model`, which must outlive *out, for inputs of `shape`, with parameters drawn from `seed`.
   [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_encoder_new(const tsr_instance *model, tsr_shape shape, int outputs,
                                                   uint64_t seed, tsr_encoder **out);

/* A trained network: `path` is a model.safetensors that a run has saved, the folder of such a run, or a file
   of another format, NAME.FORMAT, where there is a model plugin FORMAT with a key `file` (.onnx). `settings`,
   or NULL, may say what the file does not: model = { ... }; shape = [1, 28, 28]; outputs = 10; and which bits
   the code has: codes = { layers = [...]; pool = "channel"; }. The caller frees. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_encoder_open(tsr_host *host, const char *path, const char *settings,
                                                    tsr_encoder **out);
/* [one-thread] */
TSR_API void tsr_encoder_free(tsr_encoder *encoder);

/* For network.h's functions; the encoder's. [any-thread] */
TSR_API tsr_network *tsr_encoder_network(const tsr_encoder *encoder);

/* The code of n inputs, n x shape: layer after layer without gaps, constant columns too. The caller frees.
   [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_encoder_encode(tsr_encoder *encoder, size_t n, const float *inputs,
                                                      tsr_codes **out);

/* What tsr_network_predict and tsr_network_values give, computed as runs do. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_encoder_predict(tsr_encoder *encoder, size_t n, const float *inputs,
                                                       float *outputs);
TSR_API TSR_MUST_CHECK tsr_status *tsr_encoder_values(tsr_encoder *encoder, size_t layer, size_t n,
                                                      const float *inputs, float *values);

/* --- probes --- */

/* Classes that labels from elsewhere may have at most: a wrong label is not to take all memory. */
#define TSR_MAX_CLASSES (1 << 20)

/* Codes, wherever they come from. */
typedef struct tsr_probe_input {
    const tsr_codes *train, *test;             /* of the same number of bits */
    const int32_t *train_labels, *test_labels; /* of each example; NULL, both: there are none */
    int classes;   /* that labels are below, at most TSR_MAX_CLASSES; 0: one more than the largest label */
    uint64_t seed; /* that random numbers come from; a config's default is 1 */
    size_t place;  /* of the probe in a list, from 0, by which its random numbers differ from the others' */
    const char *folder; /* that exists, for the files that it writes; NULL: they are not kept */
} tsr_probe_input;

/* Measures what the same probe of a run with these codes does, to the last bit: columns that are constant
   over both parts are left out first. A probe that needs the network refuses. The metrics are the caller's,
   to be freed. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_host_probe_sized(const tsr_instance *probe,
                                                        const tsr_probe_input *input, size_t size,
                                                        tsr_metrics **out);
static inline tsr_status *tsr_host_probe(const tsr_instance *probe, const tsr_probe_input *input,
                                         tsr_metrics **out)
{
    return tsr_host_probe_sized(probe, input, sizeof(*input), out);
}

/* A number that a probe gave. Fixed in size. */
typedef struct tsr_metric_value {
    const char *name;   /* without the probe's label before it; the metrics' */
    double value;       /* NaN: undefined, */
    const char *reason; /* for this reason; NULL: none was said. The metrics' */
} tsr_metric_value;

/* How many there are, and number i, from 0, of them. [any-thread] */
TSR_API size_t tsr_metrics_count(const tsr_metrics *metrics);
TSR_API tsr_metric_value tsr_metrics_get(const tsr_metrics *metrics, size_t i);
/* What results call the probe: "<label>.<name>" is the metric's full name. The metrics'. [any-thread] */
TSR_API const char *tsr_metrics_label(const tsr_metrics *metrics);
/* [one-thread] */
TSR_API void tsr_metrics_free(tsr_metrics *metrics);

/* --- results --- */

/* A study's results.csv as a table: a row for each snapshot of a finished run. */
typedef struct tsr_table tsr_table;

/* Reads a results folder; nothing is written. The caller frees. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_table_read(const char *folder, tsr_table **out);
TSR_API void tsr_table_free(tsr_table *table);
/* Rows without the one of names. [any-thread] */
TSR_API size_t tsr_table_n_rows(const tsr_table *table);
TSR_API size_t tsr_table_n_columns(const tsr_table *table);
/* The table's, as are cells. [any-thread] */
TSR_API const char *tsr_table_name(const tsr_table *table, size_t column);
/* A cell's text; "" where there is nothing, as where a metric is undefined. [any-thread] */
TSR_API const char *tsr_table_cell(const tsr_table *table, size_t row, size_t column);
/* A column as n_rows numbers, NaN for empty cells; false, and nothing given, where some cell is another
   text. [any-thread] */
TSR_API bool tsr_table_numbers(const tsr_table *table, size_t column, double *out);

TSR_END_DECLS
#endif
