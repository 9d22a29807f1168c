/* Codes that a run has saved, codes/train.npy and test.npy, and beside them what makes the whole codes of
   them again: kept.npy, the number that each column has in the whole code, and constant.npy, the values of
   the columns that were left out since they are constant. */
#ifndef TSR_EXPERIMENT_SAVED_CODES_H
#define TSR_EXPERIMENT_SAVED_CODES_H

#include "codes/extract.h"

/* The folder in a run's, and the files in it, NULL at the end. */
#define TSR_SAVED_CODES "codes"
extern const char *const tsr_saved_codes_files[];

/* Writes all of it into the folder, labels too where there are some. */
typedef struct tsr_saved_codes {
    const tsr_codes *train, *test;
    const int32_t *train_labels, *test_labels; /* or NULL */
    const tsr_kept_columns *kept;
} tsr_saved_codes;
TSR_MUST_CHECK tsr_status *tsr_saved_codes_write(const char *folder, const tsr_saved_codes *codes);

/* Reads the whole codes of n[0] training and n[1] test examples, as they are before constant columns are
   dropped, of a network of the same layers. They are the caller's, also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_saved_codes_read(const char *folder, const tsr_network *network,
                                                const size_t n[2], tsr_code_budget *budget,
                                                tsr_codes *out[2]);

#endif
