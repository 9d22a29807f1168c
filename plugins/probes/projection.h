/* A random choice of the codes' bits, for what takes too long on all of them. */
#ifndef TESSERA_PROBES_PROJECTION_H
#define TESSERA_PROBES_PROJECTION_H

#include <tessera/probe.h>

#define MOST_PROJECTION (1 << 30)
#define PROJECTION_DOC                                                                                       \
    "work on so many bits of the code, drawn by the seed, and name the metrics projected_...; 0: all"

typedef struct projection {
    const tsr_codes *train, *test; /* to be measured */
    const char *prefix;            /* of the metrics' names */
    tsr_codes *own[2];             /* what these are where bits were left out */
} projection;

/* `bits` of the codes' bits, the same ones of both and in their order, or all where there are no more; 0: the
   codes themselves. A projection is told by a metric, "projection", the bits in it. Cleared also after a
   failure. */
tsr_status *projection_new(const tsr_probing *probing, size_t bits, tsr_rng *rng, projection *out);
void projection_clear(projection *seen);

#endif
