/* Taking out of a results folder what is no longer wanted. Only files that Tessera has written for its runs
   go away; what else lies there stays. */
#ifndef TSR_SESSION_CLEAN_H
#define TSR_SESSION_CLEAN_H

#include "experiment/leavings.h"

#include <stddef.h>

typedef struct tsr_clean_options {
    bool failed;        /* runs that failed, and what a run without a record has left */
    bool outside;       /* runs that the config's sweep does not have, such as others were taken over from */
    bool models, codes; /* of all runs; the config says then that none are kept */
    bool pretend;       /* count, and change nothing */
    bool unlocked;      /* see tsr_store_options */
} tsr_clean_options;

typedef struct tsr_cleaned {
    size_t runs; /* that were removed */
    size_t files[TSR_N_LEAVINGS];
    size_t bytes[TSR_N_LEAVINGS]; /* on the disk */
} tsr_cleaned;

/* `folder` is absolute; `shown` is what messages call it. A folder in which a process does runs is refused.
 */
TSR_MUST_CHECK tsr_status *tsr_clean(const char *folder, const char *shown, const tsr_clean_options *options,
                                     tsr_cleaned *out);

#endif
