/* The plane of the activation hash phase chart: which point of a study each cell shows, and its regime.
   Private to the report. */
#ifndef TSR_REPORT_REGIMES_H
#define TSR_REPORT_REGIMES_H

#include "report/study.h"

typedef enum tsr_regime {
    TSR_REGIME_NONE,
    TSR_REGIME_UNDER,
    TSR_REGIME_CRITICAL,
    TSR_REGIME_SUFFICIENT,
    TSR_N_REGIMES
} tsr_regime;

/* One side of the plane: a swept key, or the snapshots' epochs. */
typedef struct tsr_chart_side {
    size_t key; /* the number of keys: the epochs */
    const tsr_axis *axis;
} tsr_chart_side;

/* The plane, cells row by row from the lowest values on. */
typedef struct tsr_chart {
    const tsr_study *study;
    tsr_chart_side x, y;
    char *rest; /* the values of the other keys; NULL: there are none */
    size_t cells;
    size_t *point, *epoch; /* of each cell: where in the summary */
    bool *known;           /* whether it has a point at all */
    tsr_regime *regimes;
    size_t named[TSR_N_REGIMES]; /* the cell that has the regime's name; `cells`: none */
} tsr_chart;

bool tsr_chart_is_epochs(const tsr_chart *c, const tsr_chart_side *s);

/* Puts the points that agree with the representative in the keys that are not `shown` into their cells. Clear
   the chart also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_chart_fill(tsr_chart *c, size_t representative, const bool *shown);
void tsr_chart_clear(tsr_chart *c);

/* Of a cell that is known. */
const tsr_statistic *tsr_chart_statistic(const tsr_chart *c, size_t cell, size_t measure);
/* Its mean; NaN where the cell is not known. */
double tsr_chart_value(const tsr_chart *c, size_t cell, size_t measure);

bool tsr_chart_has_role(const tsr_chart *c, size_t measure, tsr_metric_role role);

/* Gives each cell its regime: by the worst of its redundancies and by its accuracies on test examples. */
void tsr_chart_judge(tsr_chart *c);

#endif
