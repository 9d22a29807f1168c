/* Checkpoints within a run: where its training stands, and what the run has of the epochs before, as one file
   in the run's folder, from which the run goes on where it was killed. It is written at ends of epochs when
   training.checkpoint_every minutes have gone by, and removed when the run has an outcome. Private to this
   folder.
 */
#ifndef TSR_EXPERIMENT_CHECKPOINT_H
#define TSR_EXPERIMENT_CHECKPOINT_H

#include "experiment/run_work.h"
#include "experiment/training_state.h"

/* Opens the checkpoint that the run can go on from, before the work begins: then all is removed from
   `folder`, the run's, that is not of the time before it. One that is damaged or was made with something
   else, which a warning says, is none, and so is one where the predecessor has more. */
TSR_MUST_CHECK tsr_status *tsr_checkpoint_find(tsr_run_work *work, const char *folder);

/* Gives the work, which has begun, all that the checkpoint has that was found; the training goes on from
 **state. taken: whether there was one. Clear *state also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_checkpoint_take(tsr_run_work *work, tsr_read_state *state, bool *taken);

/* After an epoch: writes a checkpoint where one is due. One that cannot be written is a warning; the failure
   is that of a plugin that makes results doubtful. */
TSR_MUST_CHECK tsr_status *tsr_checkpoint_keep(tsr_run_work *work, const tsr_training_state *state);

/* After a snapshot: keeps a copy of the network where a later one is compared with its codes. */
TSR_MUST_CHECK tsr_status *tsr_checkpoint_remember(tsr_run_work *work);

/* Of a run that has an outcome. */
void tsr_checkpoint_remove(const char *folder);

/* Of a run that has none: all is removed from its folder but the checkpoint, if there is one, and what
   belongs to it. */
TSR_MUST_CHECK tsr_status *tsr_checkpoint_leave(const char *folder);

#endif
