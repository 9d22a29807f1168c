/* The experiment that several studies are parts of: one sweep that has the points of each, and seeds that go
 * on. */
#ifndef TSR_SESSION_UNION_H
#define TSR_SESSION_UNION_H

#include "report/results.h"

typedef struct tsr_union_key {
    char *name;
    tsr_value *written, *resolved; /* lists of the values, as the configs have them and as runs do */
} tsr_union_key;

/* Where the runs of one study stand. */
typedef struct tsr_union_part {
    const tsr_results *results;
    const char *shown; /* what messages call the study */
    size_t **at; /* of each key of the union: the place there of each value that the study has; of a key that
                    it does not sweep, of the one that it has */
    size_t offset; /* of its replicates */
} tsr_union_part;

typedef struct tsr_union {
    tsr_value *config; /* resolved, with the sweep */
    char sweep[17];    /* its id */
    size_t n_keys, n_parts, replicates, points;
    tsr_union_key *keys;
    tsr_union_part *parts;
} tsr_union;

/* Refuses studies that are not of one experiment, saying what differs. Results and names must outlive the
 * union. */
TSR_MUST_CHECK tsr_status *tsr_union_make(size_t n, tsr_results *const *results, const char *const *shown,
                                          tsr_union *out);
void tsr_union_clear(tsr_union *all);

/* From the place of a run in the sweep of part i to that in the union's. */
void tsr_union_place(const tsr_union *all, size_t i, size_t *point, size_t *replicate);

/* Which of a key's values a point of the union has. */
size_t tsr_union_digit(const tsr_union *all, size_t point, size_t key);

#endif
