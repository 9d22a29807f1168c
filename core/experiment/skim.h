/* Reading many records for what a table or a count needs of them. Members that are not wanted are passed
   over, and members that are the same text in one record as in the one before are parsed once and shared.
   What is read must not be changed below its members. */
#ifndef TSR_EXPERIMENT_SKIM_H
#define TSR_EXPERIMENT_SKIM_H

#include <jansson.h>
#include <stdbool.h>
#include <tessera/status.h>

#define TSR_SKIM_SHARED 3

typedef struct tsr_skim {
    const char *const *skipped; /* keys whose values come as {} or [], NULL at the end */
    /* Is offered the text of "snapshots" and "epochs", lists that then come as []; true where it was taken. A
       key of NULL: what was taken of this record before does not count. NULL: they are parsed. */
    bool (*take)(void *context, const char *key, const char *from, const char *to);
    void *context;
    /* The text that the run's config has in its record; NULL: none is expected. A record that has it gets {}
       in its place, and has_config is true. */
    const char *config;
    bool has_config;
    struct { /* "metrics", "environment" and "curves" as they were last */
        char *text;
        size_t length;
        json_t *value;
    } shared[TSR_SKIM_SHARED];
} tsr_skim;

/* For tables: without the config. For counts: what became of the run, its place and its seconds. For
   sessions: whether the run is finished, of what, and its place. */
extern const char *const tsr_skim_for_tables[], *const tsr_skim_for_counts[], *const tsr_skim_for_sessions[];

/* As tsr_record_read. */
TSR_MUST_CHECK tsr_status *tsr_record_skim(tsr_skim *skim, const char *path, const char *id, json_t **out);
/* Behind the JSON value that begins at `at`, in a text that ends in NUL; NULL where it does not end. */
const char *tsr_skim_value(const char *at);
void tsr_skim_clear(tsr_skim *skim);

#endif
