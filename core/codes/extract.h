/* From networks to codes: extraction by batches, and the columns that never change dropped. */
#ifndef TSR_CODES_EXTRACT_H
#define TSR_CODES_EXTRACT_H

#include "codes/codes.h"
#include "data/samples.h"
#include "nn/network.h"

/* What one pass over a set gives besides its codes. Means over the examples; the labels as given by `noisy`.
 */
typedef struct tsr_evaluation {
    double loss, accuracy;
} tsr_evaluation;

/* Codes of all examples of `samples`, without noise, one row each, with every bit of the network's code: a
   layer starts at a multiple of 64 columns, its breakpoints one after the other likewise; columns between are
   zero and belong to no layer. Kept in `budget` (NULL: in memory), like those of the others here. */
TSR_MUST_CHECK tsr_status *tsr_extract(tsr_network *network, const tsr_samples *samples,
                                       tsr_code_budget *budget, tsr_codes **out);

/* Loss and accuracy in inference mode on the samples as trained on (noise included). */
TSR_MUST_CHECK tsr_status *tsr_evaluate(tsr_network *network, const tsr_samples *samples,
                                        tsr_evaluation *out);

/* Both: one pass gives them where the samples are trained on without input noise. */
TSR_MUST_CHECK tsr_status *tsr_extract_and_evaluate(tsr_network *network, const tsr_samples *samples,
                                                    tsr_code_budget *budget, tsr_codes **codes,
                                                    tsr_evaluation *evaluation);

/* Drops the columns that hold one value over all rows of both, and moves the others together, layers' ranges
   too, in place; both keep the same columns. Either may have no rows. */
TSR_MUST_CHECK tsr_status *tsr_drop_constant(tsr_codes *train, tsr_codes *test);

/* A copy of some layers' columns (all where n is 0). Refuses a number that is no layer. */
TSR_MUST_CHECK tsr_status *tsr_codes_layers(const tsr_codes *codes, size_t n, const int64_t *layers,
                                            tsr_code_budget *budget, tsr_codes **out);

#endif
