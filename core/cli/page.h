/* Text laid out as a man page has it: headings, and paragraphs wrapped to the terminal's width. */
#ifndef TSR_CLI_PAGE_H
#define TSR_CLI_PAGE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tsr_page {
    size_t width; /* columns of a line */
    bool bold;    /* headings and names are */
    bool failed;  /* a text of it could not be made, for want of memory; whoever makes it sets this */
} tsr_page;

enum { TSR_PAGE_TEXT = 4, TSR_PAGE_MORE = 8 }; /* columns that text, and what explains it, begin at */

/* For stdout: bold on a terminal that can do it, as wide as the terminal; 80 columns elsewhere. */
tsr_page tsr_page_of_stdout(void);

/* A heading in capitals with an empty line before it, `of` (may be NULL) behind it. */
void tsr_page_heading(const tsr_page *page, const char *heading, const char *of);

/* Words of `name` (may be NULL) in bold and of `text` behind it, wrapped, every line from the same column on.
 */
void tsr_page_paragraph(const tsr_page *page, size_t indent, const char *name, const char *text);

/* A line that is left as it is. */
void tsr_page_line(size_t indent, const char *text);

#endif
