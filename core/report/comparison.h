/* Several studies as one table of results: the study becomes the first of its swept keys, so that figures and
   tables have them on common axes. Every other key that any of them sweeps follows. */
#ifndef TSR_REPORT_COMPARISON_H
#define TSR_REPORT_COMPARISON_H

#include "report/summary.h"

/* The swept key whose values are the studies. */
#define TSR_STUDY_KEY "study"

/* Reads n folders (2 or more), each as tsr_results_read does, the first being the reference. One that cannot
   be read, and a folder that is given twice, is refused by name. */
TSR_MUST_CHECK tsr_status *tsr_comparison_read(size_t n, const char *const *folders, size_t n_overrides,
                                               const char *const *overrides, tsr_results **out);

/* The folders' names, shortened to what differs: leading and trailing parts that all share are left out. free
   each and the array; NULL without memory. */
char **tsr_comparison_labels(size_t n, const char *const *folders);

/* What a study is called; its number in order of the command line. */
const char *tsr_comparison_label(const tsr_results *all, size_t study);

/* Whether studies are compared, and not one reported. */
bool tsr_is_comparison(const tsr_results *results);

/* Runs that the study shares with the reference, by their ids. */
TSR_MUST_CHECK tsr_status *tsr_comparison_count_shared(const tsr_results *all, size_t study, size_t *shared);

/* Something in which the studies differ. */
typedef struct tsr_contrast_row {
    char *what;
    char **texts; /* of each study; NULL: it has none */
} tsr_contrast_row;

typedef struct tsr_contrast {
    size_t n, n_studies;
    tsr_contrast_row *rows;
} tsr_contrast;

/* Finds what differs: keys of their configs (but of `output` and `codes.memory`, which change no result),
   metrics that not all have, files of plugins, data, versions and processors. Clear out also after a failure.
 */
TSR_MUST_CHECK tsr_status *tsr_contrast_find(const tsr_results *all, tsr_contrast *out);
void tsr_contrast_clear(tsr_contrast *contrast);

#endif
