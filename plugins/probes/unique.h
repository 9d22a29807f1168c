/* Codes with equal rows merged: what is fitted to few distinct codes need not see each example. */
#ifndef TESSERA_PROBES_UNIQUE_H
#define TESSERA_PROBES_UNIQUE_H

#include <tessera/codes.h>

typedef struct unique_rows {
    const tsr_codes *codes; /* each distinct row once, in the order of first appearance */
    uint32_t *group;        /* by example: its row in `codes` */
    uint32_t *weight;       /* by row: the examples that have it */
    tsr_codes *own;         /* what `codes` is, unless it is the codes given: all are distinct */
} unique_rows;

/* The codes must outlive the rows. */
tsr_status *unique_rows_new(const tsr_codes *codes, unique_rows *out);
void unique_rows_clear(unique_rows *rows);

#endif
