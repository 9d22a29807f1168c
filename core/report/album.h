/* The figures of a report: sections of figures, figures of panels, each panel one drawing. A panel has its
   part of a script for gnuplot, with placeholders for colours, and the numbers that it shows; it is drawn for
   the page, or into a file of its own (figures.h). Nothing needs checking on the way: without memory the
   album has failed as a whole. */
#ifndef TSR_REPORT_ALBUM_H
#define TSR_REPORT_ALBUM_H

#include "base/text.h"

#define TSR_COLOURS 8 /* of things without an order; more repeat them with other dashes */
#define TSR_RAMP 12   /* steps of colours in order */

/* How a curve looks. */
typedef struct tsr_style {
    bool ramp; /* one of the colours in order */
    unsigned colour, dash;
} tsr_style;

/* Dashes: solid, dashed, dotted, and again. */
#define TSR_DASHES 3

typedef struct tsr_legend_entry {
    char *text;
    tsr_style style;
} tsr_legend_entry;

/* A mean that a panel shows. Of a curve: over x; of a map: in a cell, whose column and row x and y are. */
typedef struct tsr_datum {
    size_t entry; /* of a curve: of the figure's legend */
    double x, y;
    char *x_text, *y_text;  /* the values that stand there; y_text NULL: a curve */
    char *x_end_text;       /* of a bin: where it ends, x_text being where it begins; else NULL */
    char *word;             /* of a cell: its regime; NULL: it has none */
    double mean, low, high; /* NaN where there is no mean, and no interval */
    size_t n;               /* values that the mean is of */
} tsr_datum;

/* How large a panel is, in pixels of the page, and where in it the plot is, as fractions from the left and
   from below. */
typedef struct tsr_panel_form {
    unsigned width, height;
    double left, right, bottom, top;
    const char *name;              /* for a file: "knn.test-against-model.width" */
    const char *quantity;          /* what is measured */
    const char *x_title, *y_title; /* of a curve's axis, of a map's two */
    double x_low, x_high;          /* the axis of curves */
    double y_low, y_high;
    bool y_logarithmic;
    bool bins;       /* a histogram */
    bool other_axis; /* an earlier panel shows the same on a linear axis */
} tsr_panel_form;

typedef struct tsr_panel {
    char *title;         /* may be "" */
    char *alt;           /* what a person who cannot see it is told */
    char *svg;           /* for the page; NULL: not drawn */
    tsr_panel_form form; /* its texts are the panel's */
    tsr_text script;     /* what to plot, margins and terminal aside */
    size_t n_plots;
    size_t *entries; /* of each plot in the script: its legend's entry */
    size_t n_data, capacity;
    tsr_datum *data;
} tsr_panel;

typedef struct tsr_figure {
    char *name;            /* of files: "knn-against-model.width" */
    char *title, *caption; /* the caption may be NULL */
    char *legend_title;
    size_t n_legend, n_panels;
    tsr_legend_entry *legend;
    tsr_panel *panels;
} tsr_figure;

typedef struct tsr_section {
    char *id, *title, *introduction;
    bool folded;
    size_t n;
    tsr_figure *figures;
} tsr_section;

typedef struct tsr_album {
    bool failed;     /* not enough memory */
    bool no_gnuplot; /* it is not installed */
    char *trouble;   /* why drawings are missing, in gnuplot's or the system's words; NULL: none are */
    size_t n_panels; /* of all figures */
    size_t n;
    tsr_section *sections;
} tsr_album;

/* Each adds to the last section, figure or panel; texts are copied. */
void tsr_album_section(tsr_album *album, const char *title, const char *introduction, bool folded);
void tsr_album_figure(tsr_album *album, const char *title, const char *caption, const char *legend_title);
void tsr_album_legend(tsr_album *album, const char *text, tsr_style style);
/* The panel, to whose script the caller appends what to plot; NULL where the album has failed. It is good
   until the next one. */
tsr_panel *tsr_album_panel(tsr_album *album, const char *title, const char *alt, const tsr_panel_form *form);
/* Says of the next plot of the panel's script which entry of the legend it belongs to. */
void tsr_panel_plot(tsr_album *album, tsr_panel *panel, size_t entry);
/* Texts are copied. */
void tsr_panel_datum(tsr_album *album, tsr_panel *panel, const tsr_datum *datum);

/* A style's colour as gnuplot writes it; in the drawing it becomes one of the page's. */
void tsr_style_script(tsr_style style, tsr_text *script);

/* Words smaller than the others, a font as gnuplot has it. */
#define TSR_SMALL_FONT "',10'"

/* Other colours that the page decides. */
#define TSR_GRID "'#010200'"
#define TSR_FAINT "'#010201'"
#define TSR_HALO "'#010202'" /* text that is legible on any colour */

/* How every plot looks. */
#define TSR_PLOT_LOOK                                                                                        \
    "set border 3 lc rgb " TSR_FAINT "\nset tics nomirror out scale 0.6\n"                                   \
    "set grid ytics lt 1 lw 1 lc rgb " TSR_GRID "\n"

/* Draws all panels for the page. That gnuplot is missing or fails is no failure: the album says so. */
TSR_MUST_CHECK tsr_status *tsr_album_draw(tsr_album *album);

void tsr_album_clear(tsr_album *album);

#endif
