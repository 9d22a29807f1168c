/* How many lines a thread follows together, for probes that follow many. */
#ifndef TESSERA_PROBES_LINES_AT_ONCE_H
#define TESSERA_PROBES_LINES_AT_ONCE_H

#include <tessera/line.h>

#define LINES_MEMORY (256UL << 20) /* bytes that they may take */

/* Of so many lines at most, as many as take no more memory than that; 1 at least. */
static inline size_t lines_at_once(const tsr_network *network, size_t most)
{
    size_t n = LINES_MEMORY / tsr_lines_bytes(network);
    return n < 1 ? 1 : n < most ? n : most;
}

#endif
