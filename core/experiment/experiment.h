/* An experiment: a config file turned into runs that are ready to be done. Everything that can be refused is
   refused here, before any work and before anything is written. */
#ifndef TSR_EXPERIMENT_EXPERIMENT_H
#define TSR_EXPERIMENT_EXPERIMENT_H

#include "data/samples.h"
#include "experiment/safetensors.h"
#include "experiment/schema.h"

/* How large a run is, for estimates. */
typedef struct tsr_run_size {
    size_t parameters;
    size_t epoch_examples;  /* that an epoch trains on */
    size_t probed_examples; /* whose codes are taken, training and test */
} tsr_run_size;

/* One run: one training with all its snapshots. */
typedef struct tsr_run tsr_run;
struct tsr_run {
    char id[17];             /* hash of its config, which tsr_run_config gives */
    size_t point, replicate; /* the point's number in the sweep, the last key changing fastest */
    uint64_t seed;
    /* The point's first replicate, which owns what is below, but the swept values where the seed is one of
       them; NULL: this is it. */
    const tsr_run *first;
    bool shares_swept;
    tsr_value *swept; /* a group: each swept key, dotted as it is, and its value in this run */
    /* All that the run's results depend on, resolved, with the seed of the first replicate; beside the keys
       of config.cfg, "weights_hash" where the model begins with a file's weights and "model_hash" where it is
       made of files (model_digest.h): another content of a file is another run. */
    tsr_value *config;
    tsr_run_size size;
    tsr_training_settings training;
    tsr_codes_settings codes;
    tsr_output_settings output;
    tsr_training_plugins training_plugins;
    tsr_instance *dataset, *model;
    size_t n_regularizers, n_probes;
    tsr_instance **regularizers, **probes;
    tsr_data *data;                 /* shared by the runs whose dataset is configured alike */
    const tsr_safetensors *weights; /* shared by the runs that name one file; NULL: parameters are drawn */
};

typedef struct tsr_experiment {
    char *name;
    char *path; /* of the config file */
    tsr_registry *registry;
    tsr_instance *executor;
    tsr_value *resolved; /* the experiment as DIR/config.cfg has it */
    char sweep_id[17];   /* by which the records of its runs know the sweep */
    size_t n_swept;
    char **swept; /* the keys, in order */
    size_t n_runs;
    tsr_run *runs; /* points of the sweep in order, each with its replicates */
    size_t n_data;
    tsr_data **data;
    size_t n_weights;
    tsr_safetensors **weights;
} tsr_experiment;

/* Reads, resolves and validates the config at `path`, or that of the one run whose record it is
   (record_config.h). The first failure is returned. */
TSR_MUST_CHECK tsr_status *tsr_experiment_read(const char *path, size_t n_overrides,
                                               const char *const *overrides, tsr_experiment **out);
void tsr_experiment_free(tsr_experiment *experiment);

/* The label that a probe's metrics carry. */
const char *tsr_probe_label(const tsr_instance *probe);

#endif
