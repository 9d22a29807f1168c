/* The processor: what it is, what it has, and which kernels are used on it. TESSERA_KERNELS=portable, avx2 or
   avx512 forces a level (see tessera/multiversion.h); without it the best that the processor has is used. */
#ifndef TSR_BASE_CPU_H
#define TSR_BASE_CPU_H

#include <tessera/multiversion.h>
#include <tessera/status.h>

/* "Intel(R) Xeon(R) Processor"; "unknown" where the system does not tell. */
const char *tsr_cpu_name(void);

/* Vector extensions in use that this processor has, "avx2 avx512f ...", blank-separated. */
const char *tsr_cpu_features(void);

/* What a kernel needs; each is used from a level on. */
enum {
    TSR_NEEDS_NOTHING = 0,
    TSR_NEEDS_POPCNT = 1 << 0,  /* from AVX2 on */
    TSR_NEEDS_AVX2 = 1 << 1,    /* with FMA and BMI2 */
    TSR_NEEDS_AVX512 = 1 << 2,  /* F, BW, CD, DQ, VL */
    TSR_NEEDS_VPOPCNT = 1 << 3, /* AVX-512 VPOPCNTDQ, from AVX512 on */
};

/* Whether the processor has all of it. */
bool tsr_cpu_has(unsigned needs);

/* Whether the level in use allows it too. A table of kernels, the best first and one that needs nothing last,
   is walked until this holds. */
bool tsr_cpu_uses(unsigned needs);

/* "portable", "avx2", "avx512": the level in use. */
const char *tsr_kernels_name(void);

/* Refuses a TESSERA_KERNELS that names no level, or one that the processor lacks: TSR_USAGE. */
TSR_MUST_CHECK tsr_status *tsr_kernels_check(void);

#endif
