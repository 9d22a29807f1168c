/* What plugins change in the process of a run, seen after their calls: locale, rounding mode, signal mask,
   working folder, umask, standard streams. It is put back, so that the run goes on as it would have. */
#ifndef TSR_EXPERIMENT_CHANGES_H
#define TSR_EXPERIMENT_CHANGES_H

#include <jansson.h>
#include <tessera/status.h>

/* From here on calls are watched. Once in a process at a time. */
void tsr_changes_watch(void);

/* No longer. *warnings: a list of texts, each of which has been given as a warning too; the caller's. Fails
   where results are in doubt: where the rounding mode, the floating-point exceptions that trap, the treatment
   of subnormal numbers or the locale was changed. */
TSR_MUST_CHECK tsr_status *tsr_changes_end(json_t **warnings);

/* While it is watched: whether results are in doubt already, and the warnings so far, to read and to add to.
 */
bool tsr_changes_doubtful(void);
json_t *tsr_changes_warnings(void);

#endif
