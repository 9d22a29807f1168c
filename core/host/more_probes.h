/* More probes for the runs of a study that are finished, without training: on the networks that they have
 * saved. */
#ifndef TSR_HOST_MORE_PROBES_H
#define TSR_HOST_MORE_PROBES_H

#include "session/session.h"

/* Adds to each finished run of the results folder (absolute; `shown` in messages) the metrics of the probes
   that the n settings "KEY=VALUE" name, `probes` mostly, after its last snapshot; earlier snapshots have none
   of them. Metrics that are there stay as they are, and a probe that was added before by the same settings is
   not done again. Tables and page are made anew. What cannot be done is refused before anything is. *failed
   counts runs that have not got all, which is said. */
TSR_MUST_CHECK tsr_status *tsr_add_probes(const char *folder, const char *shown, size_t n,
                                          const char *const *settings, const tsr_session_observer *observer,
                                          size_t *failed);

#endif
