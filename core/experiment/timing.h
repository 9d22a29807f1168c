/* How long an experiment will take: its smallest and its largest run are tried for a moment each, in a
   process of their own, and the others are taken to lie between by their number of parameters. */
#ifndef TSR_EXPERIMENT_TIMING_H
#define TSR_EXPERIMENT_TIMING_H

#include "experiment/experiment.h"

typedef struct tsr_timing {
    double seconds;  /* of all runs one after the other, with one thread each */
    size_t tried;    /* runs */
    double measured; /* seconds of training and probing that the estimate rests on */
    double probed;   /* fraction of the examples in the largest probing that ended; 0: none did */
    bool failed;     /* the probing itself, not for want of time */
    char *ended; /* "run ..., tried for a moment, crashed in ...": a plugin ended a trial; NULL: none. free()
                    it */
} tsr_timing;

/* Takes two seconds or so. Fails where nothing could be measured; out->ended may be there all the same. An
 * early stop is not foreseen. */
TSR_MUST_CHECK tsr_status *tsr_experiment_time(const tsr_experiment *experiment, tsr_timing *out);

#endif
