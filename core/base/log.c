/* Messages to the person at the terminal. Each is one write, so that lines of several processes do not mix.
 */
#include "base/log.h"

#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool quiet;

/* What has been said once. */
static char **said;
static size_t n_said;

void tsr_log_set_quiet(bool value)
{
    quiet = value;
}

static void put(const char *line, size_t length)
{
    if (write(STDERR_FILENO, line, length) < 0) {
        /* Nowhere is left to say so. */
    }
}

/* Without memory: cut where it is long, and without the characters that may steer a terminal. */
TSR_PRINTF(2, 0) static void put_short_line(const char *prefix, const char *format, va_list args)
{
    char line[1024];
    size_t length = (size_t)snprintf(line, sizeof(line), "%s", prefix);
    vsnprintf(line + length, sizeof(line) - length - 1, format, args);
    length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if (line[i] < ' ' || line[i] > '~')
            line[i] = '?';
    line[length++] = '\n';
    put(line, length);
}

/* The whole line; NULL without memory. free() it. */
TSR_PRINTF(2, 0) static char *make_line(const char *prefix, const char *format, va_list args)
{
    char *message, *line;
    if (vasprintf(&message, format, args) < 0 || !(message = tsr_shown(message)))
        return NULL;
    if (asprintf(&line, "%s%s\n", prefix, message) < 0)
        line = NULL;
    free(message);
    return line;
}

TSR_PRINTF(2, 0) static void put_line(const char *prefix, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char *line = make_line(prefix, format, args);
    if (line)
        put(line, strlen(line));
    else
        put_short_line(prefix, format, again);
    va_end(again);
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

/* Takes the message over. Whether it is new; without memory it is said again rather than lost. */
static bool note_said(char *message)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    bool is_new = true;
    pthread_mutex_lock(&one_at_a_time);
    for (size_t i = 0; is_new && i < n_said; i++)
        is_new = strcmp(said[i], message) != 0;
    char **grown = is_new ? reallocarray(said, n_said + 1, sizeof(*grown)) : NULL;
    if (grown) {
        said = grown;
        said[n_said++] = message;
    } else {
        free(message);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return is_new;
}

/* The message, where it has not been said yet; NULL where it has, or without memory. free() it. */
TSR_PRINTF(1, 0) static char *new_message(const char *format, va_list args)
{
    char *message;
    if (vasprintf(&message, format, args) < 0)
        return NULL;
    char *kept = strdup(message);
    if (!kept || note_said(kept))
        return message;
    free(message);
    return NULL;
}

void tsr_log_warning_once(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = new_message(format, args);
    va_end(args);
    if (message)
        tsr_log_warning("%s", message);
    free(message);
}

void tsr_log_info_once(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = new_message(format, args);
    va_end(args);
    if (message)
        tsr_log_info("%s", message);
    free(message);
}
