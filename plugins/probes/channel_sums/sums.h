/* Examples as sums of channels: points whose coordinates are the channels of the layers that a probe sees. */
#ifndef TESSERA_CHANNEL_SUMS_SUMS_H
#define TESSERA_CHANNEL_SUMS_SUMS_H

#include "euclid.h"

#include <tessera/network.h>
#include <tessera/probe.h>

/* Of the training and the test examples, each layer divided by its range; their `x` are the caller's, also
   after a failure. */
tsr_status *take_sums(const tsr_probing *probing, points *train, points *test);

bool is_finite(const points *p);

/* Whether no squared distance of two such points can overflow a float. */
bool can_be_squared(const points *p);

/* Of n examples' values in a layer, channel by channel; sums go to rows of `row` floats. */
void sum_channels(const tsr_layer_info *info, size_t n, const float *values, size_t row, float *out);

/* Divides coordinates by their range, all of them together, over the training examples; those that are the
   same everywhere stay. */
void divide_by_range(size_t first, size_t end, const points *train, const points *test);

#endif
