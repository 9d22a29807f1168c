/* What runs have left in a results folder, file by file. Only what Tessera can have written is shown: in
   folders called as runs are, regular files of known names; links are not followed. */
#ifndef TSR_EXPERIMENT_LEAVINGS_H
#define TSR_EXPERIMENT_LEAVINGS_H

#include <sys/stat.h>
#include <tessera/status.h>

typedef enum tsr_leaving {
    TSR_LEFT_RECORD,
    TSR_LEFT_MODEL,
    TSR_LEFT_STATE, /* of the training */
    TSR_LEFT_CODES,
    TSR_LEFT_OF_PROBES,  /* what probes wrote into the folders that they were given */
    TSR_LEFT_UNFINISHED, /* what a run leaves that is killed: its checkpoint, and files that were being
                            written */
    TSR_N_LEAVINGS,
} tsr_leaving;

typedef struct tsr_left_file {
    const char *id;   /* of the run */
    const char *path; /* below the run's folder, "codes/train.npy" */
    const char *name; /* the last part of it, in */
    int folder;       /* an open folder */
    tsr_leaving kind;
    struct stat info;
} tsr_left_file;

typedef tsr_status *(*tsr_left_visitor)(void *context, const tsr_left_file *file);

/* Calls `visit` with every file of every run, runs and files in the order of their names, until it fails.
   Where the folder has no runs there is nothing. */
TSR_MUST_CHECK tsr_status *tsr_each_left_file(const char *folder, tsr_left_visitor visit, void *context);

/* Such a walk passes over links. Refuses a folder where one stands in the place of a run, or of a file or a
   folder that a run has left. */
TSR_MUST_CHECK tsr_status *tsr_refuse_left_links(const char *folder);

#endif
