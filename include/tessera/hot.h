/* Loops worth compiling for the processor at hand. TSR_HOT before a function makes the compiler build it for
   several generations of processors; the loader picks one when the file is mapped, so the choice costs
   nothing per call. The pick is the same from run to run on one machine, hence so are the bits; between
   kinds of machine the last bits may differ, as a BLAS's do. Inside, "#pragma omp simd" asks for vectors
   (at -O2 nothing else does), and helpers that are static inline take part.

       TSR_HOT static void scale(size_t n, float a, float *restrict x)
       {
       #pragma omp simd
           for (size_t i = 0; i < n; i++)
               x[i] *= a;
       }

   A vector type must not be passed or returned by value there, but in a function that is always inlined: how
   it is depends on the generation.

   Empty where compiler, processor or C library cannot do it, where all is compiled for a processor with
   AVX-512 anyway (-march=native), and under sanitizers, whose runtime is not there yet when the loader picks.
 */
#ifndef TESSERA_HOT_H
#define TESSERA_HOT_H

#include <tessera/base.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12 &&                    \
    !defined(__AVX512F__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TSR_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TSR_HOT
#endif

#endif
