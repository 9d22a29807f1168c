/* What the terminal shows while runs are done: one line that is redrawn, or, where stderr is no terminal, a
   line now and then. */
#ifndef TSR_CLI_DISPLAY_H
#define TSR_CLI_DISPLAY_H

#include "experiment/progress.h"
#include "report/summary.h"

typedef struct tsr_display {
    const tsr_progress *progress;
    bool quiet, terminal;
    double began, last_line;
} tsr_display;

void tsr_display_begin(tsr_display *display, const tsr_progress *progress, bool quiet);
void tsr_display_tick(tsr_display *display);
/* Takes the line away. */
void tsr_display_end(tsr_display *display);

/* Prints the summary's table to stdout; for tsr_session_observer. */
TSR_MUST_CHECK tsr_status *tsr_display_summary(void *unused, const tsr_summary *summary);

/* Columns of the terminal behind `fd`; `otherwise` where it is none. */
size_t tsr_terminal_width(int fd, size_t otherwise);
/* Its lines; 0 where it is none. */
size_t tsr_terminal_lines(int fd);

#endif
