/* What the taking of codes has to know of lines. */
#ifndef TSR_NN_LINES_H
#define TSR_NN_LINES_H

#include <tessera/line.h>

const tsr_network *tsr_lines_network(const tsr_lines *lines);
size_t tsr_lines_count(const tsr_lines *lines);
/* Where each is. */
const double *tsr_lines_places(const tsr_lines *lines);

#endif
