/* What a plot of curves shows: a metric's mean against what varies, gathered from a study. Private to the
 * report. */
#ifndef TSR_REPORT_CURVE_H
#define TSR_REPORT_CURVE_H

#include "report/curves.h"

typedef struct tsr_curve_point {
    double x;
    const char *label; /* the axis's, of what stands at x; NULL: the number itself */
    tsr_statistic y;   /* on a logarithmic axis: the mean is that of the logarithms, taken back, and deviation
                          and   interval are the logarithms' */
} tsr_curve_point;

/* One curve, by x. */
typedef struct tsr_curve_points {
    size_t n, capacity;
    tsr_curve_point *points;
    tsr_style style;
} tsr_curve_points;

/* One figure in the making. */
typedef struct tsr_curves_plan {
    const tsr_study *study;
    tsr_album *album;
    const tsr_curve_group *group;
    tsr_abscissa along;
    const tsr_axis *axis;
    size_t x, by;       /* keys along the axis and of the curves; TSR_NO_KEY: none */
    bool *shown;        /* of each key: x or by */
    double low, high;   /* of y, over all panels */
    double least, most; /* means */
    bool logarithmic;   /* y */
    bool other_axis;    /* all is drawn a second time, logarithmic */
} tsr_curves_plan;

/* How many curves a plot has, and which value of the key `by` number i stands for: evenly picked. */
size_t tsr_curves_shown(const tsr_curves_plan *p);
size_t tsr_curves_value(const tsr_curves_plan *p, size_t i);

/* Over categories there are no lines, and points stand side by side. */
bool tsr_curves_are_points(const tsr_curves_plan *p);

tsr_style tsr_curves_style(const tsr_curves_plan *p, size_t i);

/* The curves of one panel: of the metrics where no key has curves, else of one metric by the key's values.
   NULL, and the album has failed, without memory. */
tsr_curve_points *tsr_curves_gather(const tsr_curves_plan *p, size_t representative, size_t measure);
void tsr_curves_clear(tsr_curve_points *curves, size_t n);

/* Half the interval, 0 where there is none, and the interval's ends. */
double tsr_curves_band(const tsr_statistic *y);
double tsr_curves_low(const tsr_curves_plan *p, const tsr_statistic *y);
double tsr_curves_high(const tsr_curves_plan *p, const tsr_statistic *y);

/* Widens the figure's range of y. */
void tsr_curves_widen(tsr_curves_plan *p, const tsr_curve_points *curves);

#endif
