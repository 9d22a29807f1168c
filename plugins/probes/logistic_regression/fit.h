/* Logistic regression on codes: the objective is scikit-learn's, C times the sum of the examples' log losses
   plus half the squared weights (the intercept is free), minimised by L-BFGS (minimiser.h) from zero. */
#ifndef TESSERA_LOGISTIC_REGRESSION_FIT_H
#define TESSERA_LOGISTIC_REGRESSION_FIT_H

#include "models.h"
#include "training_set.h"

typedef struct logistic_options {
    logistic_scheme scheme;
    double C, tolerance;
    int max_iterations;
    /* On these only memory and time depend. */
    size_t history; /* bytes of minimisers in step, at least one */
    size_t columns; /* of weights that are spread into lanes at a time, a multiple of 512 */
} logistic_options;

#define LOGISTIC_HISTORY (2UL << 30)
#define LOGISTIC_COLUMNS 16384

/* Fits all models: bits weights and the intercept of each, one model below the other. */
tsr_status *logistic_fit(const logistic_options *options, const logistic_set *set, float *weights);

#endif
