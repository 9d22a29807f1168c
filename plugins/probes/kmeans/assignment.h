/* The assignment problem: rows and columns paired one to one so that the pairs' gain is largest. */
#ifndef TESSERA_KMEANS_ASSIGNMENT_H
#define TESSERA_KMEANS_ASSIGNMENT_H

#include <tessera/status.h>

/* gain is rows x columns; *best is the largest sum over one-to-one pairs, as many as the smaller side has.
   The Hungarian method with potentials (Kuhn 1955, Jonker and Volgenant 1987), rows^2 x columns steps. */
tsr_status *best_assignment(size_t rows, size_t columns, const int64_t *gain, int64_t *best);

#endif
