/* Figures as files, for papers: each panel as a drawing of its own that needs nothing else, with its axis
   titles and legend in it, and beside it the numbers that it shows. */
#ifndef TSR_REPORT_FIGURES_H
#define TSR_REPORT_FIGURES_H

#include "report/summary.h"

typedef enum tsr_figure_format {
    TSR_FIGURE_SVG,
    TSR_FIGURE_PDF,
    TSR_FIGURE_PNG,
    TSR_N_FIGURE_FORMATS
} tsr_figure_format;

/* "svg", "pdf", "png", as file names end. */
extern const char *const tsr_figure_formats[TSR_N_FIGURE_FORMATS + 1];

typedef struct tsr_figure_options {
    tsr_figure_format format;
    double width; /* of a drawing, in millimetres */
} tsr_figure_options;

/* A column of a journal. */
#define TSR_COLUMN_WIDTH 89.0

/* Draws every figure of the summary into `folder`, which is made where it is not there: NAME.pdf and NAME.csv
   for each panel, in place of those of the same names. *n: how many. Fails without gnuplot, and where it
   cannot draw; then no file has been changed. */
TSR_MUST_CHECK tsr_status *tsr_report_write_figures(const tsr_summary *summary, const char *folder,
                                                    const tsr_figure_options *options, size_t *n);

#endif
