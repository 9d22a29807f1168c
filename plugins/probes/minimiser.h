/* Limited-memory BFGS (Liu and Nocedal 1989) turned inside out, so that many problems can be minimised in
   step: the caller evaluates, minimiser_step says where next. A step along the direction must fulfil the
   Wolfe conditions; where the values differ by no more than their own rounding, as those of sums of floats
   do, the slopes alone decide (Hager and Zhang 2005, the approximate conditions). */
#ifndef TESSERA_PROBES_MINIMISER_H
#define TESSERA_PROBES_MINIMISER_H

#include <tessera/status.h>

#define MINIMISER_PAIRS 10 /* of steps and changes of the gradient remembered; SciPy's L-BFGS-B has as many  \
                            */

typedef struct minimiser {
    size_t n;
    int max_iterations;
    double tolerance; /* largest part of the gradient that may be left */

    double *x;        /* where to evaluate; in the end the result. Starts at 0 */
    double *gradient; /* the caller's to fill, like value */
    double value;
    bool done;

    double *from, *from_gradient, *direction; /* of the search along a line */
    double from_value, from_slope;
    double step, low, high, low_slope, high_slope; /* a good step is between; high 0: none was too long */
    int trials, iterations;
    double *steps, *changes; /* MINIMISER_PAIRS x n, a ring */
    double curvature[MINIMISER_PAIRS];
    size_t pairs; /* ever stored */
} minimiser;

/* Bytes that a minimiser of n variables holds; 0: more than there can be. */
size_t minimiser_bytes(size_t n);

/* Starts at zeros; `memory` is minimiser_bytes(n) of the caller's. */
void minimiser_start(minimiser *m, size_t n, int max_iterations, double tolerance, void *memory);

/* Takes the value and gradient at x; moves x to where to evaluate next, or sets done. */
void minimiser_step(minimiser *m);

#endif
