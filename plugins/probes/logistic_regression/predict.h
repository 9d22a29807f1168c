/* Classes predicted by fitted models. */
#ifndef TESSERA_LOGISTIC_REGRESSION_PREDICT_H
#define TESSERA_LOGISTIC_REGRESSION_PREDICT_H

#include "models.h"

#include <tessera/codes.h>

/* The numbers of the classes predicted for the rows. */
tsr_status *logistic_predict(logistic_scheme scheme, size_t n_classes, const float *weights,
                             const tsr_code_rows *rows, uint32_t *out);

#endif
