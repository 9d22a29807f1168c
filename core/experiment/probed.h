/* The bits that a probe sees: the layers and the projection that its config chooses. */
#ifndef TSR_EXPERIMENT_PROBED_H
#define TSR_EXPERIMENT_PROBED_H

#include "codes/codes.h"
#include "codes/metrics.h"
#include "plugin/kinds.h"

/* Before the names of a probe's metrics where it has a projection. */
#define TSR_PROJECTED "projected_"

/* The training and the test codes; `own` holds those that are copies. */
typedef struct tsr_probed_codes {
    const tsr_codes *train, *test;
    tsr_codes *own[2];
    const uint32_t *columns; /* of each of their columns, what `columns` below has for it; or NULL */
    uint32_t *own_columns;
} tsr_probed_codes;

/* Chooses the same bits of both codes, which must outlive the result, and so must `columns`, a number for
   each of their columns, or NULL. Without `layers` and `projection` these are the codes themselves. A
   projection takes its random numbers from `rng`, the probe's own, which moves on only where bits are left
   out; it gives the metric "projection", the bits seen, and the names of the metrics that follow begin with
   TSR_PROJECTED. Clear `out` also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_choose_probed_codes(const tsr_probe_common *common, const tsr_codes *train,
                                                   const tsr_codes *test, const uint32_t *columns,
                                                   tsr_code_budget *budget, tsr_rng *rng,
                                                   tsr_metrics *metrics, tsr_probed_codes *out);
void tsr_probed_codes_clear(tsr_probed_codes *codes);

#endif
