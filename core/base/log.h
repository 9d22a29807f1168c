/* Messages to the person at the terminal: stderr, one line each. */
#ifndef TSR_BASE_LOG_H
#define TSR_BASE_LOG_H

#include <tessera/status.h>

/* What went wrong, without a prefix: the message starts with FILE:LINE or with what was being done. */
void tsr_log_error(const char *format, ...) TSR_PRINTF(1, 2);

/* Work goes on, but the user should know. */
void tsr_log_warning(const char *format, ...) TSR_PRINTF(1, 2);

/* What is being done; silent when quiet. */
void tsr_log_info(const char *format, ...) TSR_PRINTF(1, 2);

/* The same, unless this process has said the very text before: a config is read once per run. One thread. */
void tsr_log_warning_once(const char *format, ...) TSR_PRINTF(1, 2);
void tsr_log_info_once(const char *format, ...) TSR_PRINTF(1, 2);

/* Suppresses tsr_log_info from here on; set once, before threads. */
void tsr_log_set_quiet(bool quiet);

#endif
