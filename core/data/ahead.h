/* Batches made ahead of need: a thread makes the next ones while a step runs. */
#ifndef TSR_DATA_AHEAD_H
#define TSR_DATA_AHEAD_H

#include <tessera/status.h>

/* Makes the batch of one step; returns its examples. Called from one thread at a time. */
typedef size_t tsr_fill_function(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels,
                                 float *targets);

typedef struct tsr_ahead tsr_ahead;

/* Starts the thread, which waits. Batches have at most `batch` examples of `size` floats, and targets of
   `target_size`; 0: there are none, and `fill` gets NULL. */
TSR_MUST_CHECK tsr_status *tsr_ahead_new(tsr_fill_function *fill, void *context, size_t batch, size_t size,
                                         size_t target_size, tsr_ahead **out);
/* NULL is allowed. */
void tsr_ahead_free(tsr_ahead *ahead);

/* Returns once nothing is being made, nor will be: what `fill` reads may change. Batches not taken are lost.
 */
void tsr_ahead_pause(tsr_ahead *ahead);

/* Begins to make the batches of an epoch, step 0 first. Paused or new. */
void tsr_ahead_begin(tsr_ahead *ahead, size_t epoch, size_t steps);

/* The next step's batch, as `fill` made it; at most `steps` times. Returns its examples. `targets` is NULL
   where there are none. */
size_t tsr_ahead_next(tsr_ahead *ahead, float *inputs, int32_t *labels, float *targets);

#endif
