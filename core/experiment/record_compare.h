/* Whether two records of one run tell the same, as two doings of it must. */
#ifndef TSR_EXPERIMENT_RECORD_COMPARE_H
#define TSR_EXPERIMENT_RECORD_COMPARE_H

#include "base/text.h"

#include <jansson.h>

/* Compares the training's curve, the snapshots' epochs and every metric. A metric that one of them lacks and
   that a probe which was added to the other has given is no difference. Adds the first difference to `out`,
   as "NAME after epoch E was X and is Y", `before` and `after`; false where there is none. */
bool tsr_records_differ(const json_t *before, const json_t *after, tsr_text *out);

#endif
