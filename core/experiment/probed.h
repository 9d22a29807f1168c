/* The bits that a probe sees: the layers, the share of their units and the projection that its config
 * chooses.
 */
#ifndef TSR_EXPERIMENT_PROBED_H
#define TSR_EXPERIMENT_PROBED_H

#include "codes/codes.h"
#include "codes/metrics.h"
#include "nn/network.h"
#include "plugin/kinds.h"

/* What the host gives of a choice: a metric of this name with the bits that are seen, and words before the
   names of the probe's metrics. */
#define TSR_PRUNED "pruned"
#define TSR_PROJECTED "projected_"
#define TSR_PROJECTION "projection"

/* Bits that such a probe sees at most, of the sizes that it is checked with; 0: it sees all. */
size_t tsr_probed_at_most(const tsr_probe_common *common);

/* What stands before the names of its metrics, "pruned_projected_". */
const char *tsr_probed_prefix(const tsr_probe_common *common);

/* The training and the test codes; `own` holds those that are copies. */
typedef struct tsr_probed_codes {
    const tsr_codes *train, *test;
    tsr_codes *own[2];
    const uint32_t *columns; /* of each of their columns, what `columns` below has for it; or NULL */
    uint32_t *own_columns;
} tsr_probed_codes;

/* Chooses the same bits of both codes, which must outlive the result, and so must `columns`, a number for
   each of their columns in the network's whole code, or NULL. Without `layers`, `unit_share` and `projection`
   these are the codes themselves. A share of units is of all that the network has in a layer, constant ones
   included; where no network or no columns are known, each column counts as a unit. What is drawn takes its
   random numbers from `rng`, the probe's own, which moves on only where bits are left out; it gives the
   metric "pruned" or "projection", the bits seen, and goes before the names of the metrics that follow. Clear
   `out` also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_choose_probed_codes(const tsr_probe_common *common, const tsr_codes *train,
                                                   const tsr_codes *test, const uint32_t *columns,
                                                   const tsr_network *network, tsr_code_budget *budget,
                                                   tsr_rng *rng, tsr_metrics *metrics, tsr_probed_codes *out);
void tsr_probed_codes_clear(tsr_probed_codes *codes);

#endif
