/* Text that a dataset is made of: a file mapped and checked to be UTF-8, places in it as line numbers, and
   numbers in it. */
#ifndef TESSERA_DATASETS_TEXT_FILE_H
#define TESSERA_DATASETS_TEXT_FILE_H

#include <tessera/status.h>

typedef struct text_file {
    const char *path; /* the caller's */
    const char *chars, *end;
    void *mapped;
    size_t length; /* of what is mapped */
} text_file;

/* Maps `path`. Refused: what is no file (as not being `expected`, "a table"), is empty, or holds bytes that
   are no UTF-8, or a zero byte; each with its line. A byte order mark before the text is passed over. Close
   it with text_file_close, which may also be done after a failure. */
TSR_MUST_CHECK tsr_status *text_file_open(const char *path, const char *expected, text_file *out);
void text_file_close(text_file *file);

/* Whether the text is UTF-8 without zero bytes. */
bool text_is_utf8(const char *chars, size_t length);

/* The number, from 1, of the line that `place` is in. */
size_t text_file_line(const text_file *file, const char *place);

/* A failure with "PATH: line N: " before the message. */
TSR_MUST_CHECK tsr_status *text_file_refuse(const text_file *file, const char *place, const char *format, ...)
    TSR_PRINTF(3, 4);

/* For "%.*s": so much of a field that a message stays readable. */
#define TEXT_MAX_SHOWN 60
#define TEXT_SHOWN(chars, length) ((length) <= TEXT_MAX_SHOWN ? (int)(length) : text_shown(chars)), (chars)
int text_shown(const char *chars);

typedef enum text_number_kind {
    TEXT_NO_NUMBER,
    TEXT_FINITE,
    TEXT_NONFINITE, /* nan, inf, infinity in any case, or a decimal beyond double; *out is that value */
} text_number_kind;

/* The value of a decimal number ("-1.5e-3", ".5", "+7"), correctly rounded, in any locale. All of the text
   must be the number. */
text_number_kind text_number(const char *chars, size_t length, double *out);

#endif
