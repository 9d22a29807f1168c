/* Doing one run: train, take codes at the snapshots, probe them, leave files and a run.json. */
#ifndef TSR_EXPERIMENT_RUN_H
#define TSR_EXPERIMENT_RUN_H

#include "experiment/progress.h"
#include "experiment/store.h"

/* Of each of a run's probes why it is left out from that epoch's snapshot on: it has ended the process of an
   attempt before. */
typedef struct tsr_ended_probe {
    char *reason; /* NULL: it is not */
    size_t epoch;
} tsr_ended_probe;
typedef struct tsr_ended_probes {
    size_t n;
    tsr_ended_probe *of;
} tsr_ended_probes;

/* Does the run in this process with at most `threads` threads and stores its outcome. What run `predecessor`
   (NULL: none) has of it is taken over. A run that fails or diverges is an outcome; the status says only that
   nothing could be stored.
 */
TSR_MUST_CHECK tsr_status *tsr_run_do(const tsr_experiment *experiment, const tsr_store *store,
                                      const tsr_run *run, const char *predecessor, int threads,
                                      const tsr_ended_probes *without, tsr_run_progress *progress);

/* What was tried of a run and how long it took; filled while it is tried, so that it tells something where
   the process is ended. */
typedef struct tsr_trial {
    size_t trained;          /* examples */
    double training_seconds; /* for them */
    size_t probed[2];        /* examples of the last probing that ended, and of the one before; 0: none */
    double probing_seconds[2];
} tsr_trial;

/* Trains with one thread for training_seconds, then probes ever more examples, up to all. Nothing is stored;
   probes find an empty folder in `folder`, and what they leave there is the caller's. */
TSR_MUST_CHECK tsr_status *tsr_run_try(const tsr_run *run, const char *folder, double training_seconds,
                                       tsr_trial *trial);

/* What probes gave on a network that was trained before. */
typedef struct tsr_probed_again {
    json_t *metrics;       /* the network's own and those of the probes that did not fail */
    json_t *undefined;     /* why some of them are, by name; NULL: none is */
    json_t *descriptions;  /* what they mean */
    json_t *curves;        /* what was announced of curves, which may be nothing */
    json_t *failed_probes; /* by label: why */
    json_t *seconds;       /* by label */
} tsr_probed_again;

/* Has the run's probes measure the network that its weights are, as after `epoch` epochs, or, where `codes`
   names the folder of those that it has saved, these: then no network is known to them. `before`: probes that
   the run had had besides, whose random numbers are not to be used again. Files of theirs go to `folder`,
   which is made, or emptied. Clear *out also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_probe_again(const tsr_run *run, size_t before, size_t epoch,
                                               const char *folder, const char *codes, tsr_probed_again *out);
void tsr_probed_again_clear(tsr_probed_again *probed);

#endif
