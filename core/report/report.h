/* What a results folder is turned into: summary.csv, and report.html, one file that needs nothing else. */
#ifndef TSR_REPORT_REPORT_H
#define TSR_REPORT_REPORT_H

#include "report/study.h"

/* Each writes one file into the results' folder: results.csv, summary.csv. */
TSR_MUST_CHECK tsr_status *tsr_report_write_results(const tsr_results *results);
TSR_MUST_CHECK tsr_status *tsr_report_write_summary(const tsr_summary *summary);

/* Draws the figures and writes the page; `path` NULL: report.html in the results' folder. That gnuplot is
   missing is a matter for the page; that it fails is told as a warning besides. */
TSR_MUST_CHECK tsr_status *tsr_report_write_page(const tsr_summary *summary, const char *path);

/* The page as HTML. Its links to runs begin with `folder`, the results' folder as seen from the page's; ""
   where it lies there. */
void tsr_page_write(const tsr_study *study, const tsr_album *album, const char *folder, tsr_text *html);

/* Its style sheet and its script. */
extern const char tsr_page_style[], tsr_page_script[];

#endif
