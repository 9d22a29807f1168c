/* Text in HTML and in SVG. */
#ifndef TSR_REPORT_HTML_H
#define TSR_REPORT_HTML_H

#include "base/text.h"

/* Appends text so that it is text anywhere in a page, in quoted attributes too; what would steer the page, such
   as a mark that turns the direction of letters, is written out as \u202e. NULL is nothing. */
void tsr_html_escape(const char *text, tsr_text *html);

/* printf, each %s escaped (and no conversion but %s, %zu and %%): the format is HTML, its arguments are
   text. */
void tsr_html_add(tsr_text *html, const char *format, ...) TSR_PRINTF(2, 3);

#endif
