/* One study of several: their runs in a folder of their own, as if one command had done them. */
#ifndef TSR_SESSION_MERGE_H
#define TSR_SESSION_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <tessera/status.h>

typedef struct tsr_merge_options {
    bool keep_changed; /* merge studies that were made with different files of a plugin; else they are refused
                        */
    bool unlocked;     /* see tsr_store_options */
} tsr_merge_options;

typedef struct tsr_merged {
    size_t runs;    /* in the new folder */
    size_t shared;  /* of these, that several studies had */
    size_t missing; /* that the sweep of all has and no study did */
    size_t foreign; /* runs in the folders that are none of their sweeps': left out */
} tsr_merged;

/* Copies the runs of n results folders into `folder`, a new or an empty one. All are absolute; `shown` are
   their names in messages. What contradicts is refused before anything is written. */
TSR_MUST_CHECK tsr_status *tsr_merge(const tsr_merge_options *options, size_t n, char *const *folders,
                                     const char *const *shown, const char *folder, const char *folder_shown,
                                     tsr_merged *out);

#endif
