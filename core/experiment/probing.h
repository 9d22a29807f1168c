/* What a probing gives a probe beside its fields: the inputs, and the running of another probe. */
#ifndef TSR_EXPERIMENT_PROBING_H
#define TSR_EXPERIMENT_PROBING_H

#include "codes/codes.h"
#include "data/augment.h"
#include "data/samples.h"

#include <tessera/probe.h>

/* Behind tsr_probing.host. Everything outlives the probing. */
struct tsr_probing_host {
    const tsr_samples *parts[TSR_N_PARTS]; /* NULL: no inputs are known */
    tsr_augmentations augment;             /* of what trains */
    tsr_code_budget *budget;               /* for the codes of probes that probes run; NULL: in memory */
};

/* Refuses a probing that lacks what the probe needs. */
TSR_MUST_CHECK tsr_status *tsr_probing_check(const tsr_probing *probing, const tsr_instance *probe);

#endif
