/* Failures at a value of a config: they begin with its origin. */
#include "config/print.h"

#include "base/memory.h"

#include <stdlib.h>

tsr_status *tsr_value_context(const tsr_value *value, tsr_status *status)
{
    return tsr_origin_context(tsr_value_origin(value), status);
}

tsr_status *tsr_value_fail(const tsr_value *value, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
    return tsr_value_context(value, status);
}

tsr_status *tsr_value_mismatch(const tsr_value *value, const char *expected)
{
    char *dotted = tsr_value_dotted(value);
    tsr_text outline = { 0 };
    tsr_print_outline(value, &outline);
    tsr_status *status = dotted && outline.chars
                             ? tsr_value_fail(value, "%s = %s: expected %s", dotted, outline.chars, expected)
                             : tsr_no_memory("a message");
    free(outline.chars);
    free(dotted);
    return status;
}
