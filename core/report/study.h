/* A summary seen as a study: what varies in it, and an axis for each of those. */
#ifndef TSR_REPORT_STUDY_H
#define TSR_REPORT_STUDY_H

#include "report/album.h"
#include "report/axis.h"
#include "report/summary.h"

typedef struct tsr_study {
    const tsr_summary *summary;
    tsr_axis *keys;     /* of each swept key */
    tsr_axis epochs;    /* of the snapshots that there are in any point; none where each has but its last */
    tsr_axis training;  /* of the epochs that any run trained for */
    double *epoch_list; /* of the snapshots, as epochs.n says, rising */
} tsr_study;

TSR_MUST_CHECK tsr_status *tsr_study_new(const tsr_summary *summary, tsr_study *out);
void tsr_study_clear(tsr_study *study);

/* From this many snapshots on, training time is something that varies. */
#define TSR_SNAPSHOTS_OF_A_STUDY 3

/* The place of an epoch among the snapshots' epochs. */
size_t tsr_study_epoch(const tsr_study *study, double epoch);

/* Combinations of values that keys have in the points, those of the `left_out` keys (n_keys bools) aside:
   each is named by the first point that has it. At most `most` of them, evenly picked. *found: how many there
   are. The result has `most` elements at most; free() it; NULL without memory. */
size_t *tsr_study_rest(const tsr_study *study, const bool *left_out, size_t most, size_t *n, size_t *found);

/* Whether two points agree in every key that is not left out. */
bool tsr_study_agree(const tsr_study *study, size_t a, size_t b, const bool *left_out);

/* "model.width 40, training.samples 100": the values of a point at the keys that are not left out. */
void tsr_study_describe_point(const tsr_study *study, size_t point, const bool *left_out, tsr_text *out);

/* All figures, ready to be drawn: the next two. */
TSR_MUST_CHECK tsr_status *tsr_study_plan(const tsr_study *study, tsr_album *album);

/* The figures: each metric against each thing that varies, the curves of the training. */
void tsr_study_curves(const tsr_study *study, tsr_album *album);

/* The curves that probes gave, a section for each probe. */
void tsr_study_given(const tsr_study *study, tsr_album *album);

/* The activation hash phase chart, where two of model size, training time and sample size (any two swept
   numbers, or one and the snapshots) vary. */
TSR_MUST_CHECK tsr_status *tsr_study_charts(const tsr_study *study, tsr_album *album);

#endif
