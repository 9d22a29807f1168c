/* Training examples sorted by class, equal codes of a class merged. */
#ifndef TESSERA_LOGISTIC_REGRESSION_TRAINING_SET_H
#define TESSERA_LOGISTIC_REGRESSION_TRAINING_SET_H

#include <tessera/codes.h>

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

#endif
