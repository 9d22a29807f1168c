/* Gradients of a network against differences of its loss. */
#ifndef TSR_KIT_NETWORK_H
#define TSR_KIT_NETWORK_H

#include "nn/network.h"

/* The network is planned for training, and n samples are in its input. Fails where the loss of some
   parameters, moved together along their gradient, changes otherwise than the gradient says. */
TSR_MUST_CHECK tsr_status *tsr_kit_network_slopes(tsr_network *network, size_t n, const int32_t *labels);

#endif
