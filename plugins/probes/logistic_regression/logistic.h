/* Logistic regression on codes: the objective is scikit-learn's, C times the sum of the examples' log losses
   plus half the squared weights (the intercept is free), minimised by L-BFGS (minimiser.h) from zero. */
#ifndef TESSERA_LOGISTIC_REGRESSION_LOGISTIC_H
#define TESSERA_LOGISTIC_REGRESSION_LOGISTIC_H

#include <tessera/codes.h>

typedef enum logistic_scheme { ONE_VS_ONE, ONE_VS_REST, MULTINOMIAL } logistic_scheme;

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
#define LOGISTIC_COPY (64UL << 20)

/* The training examples by class. A code that several examples of a class have is one entry. Short entries
   are copies, so that those of a class lie together; of long ones there is memory for no two. Classes without
   examples take no part: the others are numbered 0 .. n_classes - 1 in their order. */
typedef struct logistic_set {
    size_t bits, stride, n_classes;
    int32_t *label;        /* by number: the class */
    size_t *start;         /* by number: its first entry; one more for the end */
    const uint64_t *words; /* of the copies, entries x stride, or of the codes */
    uint32_t *row;         /* by entry: its row in the codes; NULL: the copy in its place */
    uint64_t *own;         /* the copies */
    uint32_t *weight;      /* by entry: examples */
} logistic_set;

/* Labels are below `classes`; copies of up to `copy` bytes are made. The codes must outlive the set. Cleared
   also after a failure. */
tsr_status *logistic_set_new(const tsr_codes *codes, const int32_t *labels, int classes, size_t copy,
                             logistic_set *out);
/* n entries from `first` on. */
tsr_code_rows logistic_entries(const logistic_set *set, size_t first, size_t n);
void logistic_set_clear(logistic_set *set);

/* Models: one-vs-one (0, 1), (0, 2) ... (1, 2) ..., which are positive for the larger class; else one per
 * class. */
size_t logistic_models(logistic_scheme scheme, size_t n_classes);
/* The classes a < b of one-vs-one's model. */
void logistic_pair(size_t model, size_t n_classes, size_t *a, size_t *b);

/* Fits all models: bits weights and the intercept of each, one model below the other. */
tsr_status *logistic_fit(const logistic_options *options, const logistic_set *set, float *weights);

/* The numbers of the classes predicted for the rows. */
tsr_status *logistic_predict(logistic_scheme scheme, size_t n_classes, const float *weights,
                             const tsr_code_rows *rows, uint32_t *out);

/* The failure of an allocation. */
tsr_status *logistic_no_memory(void);

#endif
