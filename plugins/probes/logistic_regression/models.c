/* The numbering of models. */
#include "models.h"

tsr_status *logistic_no_memory(void)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for logistic regression");
}

size_t logistic_models(logistic_scheme scheme, size_t n_classes)
{
    return scheme == ONE_VS_ONE ? n_classes * (n_classes - 1) / 2 : n_classes;
}

void logistic_pair(size_t model, size_t n_classes, size_t *a, size_t *b)
{
    for (*a = 0; model >= n_classes - 1 - *a; (*a)++)
        model -= n_classes - 1 - *a;
    *b = *a + 1 + model;
}
