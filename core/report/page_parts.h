/* The parts of the page. Private to the report. */
#ifndef TSR_REPORT_PAGE_PARTS_H
#define TSR_REPORT_PAGE_PARTS_H

#include "report/report.h"

typedef struct tsr_report_page {
    const tsr_summary *summary;
    const tsr_axis *labels; /* of each swept key's values */
    const tsr_album *album;
    tsr_text *html;
} tsr_report_page;

/* The text at a key of a record's object; "" where there is none. */
const char *tsr_page_text(const json_t *object, const char *key);
size_t tsr_page_count_done(const tsr_report_page *p);
const char *tsr_page_plural(size_t n);

void tsr_page_write_tables(const tsr_report_page *p);
void tsr_page_write_runs(const tsr_report_page *p); /* what was run, and on what */

#endif
