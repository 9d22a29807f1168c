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

/* Codes of n zero rows with the network's layers, every bit of them. */
TSR_MUST_CHECK tsr_status *tsr_codes_for(const tsr_network *network, size_t n, tsr_code_budget *budget,
                                         tsr_codes **out);

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

/* What is left of the columns of a code, and what was constant. */
typedef struct tsr_kept_columns {
    size_t n, whole_bits;
    uint32_t *columns;          /* n numbers of the columns that are kept */
    uint64_t *constant, *value; /* rows of the whole code: the columns of layers that were constant, and their
                                   values */
} tsr_kept_columns;
void tsr_kept_columns_clear(tsr_kept_columns *kept);

/* Drops the columns that hold one value over all rows of both, and moves the others together, layers' ranges
   too, in place; both keep the same columns. Either may have no rows. `kept` (NULL: not wanted) is to be
   cleared; of a layer's columns those that lie between its breakpoints' are none of its units. */
TSR_MUST_CHECK tsr_status *tsr_drop_constant(tsr_codes *train, tsr_codes *test, tsr_kept_columns *kept);

/* The same of codes that are to stay as they are: copies without those columns in *train_out and *test_out,
   the caller's, or NULL in both where there are none to drop. */
TSR_MUST_CHECK tsr_status *tsr_codes_without_constant(const tsr_codes *train, const tsr_codes *test,
                                                      tsr_codes **train_out, tsr_codes **test_out);

/* Takes the columns between the breakpoints of the network's layers, which are no unit's, from what was found
   constant in its codes. */
void tsr_kept_columns_of_units(tsr_kept_columns *kept, const tsr_network *network);

/* A copy of some layers' columns (all where n is 0). Refuses a number that is no layer. */
TSR_MUST_CHECK tsr_status *tsr_codes_layers(const tsr_codes *codes, size_t n, const int64_t *layers,
                                            tsr_code_budget *budget, tsr_codes **out);

#endif
