/* A run's place in the sweep, which its record carries. A finished run that a changed sweep takes up again
   gets its new place; one that the sweep has no more keeps the place of the sweep that it was done for. */
#ifndef TSR_EXPERIMENT_PLACE_H
#define TSR_EXPERIMENT_PLACE_H

#include "experiment/store.h"

/* Adds the place to a record that is being made. */
TSR_MUST_CHECK tsr_status *tsr_place_put(const tsr_experiment *experiment, const tsr_run *run,
                                         json_t *record);

/* Brings a stored record's place up to date, and writes it again where it was another. */
TSR_MUST_CHECK tsr_status *tsr_place_update(const tsr_store *store, const tsr_experiment *experiment,
                                            const tsr_run *run, json_t *record);

/* Takes their place from records of this sweep whose runs are no more the experiment's: a file that the
   config names has become another, and so has the run. *foreign counts the records of runs that are none of
   the experiment's. */
TSR_MUST_CHECK tsr_status *tsr_place_release(const tsr_store *store, const tsr_experiment *experiment,
                                             size_t *foreign);

/* The point that a record has in the sweep of this id, and its replicate; false where it has none. */
bool tsr_place_read(const json_t *record, const char *sweep, size_t *point, size_t *replicate);

#endif
