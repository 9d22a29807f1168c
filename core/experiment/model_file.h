/* Trained models as safetensors files. Names and layouts are those of PyTorch's modules ("hidden.0.weight" is
   (out, in)); a mean that is subtracted from every input is the tensor "input.mean", of a sample's shape. The
   metadata has the program's version under "tessera", and as JSON texts the run's config under "config", the
   operators' constants ("norm.0.epsilon") under "constants", the shape of an input under "input" and the
   number of outputs under "outputs". */
#ifndef TSR_EXPERIMENT_MODEL_FILE_H
#define TSR_EXPERIMENT_MODEL_FILE_H

#include "config/value.h"
#include "experiment/safetensors.h"
#include "experiment/safetensors_write.h"
#include "nn/network.h"

/* Parameters, running statistics and the mean that the network subtracts, float32; written whole or not at
   all. */
TSR_MUST_CHECK tsr_status *tsr_model_file_write(const char *path, const tsr_network *network,
                                                const tsr_value *config);

/* Where the network of the snapshot after an epoch lies: the file's name in a run's folder, below
   TSR_SNAPSHOTS, of which a printf makes it with the epoch as a size_t; and its path, to be freed, NULL
   without memory. */
#define TSR_SNAPSHOTS "snapshots"
#define TSR_SNAPSHOT_FILE TSR_SNAPSHOTS "/epoch-%zu.safetensors"
char *tsr_snapshot_path(const char *run_folder, size_t epoch);

/* Refuses a file whose names and shapes are not those of the network, or whose constants cannot be. Gives the
   network's constants the file's values (model.h: which hold), and warns, once per process and file, where
   others are assumed, where the config overrides the file's, and where the file's model was configured
   otherwise than `model`, the config's group (NULL: nothing is said at all). */
TSR_MUST_CHECK tsr_status *tsr_model_file_check(const tsr_safetensors *file, tsr_network *network,
                                                const tsr_value *model);

/* The same without a word, and then gives the network the file's values. Any number of networks; the file
   stays as it is. */
TSR_MUST_CHECK tsr_status *tsr_model_file_load(const tsr_safetensors *file, tsr_network *network);

/* What the network is given by a file: parameters, then running statistics, by name; their values are the
   network's own. free() it. */
TSR_MUST_CHECK tsr_status *tsr_model_file_arrays(const tsr_network *network, size_t *n,
                                                 tsr_array_to_store **out);

/* Whether the file has a mean input. */
bool tsr_model_file_has_mean(const tsr_safetensors *file);
/* Writes it, a sample's values, which tsr_model_file_check has found to be as many. */
void tsr_model_file_mean(const tsr_safetensors *file, size_t size, float *mean);

#endif
