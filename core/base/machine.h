/* The machine as results record it, and the state of its processor that computing threads need. */
#ifndef TSR_BASE_MACHINE_H
#define TSR_BASE_MACHINE_H

#include <tessera/status.h>

/* Cores that this process may run on, at least 1. */
int tsr_cores(void);

/* Refuses stacks of OpenMP's threads, as the environment sets them (OMP_STACKSIZE or GOMP_STACKSIZE), that
   are too small for the library's functions: their threads would crash, or could not be started. */
TSR_MUST_CHECK tsr_status *tsr_check_thread_stacks(void);

/* What tsr_threads() says from here on in this process; also OpenMP's default. Before computing threads
 * start. */
void tsr_set_threads(int threads);

/* Makes subnormal results and operands zero in the calling thread and in OpenMP's threads: trained
   weights turn subnormal and would slow the processor tenfold. */
void tsr_flush_subnormals(void);

#endif
