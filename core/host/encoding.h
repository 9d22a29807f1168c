/* Writing what a trained network gives for a dataset: codes, logits, pre-activations as .npy files. */
#ifndef TSR_HOST_ENCODING_H
#define TSR_HOST_ENCODING_H

#include "config/value.h"

/* Beside codes and labels, which are always written. */
typedef struct tsr_encoding_options {
    const char *model; /* path: see tsr_encoder_open */
    bool logits, values;
} tsr_encoding_options;

/* Opens the model and the dataset that `config` names (its `model` and `codes` hold where the model's file
   does not say) and writes into `folder` (absolute; `shown` in messages), which must be new, empty or
   Tessera's own: codes/, logits/ and values/LAYER/ with train.npy and test.npy, labels beside the codes, and
   layers.csv, what the codes' columns are. Nothing is written where something is refused. */
TSR_MUST_CHECK tsr_status *tsr_encoding_write(const tsr_value *config, const tsr_encoding_options *options,
                                              const char *folder, const char *shown);

#endif
