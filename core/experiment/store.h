/* The results folder: what is finished, what a run left, the table of all. Files appear whole or not at all,
   and one process (or one per shard) holds the folder, by a lock that dies with it. */
#ifndef TSR_EXPERIMENT_STORE_H
#define TSR_EXPERIMENT_STORE_H

#include "experiment/experiment.h"
#include "experiment/skim.h"

#include <jansson.h>

typedef struct tsr_store {
    char *folder; /* absolute */
    char *shown;  /* what messages call it */
    bool unlocked;
    bool stale;  /* config.cfg is to be written anew, by tsr_store_renew_config */
    char *grown; /* what the config asks for that the folder's did not, as a sentence; NULL: nothing */
    bool left;   /* opened for a command that does no runs */
    int lock;    /* file descriptors, -1: none */
    int shard_lock;
    int table_lock;
} tsr_store;

/* Which runs this process does: those with number % of == index. { 0, 1 }: all. */
typedef struct tsr_shard {
    size_t index, of;
} tsr_shard;

typedef struct tsr_store_options {
    tsr_shard shard;
    bool fresh;    /* empty the folder first */
    bool unlocked; /* hold no lock, on file systems that have none: that nobody else works there is the user's
                      word */
} tsr_store_options;

/* Makes the folder, proves that it can be written, locks it, and compares its config.cfg with the
   experiment's: another experiment's folder is refused, saying what differs, and so is one that is not
   Tessera's. A study may grow: other probes, snapshots and epochs are told by out->grown. `folder` is
   absolute; `shown` is what messages call it. */
TSR_MUST_CHECK tsr_status *tsr_store_open(const char *folder, const char *shown,
                                          const tsr_experiment *experiment, const tsr_store_options *options,
                                          tsr_store *out);

/* Locks a results folder of Tessera's as it is, for a command that does no runs. */
TSR_MUST_CHECK tsr_status *tsr_store_open_left(const char *folder, const char *shown, bool unlocked,
                                               tsr_store *out);

/* Makes and locks a folder for results that come from elsewhere: a new one, which *made tells, or an empty
   one. One that holds anything is refused. */
TSR_MUST_CHECK tsr_status *tsr_store_open_empty(const char *folder, const char *shown, bool unlocked,
                                                tsr_store *out, bool *made);

/* The refusal alone; a missing folder is fine. */
TSR_MUST_CHECK tsr_status *tsr_store_check_empty(const char *folder, const char *shown);

/* Closes such a store and takes away all that was written into it, and the folder where it was made. */
void tsr_store_undo(tsr_store *store, bool made);

/* Writes the config of a folder that had one when it was opened, where it is another now: once nothing is
 * refused. */
TSR_MUST_CHECK tsr_status *tsr_store_renew_config(tsr_store *store, const tsr_value *resolved);

/* Writes DIR/config.cfg: the experiment as resolved. */
TSR_MUST_CHECK tsr_status *tsr_store_put_config(const tsr_store *store, const tsr_value *resolved);

/* As tsr_store_open for a process that does runs for another one, which has opened the folder: it writes
   nothing but what belongs to its runs. */
TSR_MUST_CHECK tsr_status *tsr_store_join(const char *folder, const char *shown, tsr_store *out);
void tsr_store_close(tsr_store *store);

/* Lets the commands that do shards into a folder that was opened undivided, or as a shard. One that does all
   is still kept out. */
TSR_MUST_CHECK tsr_status *tsr_store_share(tsr_store *store);

/* The folder of a run, DIR/runs/<id>; free() it. */
char *tsr_store_run_folder(const tsr_store *store, const tsr_run *run);

/* The run's record; NULL in *out where there is none. One that is damaged or not this run's is treated as
   none, with a warning; one that cannot be read is a failure. A new reference. */
TSR_MUST_CHECK tsr_status *tsr_store_get(const tsr_store *store, const tsr_run *run, json_t **out);
/* The same of what is left of it by `skim`, which must leave the snapshots, and the config where it is not
   the one expected. */
TSR_MUST_CHECK tsr_status *tsr_store_skim(const tsr_store *store, const tsr_run *run, tsr_skim *skim,
                                          json_t **out);

/* Whether the folder of a finished run holds a file, such as "model.safetensors". */
bool tsr_store_has_file(const tsr_store *store, const tsr_run *run, const char *name);

/* Writes the record of the run with this id. */
TSR_MUST_CHECK tsr_status *tsr_store_put(const tsr_store *store, const char *id, const json_t *record);

/* Shards write the same tables. Between these two calls no other does, so that who is last to read the
   records is last to write. */
TSR_MUST_CHECK tsr_status *tsr_store_begin_tables(tsr_store *store);
void tsr_store_end_tables(tsr_store *store);

#endif
