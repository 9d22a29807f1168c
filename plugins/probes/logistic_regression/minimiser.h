/* liblbfgs one evaluation at a time, so that many problems can be minimised in step: the caller evaluates,
   minimiser_step says where next. The library calls back for an evaluation from within; here it runs as a
   coroutine of its own that is left at each call and entered again when the value and gradient are there.
   Plain calls of the library, one problem per thread with the rows of its two classes, took 1.6 times as long
   for 48,000 codes of 128 and of 1,024 bits in 10 classes with masked AVX-512 additions, and 3 times as long
   with portable vectors: each row is then read nine times for what one pass in step gives all its models. */
#ifndef TESSERA_LOGISTIC_REGRESSION_MINIMISER_H
#define TESSERA_LOGISTIC_REGRESSION_MINIMISER_H

#include <tessera/status.h>

#include <ucontext.h>

typedef struct minimiser {
    size_t n;
    int max_iterations;
    double tolerance; /* largest part of the gradient that may be left */

    float *x;        /* where to evaluate; in the end the result. Starts at 0 */
    float *gradient; /* the caller's to fill, like value */
    double value;
    bool done;
    bool starved; /* it ended for want of memory: x is none */
    int iterations;

    bool entered;  /* the library has begun */
    double *exact; /* x as the library holds it */
    void *stack;
    ucontext_t caller, library;
} minimiser;

/* About how many bytes a minimiser of n variables takes, the library's included; 0: more than there can be.
 */
size_t minimiser_bytes(size_t n);

/* Starts at zeros; false without memory. n is below INT_MAX. Free with minimiser_clear once done. */
bool minimiser_start(minimiser *m, size_t n, int max_iterations, double tolerance);
void minimiser_clear(minimiser *m);

/* Takes the value and gradient at x; moves x to where to evaluate next, or sets done. One thread at a time;
   which one may change from step to step. */
void minimiser_step(minimiser *m);

#endif
