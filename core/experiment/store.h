/* The results folder: what is finished, what a run left, the table of all. Files appear whole or not at all,
   and one process (or one per shard) holds the folder, by a lock that dies with it. */
#ifndef TSR_EXPERIMENT_STORE_H
#define TSR_EXPERIMENT_STORE_H

#include "experiment/experiment.h"

typedef struct tsr_store {
    char *folder;
    int lock; /* file descriptors, -1: none */
    int shard_lock;
    int table_lock;
} tsr_store;

/* Which runs this process does: those with number % of == index. { 0, 1 }: all. */
typedef struct tsr_shard {
    size_t index, of;
} tsr_shard;

/* Makes the folder, proves that it can be written, locks it, and compares its config.cfg with the
   experiment's: another experiment's folder is refused, saying what differs. `fresh` empties it first. */
TSR_MUST_CHECK tsr_status *tsr_store_open(const char *folder, const tsr_experiment *experiment,
                                          tsr_shard shard, bool fresh, tsr_store *out);

/* The same for a process that does runs for another one, which has opened the folder: it writes nothing
   but what belongs to its runs. */
TSR_MUST_CHECK tsr_status *tsr_store_join(const char *folder, tsr_store *out);
void tsr_store_close(tsr_store *store);

/* The folder of a run, DIR/runs/<id>; free() it. */
char *tsr_store_run_folder(const tsr_store *store, const tsr_run *run);

/* The run.json at `path`, of run `id`; NULL where it cannot be read or is not that run's, with a warning that
   ends in the consequence. A new reference. */
json_t *tsr_outcome_read(const char *path, const char *id, const char *consequence);

/* The run's run.json; NULL where there is none. One that cannot be read or is not this run's is treated as
   none, with a warning. A new reference. */
json_t *tsr_store_get(const tsr_store *store, const tsr_run *run);

/* Writes run.json. */
TSR_MUST_CHECK tsr_status *tsr_store_put(const tsr_store *store, const tsr_run *run, const json_t *outcome);

/* Whether the run went to its end and has results. */
bool tsr_outcome_is_done(const json_t *outcome);

/* Whether doing the run again would give the same: it is done, or it diverged. */
bool tsr_outcome_is_final(const json_t *outcome);

/* The names of all metrics of finished runs, in the order of first appearance, as keys of an object. A new
   reference. */
json_t *tsr_outcomes_metrics(const json_t *outcomes);

/* Shards write the same tables. Between these two calls no other does, so that who is last to read the
   outcomes is last to write. */
TSR_MUST_CHECK tsr_status *tsr_store_begin_tables(tsr_store *store);
void tsr_store_end_tables(tsr_store *store);

/* An array with each run's outcome, in order; JSON null for a run that has none. A new reference. */
json_t *tsr_store_outcomes(const tsr_store *store, const tsr_experiment *experiment);

/* Rebuilds DIR/results.csv from the outcomes. */
TSR_MUST_CHECK tsr_status *tsr_store_write_csv(const tsr_store *store, const tsr_experiment *experiment,
                                               const json_t *outcomes);

#endif
