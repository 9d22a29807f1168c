/* One figure of curves. Private to the report. */
#ifndef TSR_REPORT_CURVES_H
#define TSR_REPORT_CURVES_H

#include "report/study.h"

#define TSR_MAX_CURVES 12 /* in one plot */
#define TSR_NO_KEY ((size_t)-1)

/* What runs along the x axis. */
typedef enum tsr_abscissa { TSR_ALONG_KEY, TSR_ALONG_SNAPSHOTS, TSR_ALONG_TRAINING } tsr_abscissa;

/* Metrics that share a figure: one of a label with the same meaning. */
typedef struct tsr_curve_group {
    const char *name; /* of what is told of every epoch, for files; else NULL */
    const char *title;
    size_t n;
    const size_t *measures;   /* numbers in the summary; for TSR_ALONG_TRAINING: of training_names */
    const char *const *names; /* of each */
    const unsigned *dashes;   /* by whose examples; NULL: solid */
} tsr_curve_group;

/* Adds a figure to the album's last section: the group's metrics along key x (TSR_NO_KEY for the other
   abscissas), a panel for each combination of the keys that neither axis nor curves show. What cannot be made
   is noted in the album. */
void tsr_study_add_figure(const tsr_study *study, tsr_album *album, const tsr_curve_group *of,
                          tsr_abscissa along, size_t x);

#endif
