/* A finished run of the folder whose training is another run's, or the beginning of it: a study that gets
   other probes, other snapshots or more epochs has such runs. What the other run can be had of without
   training, and what it lacks. */
#ifndef TSR_EXPERIMENT_PREDECESSOR_H
#define TSR_EXPERIMENT_PREDECESSOR_H

#include "base/text.h"
#include "experiment/store.h"

typedef struct tsr_predecessor {
    const tsr_run *run; /* that is to be had */
    char id[17];        /* the predecessor's; the run's own where files are to be made for a finished run */
    char *folder;       /* the predecessor's, absolute */
    json_t *record;
    bool *same_probe;   /* of each of the run's probes: the predecessor has the same, at the same place in its
                           list */
    size_t done;        /* epochs that the predecessor was trained for */
    size_t last;        /* the last of the run's epochs that it has */
    bool goes_on;       /* the run is trained for more epochs */
    size_t n_due, *due; /* the run's snapshots up to `last`: after which epochs, ascending */
} tsr_predecessor;

/* By the record of run `id` in the store, which is not that of another training (tsr_identity_of_training).
   Where it tells of no finished run out->record is NULL. Clear *out also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_predecessor_read(const tsr_store *store, const tsr_run *run, const char *id,
                                                tsr_predecessor *out);
void tsr_predecessor_clear(tsr_predecessor *predecessor);

/* Adds to `lacks` why the run cannot be had of it, as the rest of a sentence that names the predecessor;
   nothing where it can be. One thread, which calls the schedule. */
TSR_MUST_CHECK tsr_status *tsr_predecessor_check(const tsr_predecessor *predecessor, tsr_text *lacks);

/* The predecessor's snapshot after an epoch that is due; NULL: none. */
const json_t *tsr_predecessor_snapshot(const tsr_predecessor *predecessor, size_t epoch);

/* Whether that snapshot has what the run's probe would give. */
bool tsr_predecessor_has(const tsr_predecessor *predecessor, size_t probe, size_t epoch);

/* Whether the network of a due snapshot, or its codes, are needed: probes are to be done on it, codes to be
   compared with, or it is to be saved. */
bool tsr_predecessor_is_probed(const tsr_predecessor *predecessor, size_t place);

/* Whether it has kept the network after this epoch. */
bool tsr_predecessor_has_network(const tsr_predecessor *predecessor, size_t epoch);

/* Whether its folder holds a file. */
bool tsr_predecessor_has_file(const tsr_predecessor *predecessor, const char *name);

#endif
