/* The metadata of a model's file, texts of JSON: the run's config under "config", and under "constants" the
   operators' constants ("norm.0.epsilon"). */
#ifndef TSR_EXPERIMENT_MODEL_METADATA_H
#define TSR_EXPERIMENT_MODEL_METADATA_H

#include "config/value.h"
#include "experiment/safetensors.h"
#include "nn/graph.h"

/* The constants by name, numbers; a new reference. */
json_t *tsr_model_constants(const tsr_graph *graph);

/* A new reference. */
json_t *tsr_model_metadata_make(const tsr_graph *graph, const tsr_value *config);

/* What tsr_model_file_check (model_file.h) does beyond names and shapes. */
TSR_MUST_CHECK tsr_status *tsr_model_metadata_apply(const tsr_safetensors *file, tsr_graph *graph,
                                                    const tsr_value *model);

#endif
