/* What disturbs the examples that train: other labels, other inputs. */
#ifndef TSR_DATA_NOISE_H
#define TSR_DATA_NOISE_H

#include "data/samples.h"

/* Gives a fraction of the examples labels of their own, samples->noisy: drawn anew, or, with `permute`, those
   of the chosen examples in another order, so that every class keeps its number of examples. */
TSR_MUST_CHECK tsr_status *tsr_add_label_noise(tsr_samples *train, double fraction, bool permute);

/* Chooses a fraction of the examples, samples->replaced, whose inputs are from then on uniform in [0, 1). */
TSR_MUST_CHECK tsr_status *tsr_add_instance_noise(tsr_samples *train, double fraction);

/* Turns true inputs of n examples, by their numbers in the split, into those that are trained on, but for the
   mean: first what is replaced, then Gaussian noise. */
void tsr_disturb_inputs(const tsr_samples *samples, size_t n, const size_t *examples, float *inputs);

#endif
