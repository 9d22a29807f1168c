/* Errors: a code and one message, which grows to the left as context is added. What comes from files and
   plugins may stand in it: none of it steers a terminal. */
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tsr_status {
    tsr_error code;
    char *message;
};

/* What is returned when there is no memory to say what went wrong; never freed. */
static char no_memory_message[] = "not enough memory";
static tsr_status out_of_memory = { TSR_NO_MEMORY, no_memory_message };

tsr_status *tsr_fail_v(tsr_error code, const char *format, va_list args)
{
    tsr_status *status = malloc(sizeof(*status));
    if (!status)
        return &out_of_memory;
    status->code = code;
    if (vasprintf(&status->message, format, args) < 0)
        status->message = NULL;
    status->message = tsr_shown(status->message);
    if (!status->message) {
        free(status);
        return &out_of_memory;
    }
    return status;
}

tsr_status *tsr_fail(tsr_error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(code, format, args);
    va_end(args);
    return status;
}

tsr_status *tsr_context(tsr_status *status, const char *format, ...)
{
    if (!status || status == &out_of_memory)
        return status;
    char *context, *message;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&context, format, args);
    va_end(args);
    context = length < 0 ? NULL : tsr_shown(context);
    if (!context)
        return status;
    size_t own = strlen(context);
    bool said = strncmp(status->message, context, own) == 0 && status->message[own] == ':';
    length = said ? -1 : asprintf(&message, "%s: %s", context, status->message);
    free(context);
    if (length < 0)
        return status;
    free(status->message);
    status->message = message;
    return status;
}

tsr_error tsr_status_error(const tsr_status *status)
{
    return status ? status->code : TSR_OK;
}

const char *tsr_status_message(const tsr_status *status)
{
    return status ? status->message : "";
}

void tsr_status_free(tsr_status *status)
{
    if (!status || status == &out_of_memory)
        return;
    free(status->message);
    free(status);
}
