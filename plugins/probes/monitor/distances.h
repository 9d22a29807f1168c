/* How far codes lie from stored ones. */
#ifndef TSR_MONITOR_DISTANCES_H
#define TSR_MONITOR_DISTANCES_H

#include <tessera/codes.h>

enum { WRONG = -1, NOT_STORED = -2 };

/* Codes of which a monitor has stored some, and of each the class that it was rightly given, or one of the
 * above. */
typedef struct stored_codes {
    const tsr_codes *codes;
    const int32_t *right;
    int classes;
} stored_codes;

/* Of one code. Infinite where nothing is stored. */
typedef struct distances {
    double any;  /* the least distance to a stored code */
    double own;  /* to one rightly given the class that this one is given */
    double mean; /* sum over bits of the difference from the mean of those */
} distances;

/* Of codes that are given the classes `given`; one thread calls, more are used. */
TSR_MUST_CHECK tsr_status *measure_distances(const stored_codes *stored, const tsr_codes *codes,
                                             const int32_t *given, distances *out);

#endif
