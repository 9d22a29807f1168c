/* What a results folder is turned into: summary.csv, and report.html, one file that needs nothing else. */
#ifndef TSR_REPORT_REPORT_H
#define TSR_REPORT_REPORT_H

#include "report/study.h"

/* Each writes one file into the results' folder: results.csv, summary.csv. */
TSR_MUST_CHECK tsr_status *tsr_report_write_results(const tsr_results *results);
TSR_MUST_CHECK tsr_status *tsr_report_write_summary(const tsr_summary *summary);

typedef struct tsr_page_options {
    const char *path; /* NULL: report.html in the results' folder */
    int live; /* runs are being done: it says so, and browsers read it again after so many seconds; 0: no */
} tsr_page_options;

/* Draws the figures and writes the page; `options` NULL: all are 0. That gnuplot is missing is a matter for
   the page; that it fails is told as a warning besides. */
TSR_MUST_CHECK tsr_status *tsr_report_write_page(const tsr_summary *summary, const tsr_page_options *options);

/* Of a comparison: differences.csv, into the folder, which is made where it is not there. */
TSR_MUST_CHECK tsr_status *tsr_report_write_differences(const tsr_summary *summary, const char *folder);

/* The page as HTML. Its links to runs begin with `folder`, the results' folder as seen from the page's; ""
   where it lies there. */
void tsr_page_write(const tsr_study *study, const tsr_album *album, const char *folder, int live,
                    tsr_text *html);

/* Its style sheet and its script. */
extern const char tsr_page_style[], tsr_page_script[];

/* Colours on paper, as the style sheet has them: "--c0:#0072b2;..." of curves, "--r0:..." of a ramp. */
extern const char tsr_paper_colours[];

#endif
