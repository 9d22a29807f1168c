/* The parts of the page. Private to the report. */
#ifndef TSR_REPORT_PAGE_PARTS_H
#define TSR_REPORT_PAGE_PARTS_H

#include "report/comparison.h"
#include "report/report.h"

typedef struct tsr_report_page {
    const tsr_summary *summary;
    const tsr_axis *labels; /* of each swept key's values */
    size_t n_epochs;        /* of snapshots that any point has, ... */
    const double *epochs;   /* ... rising */
    const tsr_album *album;
    const char *folder; /* before links to runs; "": the page's own */
    tsr_text *html;
} tsr_report_page;

/* The text at a key of a record's object; "" where there is none. */
const char *tsr_page_text(const json_t *object, const char *key);
size_t tsr_page_count_done(const tsr_report_page *p);
const char *tsr_page_plural(size_t n);

/* Sections that there are for some studies only: whether this is one. */
bool tsr_page_write_ranks(const tsr_report_page *p);
bool tsr_page_write_pictures(const tsr_report_page *p);

/* A cell of a table's head, and one at the head of a row; long names may break. */
void tsr_page_write_heading(const tsr_report_page *p, const char *text, bool numeric);
void tsr_page_write_row_heading(const tsr_report_page *p, const char *text);

/* Of studies that are compared: how far they differ, and in what; and the config of each. */
void tsr_page_write_comparison(const tsr_report_page *p);
void tsr_page_write_configs(const tsr_report_page *p);

void tsr_page_write_tables(const tsr_report_page *p);
void tsr_page_write_failures(const tsr_report_page *p);
void tsr_page_write_runs(const tsr_report_page *p);    /* a row for each */
void tsr_page_write_subject(const tsr_report_page *p); /* what was run, and on what */
void tsr_page_write_citation(const tsr_report_page *p);

/* The numbers of a panel, for the script. */
void tsr_page_write_data(const tsr_panel *panel, tsr_text *html);

#endif
