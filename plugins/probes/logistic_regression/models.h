/* How two-class models become a classifier of many classes, and how many of them there are. */
#ifndef TESSERA_LOGISTIC_REGRESSION_MODELS_H
#define TESSERA_LOGISTIC_REGRESSION_MODELS_H

#include <tessera/status.h>

typedef enum logistic_scheme { ONE_VS_ONE, ONE_VS_REST, MULTINOMIAL } logistic_scheme;

/* Models: one-vs-one (0, 1), (0, 2) ... (1, 2) ..., which are positive for the larger class; else one per
 * class. */
size_t logistic_models(logistic_scheme scheme, size_t n_classes);
/* The classes a < b of one-vs-one's model. */
void logistic_pair(size_t model, size_t n_classes, size_t *a, size_t *b);

/* The failure of an allocation. */
tsr_status *logistic_no_memory(void);

#endif
