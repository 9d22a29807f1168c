/* An axis of a plot: where each value of a swept key stands, and what is written there. Numbers stand at
   their size or its logarithm, anything else in the sweep's order. */
#ifndef TSR_REPORT_AXIS_H
#define TSR_REPORT_AXIS_H

#include "base/text.h"
#include "config/value.h"

typedef struct tsr_axis {
    char *title;
    bool numeric, logarithmic;
    size_t n;
    char **labels;    /* of each value, in the values' order */
    double *at;       /* its place */
    size_t *rank;     /* how many values stand before it */
    double low, high; /* the places at the ends */
} tsr_axis;

/* Of n values. Numbers become logarithmic where they span more than a decade and lie more evenly so;
   a zero then stands one step before the smallest. */
TSR_MUST_CHECK tsr_status *tsr_axis_new(const char *title, size_t n, const tsr_value *const *values,
                                        tsr_axis *out);
void tsr_axis_clear(tsr_axis *axis);

/* Appends gnuplot's settings for the axis "x" or "y", about `pixels` long: range, tics, title. `cells`: equal
   room for each value by its rank, as on a map. Gives whether labels had to be slanted. */
bool tsr_axis_script(const tsr_axis *axis, char letter, double pixels, bool cells, tsr_text *script);

/* The ends of what it appends, a little beyond the places of the values. */
void tsr_axis_range(const tsr_axis *axis, bool cells, double *low, double *high);

/* Sorts, the least first. */
void tsr_sort_reals(double *values, size_t n);

/* Appends text as a string of gnuplot's: quoted, on one line, cut where it is very long. */
void tsr_gnuplot_quote(const char *text, tsr_text *script);

#endif
