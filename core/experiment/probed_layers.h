/* The network that tells of the layers of codes. */
#ifndef TSR_EXPERIMENT_PROBED_LAYERS_H
#define TSR_EXPERIMENT_PROBED_LAYERS_H

#include <tessera/probe.h>

/* Of codes that were saved too, which come without a network to run; NULL: none is known. */
const tsr_network *tsr_probing_network_of_layers(const tsr_probing *probing);

#endif
