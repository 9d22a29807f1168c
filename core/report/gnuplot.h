/* gnuplot, found at run time: running a script, and making its SVG fit into a page. */
#ifndef TSR_REPORT_GNUPLOT_H
#define TSR_REPORT_GNUPLOT_H

#include "report/album.h"

#include <tessera/status.h>

/* Runs the script with the first gnuplot of $PATH; *output gets what it wrote on stdout, NULL where nothing.
   Where it is not found *missing is set; where it is stopped or complains, *trouble says why; neither is a
   failure. free() both texts. */
TSR_MUST_CHECK tsr_status *tsr_gnuplot_run(const char *script, char **output, bool *missing, char **trouble);

/* Cuts the next drawing, the panel's, off *rest (which it changes) and makes it fit into a page that holds
   others: without a prologue, its identifiers made unique by `number`, its colours the page's, so that they
   follow light and dark, the panel's `alt` as what it is called, and each of its plots in a group of class
   "entryK" by its legend's entry. *svg is NULL where there is none; free() it. False without memory. */
bool tsr_gnuplot_next_drawing(char **rest, size_t number, const tsr_panel *panel, char **svg);

#endif
