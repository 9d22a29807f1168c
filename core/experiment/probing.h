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
    const tsr_network *layers;             /* whose layers the codes are of; NULL: the probing's network */
    tsr_augmentations augment;             /* of what trains, */
    bool augments;                         /* and whether any of them does anything (tsr_augments) */
    tsr_code_budget *budget;               /* for the codes of probes that probes run; NULL: in memory */
};

/* Runs the probe on what `probing` holds of its snapshot, which has no rng and no metrics yet: those of the
   bits that the probe's keys choose. `number` is the probe's place among all, which its random numbers go by.
   *out, the metrics that it gave, is the caller's. */
TSR_MUST_CHECK tsr_status *tsr_probe_codes(const tsr_probing *probing, const tsr_instance *probe,
                                           size_t number, tsr_metrics **out);

/* Refuses a probing that lacks what the probe needs. */
TSR_MUST_CHECK tsr_status *tsr_probing_check(const tsr_probing *probing, const tsr_instance *probe);

/* Has the probe's own operation refuse the sizes of what it would see. */
TSR_MUST_CHECK tsr_status *tsr_probing_check_sizes(const tsr_probing *probing, const tsr_instance *probe);

#endif
