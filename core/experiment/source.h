/* A config's text before libconfig reads it, for what libconfig 1.5 does without a word or cannot survive:
   an integer too large becomes another one, and an included folder or device ends or hangs the program. */
#ifndef TSR_EXPERIMENT_SOURCE_H
#define TSR_EXPERIMENT_SOURCE_H

#include <tessera/status.h>

/* The file and all that it includes, from `folder` (absolute). */
TSR_MUST_CHECK tsr_status *tsr_source_check(const char *path, const char *folder);

/* A text given elsewhere, without includes; `origin` is shown as its place. */
TSR_MUST_CHECK tsr_status *tsr_source_check_text(const char *text, const char *origin);

#endif
