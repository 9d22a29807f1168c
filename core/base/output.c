/* Diverting stdout: the stream keeps its number, so that what libraries print by write(2) is diverted too. */
#include "base/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { NONE = -1, ABOVE_STANDARD = 3 };

static int kept = NONE; /* the real one while it is diverted */

void tsr_output_divert(void)
{
    if (kept != NONE)
        return;
    fflush(stdout);
    kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, ABOVE_STANDARD);
    if (kept != NONE)
        dup2(STDERR_FILENO, STDOUT_FILENO);
}

void tsr_output_restore(void)
{
    if (kept == NONE)
        return;
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    kept = NONE;
}
