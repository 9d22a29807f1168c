/* Whose a results folder is. What Tessera writes into one has fixed names; a folder that has such names and
   was not written by Tessera belongs to somebody else, and nothing in it is replaced or removed. */
#ifndef TSR_EXPERIMENT_FOLDER_H
#define TSR_EXPERIMENT_FOLDER_H

#include <tessera/status.h>

/* What the first line of DIR/config.cfg begins with: by this a folder is known to be Tessera's. */
#define TSR_FOLDER_MARK "# The experiment as tessera "

/* What stands in the folder beside runs/ and the locks, NULL at the end: first the TSR_N_TABLES files that
   are made of the records, then config.cfg, by which the folder is ours. */
enum { TSR_N_TABLES = 3 };
extern const char *const tsr_folder_files[];

/* Whether a folder has a config.cfg that Tessera has written. */
bool tsr_folder_is_ours(const char *folder);

/* Refuses a folder that is not Tessera's and holds what Tessera would write over. A missing folder, and one
   with other things in it, are fine. `shown` is its name in messages. */
TSR_MUST_CHECK tsr_status *tsr_folder_check(const char *folder, const char *shown);

/* Refuses a folder whose config.cfg is the file `config`, unless Tessera wrote it. */
TSR_MUST_CHECK tsr_status *tsr_folder_check_config(const char *folder, const char *shown, const char *config);

/* Removes what Tessera has written into its folder: the runs, the tables, the page and the config. What else
   lies in it or among the runs stays, with a warning. */
TSR_MUST_CHECK tsr_status *tsr_folder_empty(const char *folder, const char *shown);

/* What a process that does runs tells of them while it does, for who wants to know: DIR/.progress, or
   DIR/.progress-I-of-N of a shard. Whether a file's name is of these. */
#define TSR_FOLDER_PROGRESS ".progress"
bool tsr_folder_is_progress(const char *name);

/* Whether a run's folder can be called so. */
bool tsr_is_run_id(const char *name);

/* Whether a file beside runs/ is what the writing of one of Tessera's leaves where it is killed, one of its
   names and ".XXXXXX", or tells of a progress. */
bool tsr_folder_is_unfinished(const char *name);

/* Removes what the writing of one of Tessera's files leaves where it is killed, and what a process that
   did runs has told of its progress. */
void tsr_folder_remove_unfinished(const char *folder);

/* Calls `visit` with the name of every entry of the folder's runs/, which is the id of a run where it is one,
   in their order, until it fails. */
TSR_MUST_CHECK tsr_status *tsr_folder_each_run(const char *folder,
                                               tsr_status *(*visit)(void *context, const char *id),
                                               void *context);

#endif
