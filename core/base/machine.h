/* The machine as results record it, and the state of its processor that computing threads need. */
#ifndef TSR_BASE_MACHINE_H
#define TSR_BASE_MACHINE_H

#include <tessera/base.h>

/* Cores that this process may run on, at least 1. */
int tsr_cores(void);

/* What tsr_threads() says from here on in this process; also OpenMP's default. Before computing threads
 * start. */
void tsr_set_threads(int threads);

/* Makes subnormal results and operands zero in the calling thread and in OpenMP's threads: trained
   weights turn subnormal and would slow the processor tenfold. */
void tsr_flush_subnormals(void);

#endif
