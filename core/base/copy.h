/* Reading and copying files that others may have put something else in the place of: links are not followed,
   and what is no regular file is refused. Files are gone through in blocks, however long they are. */
#ifndef TSR_BASE_COPY_H
#define TSR_BASE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <tessera/status.h>

/* Opens the file `name` of an open folder (AT_FDCWD: a path) for reading; fclose() it. */
TSR_MUST_CHECK tsr_status *tsr_open_plain(int folder, const char *name, FILE **out);

/* Copies such a file to `to`, where it appears whole or not at all. */
TSR_MUST_CHECK tsr_status *tsr_copy_plain(int folder, const char *name, const char *to);

/* Whether two files differ from where they are at to their ends. */
TSR_MUST_CHECK tsr_status *tsr_streams_differ(FILE *a, FILE *b, bool *differ);

#endif
