/* A config's text before libconfig reads it, for what libconfig 1.5 does without a word or cannot survive:
   an integer too large becomes another one, all that stands behind a comment or a string without an end is
   left out, and an included folder or device ends or hangs the program. */
#ifndef TSR_CONFIG_SOURCE_H
#define TSR_CONFIG_SOURCE_H

#include <tessera/status.h>

/* The text of a file or a pipe, checked with all that it includes, from `folder` (absolute). A byte order
   mark of UTF-8 is left out. free() it. */
TSR_MUST_CHECK tsr_status *tsr_source_read(const char *path, const char *folder, char **out);

/* A value given elsewhere, without includes and comments; `origin` is shown as its place. */
TSR_MUST_CHECK tsr_status *tsr_source_check_text(const char *text, const char *origin);

#endif
