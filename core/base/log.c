/* Messages to the person at the terminal. Each is one write, so that lines of several processes do not mix.
 */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool quiet;

void tsr_log_set_quiet(bool value)
{
    quiet = value;
}

TSR_PRINTF(2, 0) static void put_line(const char *prefix, const char *format, va_list args)
{
    char *message, *line;
    if (vasprintf(&message, format, args) < 0)
        return;
    int length = asprintf(&line, "%s%s\n", prefix, message);
    free(message);
    if (length < 0)
        return;
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        /* Nowhere is left to say so. */
    }
    free(line);
}

void tsr_log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("", format, args);
    va_end(args);
}

void tsr_log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("tessera: warning: ", format, args);
    va_end(args);
}

void tsr_log_info(const char *format, ...)
{
    if (quiet)
        return;
    va_list args;
    va_start(args, format);
    put_line("tessera: ", format, args);
    va_end(args);
}
