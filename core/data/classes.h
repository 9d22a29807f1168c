/* A dataset of which some classes are kept: all that is read of it goes through here. */
#ifndef TSR_DATA_CLASSES_H
#define TSR_DATA_CLASSES_H

#include "data/samples.h"

/* Keeps the classes that the dataset's keys choose, see tsr_dataset_common: from here on the others' samples
   are not there, and classes are numbered anew. Refuses a choice of fewer than two classes, of a class that
   is not there or twice, and one that leaves no training or no test samples. `data` is as the plugin told it,
   its labels checked. What it takes, tsr_data_forget_classes gives back, also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_data_choose_classes(tsr_data *data);
void tsr_data_forget_classes(tsr_data *data);

/* The dataset's read and read_targets, for samples and with labels as they are numbered here. */
void tsr_data_give(const tsr_data *data, tsr_split split, size_t n, const size_t *index, float *inputs,
                   int32_t *labels);
void tsr_data_give_targets(const tsr_data *data, tsr_split split, size_t n, const size_t *index,
                           float *targets);

/* The dataset's read, noted as the call of its plugin. */
void tsr_data_read_guarded(const tsr_data *data, tsr_split split, size_t n, const size_t *index,
                           float *inputs, int32_t *labels);

#endif
