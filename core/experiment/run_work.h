/* A run while it is done, from which run.c trains, snapshot.c takes codes and trial.c measures. Private to
   this folder. */
#ifndef TSR_EXPERIMENT_RUN_WORK_H
#define TSR_EXPERIMENT_RUN_WORK_H

#include "codes/extract.h"
#include "experiment/predecessor.h"
#include "experiment/prepare.h"
#include "experiment/run.h"
#include "experiment/safetensors.h"

typedef struct tsr_run_work {
    const tsr_run *run;
    const tsr_registry *registry; /* of its plugins */
    char *folder;                 /* of the run */
    tsr_run_progress *progress;
    tsr_parts parts;
    tsr_batch_source *source;
    tsr_network *network;
    tsr_code_budget budget;              /* for the codes */
    int32_t *train_labels, *test_labels; /* true ones */
    unsigned needs;                      /* of all probes: TSR_PROBE_... */
    size_t probes_before;                /* that were done already, by which random numbers differ */
    tsr_kept_columns kept;               /* of the codes that are probed now */
    tsr_codes *whole[2], *previous[2];   /* where they are needed: of this snapshot and of the one before */
    size_t previous_epoch;
    const tsr_predecessor *predecessor; /* that has a part of the run; NULL: none has */
    const char *saved_codes; /* folder that the codes are read from; NULL: they are the network's */
    json_t *epochs, *snapshots, *probe_seconds;
    json_t *warnings;      /* of what plugins have done to the process; NULL: not known yet */
    json_t *failed_probes; /* by label: why its first failure was one; empty: none has failed */
    size_t epoch_size;     /* examples that an epoch trains on */
    double codes_seconds, epoch_began;
    double began, prepared; /* tsr_seconds when the run was begun, and when its training was; put back by what
                               a checkpoint tells of the time before */
    double kept_at;         /* when the last checkpoint was written */
    tsr_safetensors *checkpoint; /* that it goes on from; NULL: none, or it is taken */
    json_t *checkpoint_told;
    float *before; /* the network's arrays after the last snapshot, where a checkpoint needs them; or NULL */
    json_t *taken_over;              /* what the record says of the predecessor; NULL: nothing */
    const tsr_ended_probes *without; /* probes that are left out; NULL: none is */
    json_t *ended_probes; /* the same by label: their epochs and reasons, by attempts before, too */
    size_t last_probed;
    bool probed;
    char data_digest[17]; /* "" until it is taken */
} tsr_run_work;

/* Makes all that the run needs, in `folder`, which is taken over and emptied. End it also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_work_begin(tsr_run_work *work, char *folder);
void tsr_run_work_end(tsr_run_work *work);

/* How it is trained; epoch_done takes the snapshots that are due. */
tsr_training tsr_run_training(tsr_run_work *work);

/* Evaluates, takes codes and probes them: one entry of "snapshots", which lacks the metrics of probes that
   fail; these are in failed_probes then. `last`: codes are saved if that is asked for. */
TSR_MUST_CHECK tsr_status *tsr_run_take_snapshot(tsr_run_work *work, size_t epoch, bool last);

/* Writes the network with the run's config; takes the path over, of which NULL is one without memory. */
TSR_MUST_CHECK tsr_status *tsr_run_write_model(const tsr_run_work *work, char *path);

/* Saves the network as that of a snapshot. */
TSR_MUST_CHECK tsr_status *tsr_run_save_network(const tsr_run_work *work, size_t epoch);

/* Adds a snapshot whose metrics are at hand; both objects stay the caller's. */
TSR_MUST_CHECK tsr_status *tsr_run_add_snapshot(tsr_run_work *work, size_t epoch, json_t *metrics,
                                                json_t *undefined);

/* What the run fails of when all else is done: the first probe that has failed; NULL: none has. */
TSR_MUST_CHECK tsr_status *tsr_run_failed_probe(const tsr_run_work *work);

/* Saves the codes of a snapshot that turned out to be the last only afterwards. */
TSR_MUST_CHECK tsr_status *tsr_run_save_codes_again(tsr_run_work *work);

/* Takes the codes again that the snapshot of an epoch had, as those that the next one is compared with; the
   network is that epoch's. */
TSR_MUST_CHECK tsr_status *tsr_run_recall_codes(tsr_run_work *work, size_t epoch);

/* Whether a plugin has written behind its instance, which makes all results doubtful. */
TSR_MUST_CHECK tsr_status *tsr_run_check_instances(const tsr_run *run);

void tsr_run_set_state(tsr_run_progress *progress, tsr_run_state state);

#endif
