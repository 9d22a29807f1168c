/* Counting distinct rows with a hash of one's choice, so that a test can make all hashes collide. */
#ifndef TSR_CODES_DISTINCT_H
#define TSR_CODES_DISTINCT_H

#include <tessera/codes.h>

typedef struct tsr_hash {
    uint64_t low, high;
} tsr_hash;
typedef tsr_hash tsr_hash_function(const void *bytes, size_t length);

/* tsr_distinct by this hash. */
TSR_MUST_CHECK tsr_status *tsr_distinct_by(tsr_hash_function *hash, const tsr_codes *codes, size_t *count,
                                           uint32_t *group);

#endif
