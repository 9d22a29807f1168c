/* Function multiversioning: a loop that is compiled for several generations of processors, of which each call
   takes the best that this processor has and that TESSERA_KERNELS allows. The choice is the same in all of a
   process and from run to run on one machine, hence so are the bits; between levels the last bits of sums may
   differ, as a BLAS's do.

       TSR_MULTIVERSION(scale, (size_t n, float a, float *restrict x), (n, a, x))
       {
       #pragma omp simd
           for (size_t i = 0; i < n; i++)
               x[i] *= a;
       }

   defines static void scale(size_t n, float a, float *restrict x); TSR_MULTIVERSION_OF(float, sum, ...) one
   that returns a float. Inside, "#pragma omp simd" asks for vectors (at -O2 nothing else does), and helpers
   that are static inline take part. A vector type must not be passed or returned by value there, but in a
   function that is always inlined: how it is depends on the generation.

   On other processors than x86-64, and where all is compiled for AVX-512 anyway (-march=native), there is one
   version. */
#ifndef TESSERA_MULTIVERSION_H
#define TESSERA_MULTIVERSION_H

#include <tessera/base.h>

TSR_BEGIN_DECLS

/* The level in use: 0 for any processor of its kind; on x86-64 1 for AVX2, FMA and BMI2, 2 for AVX-512 (F,
   BW, CD, DQ, VL) besides. Set when libtessera is loaded, and only read after that. Kernels that are written
   by hand for one level ask it too. [any-thread] */
TSR_API extern int tsr_kernel_level;
enum { TSR_KERNELS_PORTABLE, TSR_KERNELS_AVX2, TSR_KERNELS_AVX512 };

TSR_END_DECLS

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__AVX512F__)
#define TSR_MULTIVERSION(name, parameters, arguments)                                                        \
    TSR_MULTIVERSION_BODY(void, name, parameters)                                                            \
    TSR_MULTIVERSION_AVX512 static void name##_avx512 parameters                                             \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }                                                                                                        \
    TSR_MULTIVERSION_AVX2 static void name##_avx2 parameters                                                 \
    {                                                                                                        \
        name##_body arguments;                                                                               \
    }                                                                                                        \
    static void name parameters                                                                              \
    {                                                                                                        \
        if (tsr_kernel_level >= TSR_KERNELS_AVX512)                                                          \
            name##_avx512 arguments;                                                                         \
        else if (tsr_kernel_level >= TSR_KERNELS_AVX2)                                                       \
            name##_avx2 arguments;                                                                           \
        else                                                                                                 \
            name##_body arguments;                                                                           \
    }                                                                                                        \
    static inline void name##_body parameters
#define TSR_MULTIVERSION_OF(type, name, parameters, arguments)                                               \
    TSR_MULTIVERSION_BODY(type, name, parameters)                                                            \
    TSR_MULTIVERSION_AVX512 static type name##_avx512 parameters                                             \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    TSR_MULTIVERSION_AVX2 static type name##_avx2 parameters                                                 \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    static type name parameters                                                                              \
    {                                                                                                        \
        if (tsr_kernel_level >= TSR_KERNELS_AVX512)                                                          \
            return name##_avx512 arguments;                                                                  \
        if (tsr_kernel_level >= TSR_KERNELS_AVX2)                                                            \
            return name##_avx2 arguments;                                                                    \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    static inline type name##_body parameters
#define TSR_MULTIVERSION_BODY(type, name, parameters)                                                        \
    static inline __attribute__((always_inline)) type name##_body parameters;
/* Not inlined: the caller is compiled for any processor. Features are added to what all is compiled for: an
   "arch=" would take its place, and after -march=haswell gcc then refuses to inline the body. */
#define TSR_MULTIVERSION_AVX2 __attribute__((noinline, target("avx2,fma,bmi,bmi2,popcnt")))
#define TSR_MULTIVERSION_AVX512                                                                              \
    __attribute__((noinline, target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2,"         \
                                    "popcnt")))
#else
#define TSR_MULTIVERSION(name, parameters, arguments) static void name parameters
#define TSR_MULTIVERSION_OF(type, name, parameters, arguments) static type name parameters
#endif

#endif
