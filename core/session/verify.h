/* Whether a study's runs can be had again: some are done once more, elsewhere, and compared bit for bit with
   what the folder has. Nothing in the folder is changed. */
#ifndef TSR_SESSION_VERIFY_H
#define TSR_SESSION_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <tessera/status.h>

/* Who watches. */
typedef struct tsr_verify_observer {
    void *context;
    bool (*interrupted)(void *context); /* whether to stop */
    /* A run was done again; `difference` says what differs first, NULL: nothing does. */
    void (*compared)(void *context, const char *id, const char *difference);
    /* A run's record is damaged, or no longer that of a run of the config. */
    void (*damaged)(void *context, const char *id, const char *reason);
} tsr_verify_observer;

typedef struct tsr_verified {
    size_t runs, done;       /* of the study */
    size_t damaged;          /* records */
    size_t compared, differ; /* runs that were done again */
} tsr_verified;

/* Of `folder`, absolute, which messages call `shown`: `sample` of the runs that are done, evenly picked; 0:
   all of them. */
TSR_MUST_CHECK tsr_status *tsr_verify(const char *folder, const char *shown, size_t sample,
                                      const tsr_verify_observer *observer, tsr_verified *out);

#endif
