/* The metadata of a model's file, texts of JSON: the run's config under "config", under "constants" the
   operators' constants ("norm.0.epsilon"), and the shape of its "input" and the number of its "outputs". */
#ifndef TSR_EXPERIMENT_MODEL_METADATA_H
#define TSR_EXPERIMENT_MODEL_METADATA_H

#include "config/value.h"
#include "experiment/safetensors.h"
#include "nn/graph.h"
#include "nn/network.h"

/* The constants by name, numbers; a new reference. */
json_t *tsr_model_constants(const tsr_graph *graph);

/* A new reference. */
json_t *tsr_model_metadata_make(const tsr_network *network, const tsr_value *config);

/* What a file says of the network that it was saved from, as a value, the caller's: "config", a group,
   "input", its shape as a list of counts, or "outputs", their number. *out is NULL where it does not say. */
TSR_MUST_CHECK tsr_status *tsr_model_metadata_read(const tsr_safetensors *file, const char *key,
                                                   tsr_value **out);

/* What tsr_model_file_check (model_file.h) does beyond names and shapes. */
TSR_MUST_CHECK tsr_status *tsr_model_metadata_apply(const tsr_safetensors *file, tsr_graph *graph,
                                                    const tsr_value *model);

#endif
