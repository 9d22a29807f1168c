/* The figures of a report: sections of figures, figures of panels, each panel one drawing. What is to be
   drawn is collected as one script for gnuplot; then the drawings come back. Nothing needs checking on the
   way: without memory the album has failed as a whole. */
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

typedef struct tsr_panel {
    char *title; /* may be "" */
    char *alt;   /* what a person who cannot see it is told */
    char *svg;   /* NULL: not drawn */
} tsr_panel;

typedef struct tsr_figure {
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
    tsr_text script;
    size_t n_panels; /* of all figures */
    size_t n;
    tsr_section *sections;
} tsr_album;

/* Each adds to the last section, figure or panel; texts are copied. */
void tsr_album_section(tsr_album *album, const char *title, const char *introduction, bool folded);
void tsr_album_figure(tsr_album *album, const char *title, const char *caption, const char *legend_title);
void tsr_album_legend(tsr_album *album, const char *text, tsr_style style);
/* Begins the panel's part of the script: the caller appends what to plot to album->script. */
void tsr_album_panel(tsr_album *album, const char *title, const char *alt, unsigned width, unsigned height);

/* A style's colour as gnuplot writes it; in the drawing it becomes one of the page's. */
void tsr_style_script(tsr_style style, tsr_text *script);

/* Other colours that the page decides. */
#define TSR_GRID "'#010200'"
#define TSR_FAINT "'#010201'"
#define TSR_HALO "'#010202'" /* text that is legible on any colour */

/* Draws all panels. That gnuplot is missing or fails is no failure: the album says so. */
TSR_MUST_CHECK tsr_status *tsr_album_draw(tsr_album *album);

void tsr_album_clear(tsr_album *album);

#endif
