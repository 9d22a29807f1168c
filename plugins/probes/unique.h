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

#define UNIQUE_COPY (256UL << 20)

/* The codes must outlive the rows. Where most rows are distinct and a copy of those would take more than
   `copy` bytes there is none: every example is a row of its own. */
tsr_status *unique_rows_new(const tsr_codes *codes, size_t copy, unique_rows *out);
void unique_rows_clear(unique_rows *rows);

#endif
