/* A probing as a run makes it, for probes that need more than codes: made inputs, their codes by a small network,
   with all columns too, and those of another one as the snapshot before. */
#ifndef TSR_KIT_ENCODED_H
#define TSR_KIT_ENCODED_H

#include "codes/extract.h"
#include "data/samples.h"
#include "experiment/probing.h"

/* One part of the data. */
typedef struct tsr_kit_part {
    size_t n;
    float *inputs;
    int32_t *labels;
    tsr_samples samples;
    tsr_codes *codes, *whole, *previous;
} tsr_kit_part;

typedef struct tsr_kit_encoded {
    tsr_data data;
    tsr_kit_part parts[2]; /* by tsr_split */
    tsr_instance *model;
    tsr_network *network, *before;
    tsr_kept_columns kept;
    tsr_probing_host host;
} tsr_kit_encoded;

/* So many examples of `classes` classes; the network belongs to it. Clear it also after a failure, and leave it
   where it is until then. */
TSR_MUST_CHECK tsr_status *tsr_kit_encoded_make(size_t n_train, size_t n_test, int classes, uint64_t seed,
                                                tsr_kit_encoded *out);
void tsr_kit_encoded_clear(tsr_kit_encoded *encoded);

/* Fills in what it knows. */
void tsr_kit_encoded_tell(const tsr_kit_encoded *encoded, tsr_probing *probing);

#endif
