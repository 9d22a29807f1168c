/* Where numbers went wrong, found after the fact. */
#ifndef TSR_NN_NOT_FINITE_H
#define TSR_NN_NOT_FINITE_H

#include "nn/network.h"

/* The first operator, in the order of the graph, whose output is not finite for the n examples that the
   network's input holds: it runs forwards once more, in training mode, with no array sharing memory with
   another. NULL: all are finite, the input is not, or there is no memory for it. The name lives as long as
   the network. The plan for training is gone afterwards. */
const char *tsr_network_first_not_finite(tsr_network *network, size_t n, uint64_t seed, uint64_t step);

#endif
