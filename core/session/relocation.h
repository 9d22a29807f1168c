/* Where files that a config names lie on another machine: two studies of one experiment may have the same
   data in other folders. A record is brought from the one to the other by its config's paths, which are part
   of its id. */
#ifndef TSR_SESSION_RELOCATION_H
#define TSR_SESSION_RELOCATION_H

#include "config/value.h"

#include <jansson.h>

typedef struct tsr_relocation {
    json_t *paths; /* by the path there was: the path there is to be */
} tsr_relocation;

/* Finds the paths of data, models and plugins in which `from` differs from `to`, which is the same config
 *else. Clear out also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_relocation_find(const tsr_value *from, const tsr_value *to,
                                               tsr_relocation *out);
void tsr_relocation_clear(tsr_relocation *relocation);

/* Gives a run's record these paths, and the id that the run has with them. */
TSR_MUST_CHECK tsr_status *tsr_relocate(const tsr_relocation *relocation, json_t *record);

#endif
