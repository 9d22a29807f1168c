/* Errors. A function that can fail returns a tsr_status pointer: NULL is success, anything else holds
   one message, composed where the fault is known and given context on its way up. Whoever gets a
   status owns it: return it, add to it, or free it. */
#ifndef TESSERA_STATUS_H
#define TESSERA_STATUS_H

#include <stdarg.h>
#include <tessera/base.h>

TSR_BEGIN_DECLS

typedef struct tsr_status tsr_status;

typedef enum tsr_error {
    TSR_OK = 0,
    TSR_USAGE,       /* the command line */
    TSR_REFUSED,     /* a config, a plugin or data that cannot be used */
    TSR_IO,          /* the system refused to read, write, fork ... */
    TSR_NO_MEMORY,   /* an allocation failed, or a size does not fit into memory */
    TSR_DIVERGED,    /* a loss that is not finite */
    TSR_INTERRUPTED, /* by a signal */
    TSR_FAILED,      /* anything else, inside a run */
} tsr_error;

/* A new failure with the message, printf style, no newline. Never NULL: without memory it is a fixed
   status that says so. The caller owns the result. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_fail(tsr_error code, const char *format, ...) TSR_PRINTF(2, 3);
TSR_API TSR_MUST_CHECK tsr_status *tsr_fail_v(tsr_error code, const char *format, va_list args)
    TSR_PRINTF(2, 0);

/* Puts "context: " before the message of `status`, which it takes over, unless it begins so already; NULL
   stays NULL. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_context(tsr_status *status, const char *format, ...) TSR_PRINTF(2, 3);

/* TSR_OK for NULL. [any-thread] */
TSR_API tsr_error tsr_status_error(const tsr_status *status);

/* "" for NULL; lives as long as the status. One line of UTF-8: control characters and other bytes that came
   in with what the message is about are written out, as \x1b. [any-thread] */
TSR_API const char *tsr_status_message(const tsr_status *status);

/* NULL is allowed. [one-thread] */
TSR_API void tsr_status_free(tsr_status *status);

/* Returns the failure of `call` to the caller's caller. */
#define TSR_TRY(call)                                                                                        \
    do {                                                                                                     \
        tsr_status *tsr_try_status = (call);                                                                 \
        if (tsr_try_status)                                                                                  \
            return tsr_try_status;                                                                           \
    } while (0)

TSR_END_DECLS
#endif
