/* Logistic regression on codes: the objective is scikit-learn's, C times the sum of the examples' log losses
   plus half the squared weights (the intercept is free), minimised by L-BFGS (minimiser.h) from zero. */
#ifndef TESSERA_PROBES_LOGISTIC_H
#define TESSERA_PROBES_LOGISTIC_H

#include "lanes.h"

typedef enum logistic_scheme { ONE_VS_ONE, ONE_VS_REST, MULTINOMIAL } logistic_scheme;

typedef struct logistic_options {
    logistic_scheme scheme;
    double C, tolerance;
    int max_iterations;
} logistic_options;

/* The training examples by class. A code that several examples of a class have is one entry; entries are
   copies, so that those of a class lie together. Classes without examples take no part: the others are
   numbered 0 .. n_classes - 1 in their order. */
typedef struct logistic_set {
    size_t bits, stride, n_classes;
    int32_t *label;   /* by number: the class */
    size_t *start;    /* by number: its first entry; one more for the end */
    uint64_t *words;  /* entries x stride */
    uint32_t *weight; /* by entry: examples */
} logistic_set;

/* Labels are below `classes`. Cleared also after a failure. */
tsr_status *logistic_set_new(const tsr_codes *codes, const int32_t *labels, int classes, logistic_set *out);
void logistic_set_clear(logistic_set *set);

/* Models: one-vs-one (0, 1), (0, 2) ... (1, 2) ..., which are positive for the larger class; else one per
 * class. */
size_t logistic_models(logistic_scheme scheme, size_t n_classes);
/* The classes a < b of one-vs-one's model. */
void logistic_pair(size_t model, size_t n_classes, size_t *a, size_t *b);

/* Fits all models: bits weights and the intercept of each, one model below the other. */
tsr_status *logistic_fit(const logistic_options *options, const logistic_set *set, double *weights);

/* The numbers of the classes predicted for the rows. */
tsr_status *logistic_predict(logistic_scheme scheme, size_t n_classes, const double *weights,
                             const lane_rows *rows, uint32_t *out);

/* The failure of an allocation. */
tsr_status *logistic_no_memory(void);

#endif
