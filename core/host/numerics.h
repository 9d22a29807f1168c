/* What runs compute with, in a process that is not ours: for as long as a function of the host computes. */
#ifndef TSR_HOST_NUMERICS_H
#define TSR_HOST_NUMERICS_H

/* What was before. */
typedef struct tsr_numerics {
    int blas_threads, omp_threads;
    unsigned mode; /* the processor's, of subnormal numbers */
} tsr_numerics;

tsr_numerics tsr_numerics_enter(void);
void tsr_numerics_leave(tsr_numerics before);

#endif
