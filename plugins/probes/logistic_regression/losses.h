/* Log losses of rows of one class, for sixteen models at once, and their slopes. */
#ifndef TESSERA_LOGISTIC_REGRESSION_LOSSES_H
#define TESSERA_LOGISTIC_REGRESSION_LOSSES_H

#include <tessera/codes.h>

/* Two-class models, a lane each: `dots` are the scores of n rows and become C x weight x the slopes of their
   losses. *sign is +1 in the lanes of models for which the class is the positive one, -1 where it is not, 0
   without a model. *intercept is the sum of the slopes; loss[lane] has the weighted losses added. */
void logistic_two_class_slopes(size_t n, const uint32_t *weight, float C, const tsr_lanes *sign,
                               tsr_lanes *dots, tsr_lanes *intercept, double *loss);

/* The multinomial model: scores of `blocks` vectors, `apart` from each other, become slopes for rows of class
   c. intercept[block * each] has their sum added, *loss the weighted losses. */
void logistic_softmax_slopes(size_t n, const uint32_t *weight, float C, size_t c, size_t blocks, size_t apart,
                             tsr_lanes *dots, tsr_lanes *intercept, size_t each, double *loss);

#endif
