/* Networks of a model for the shapes of inputs that it is tried on. */
#ifndef TSR_KIT_SHAPES_H
#define TSR_KIT_SHAPES_H

#include "kit/kit.h"
#include "nn/network.h"

#define TSR_KIT_CLASSES 10
#define TSR_KIT_SEED 21

/* The next shape from number *next on that the model takes, and its network, with the loss where one is
   given; *network is NULL where there is none, and *refused says why, where it was asked at all. The kit's
   own shapes are tried where none are given, the large ones among them for the first network only; or the one
   that the model says it takes. */
void tsr_kit_next_network(const tsr_kit *kit, const tsr_instance *model, const tsr_instance *loss,
                          size_t *next, bool is_first, tsr_network **network, tsr_shape *shape,
                          tsr_status **refused);

#endif
