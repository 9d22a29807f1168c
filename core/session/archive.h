/* A study as one file, which can be checked byte by byte: a tar archive that begins with the list of its
   files (session/manifest.h). The same folder gives the same bytes. */
#ifndef TSR_SESSION_ARCHIVE_H
#define TSR_SESSION_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tessera/status.h>

typedef struct tsr_archive_options {
    bool unlocked;                     /* see tsr_store_options */
    bool (*interrupted)(void *unused); /* asked now and then; what was begun is taken away then */
} tsr_archive_options;

typedef struct tsr_archived {
    size_t files;
    uint64_t bytes; /* of these */
} tsr_archived;

/* Writes the results folder into `file`, whose name ends in .tar, .tar.gz or .tar.zst, and which appears
   whole or not at all. The folder is absolute and locked meanwhile; `shown` is its name in messages. Links
   among the runs are refused; what is none of Tessera's is left out, with a warning. */
TSR_MUST_CHECK tsr_status *tsr_archive_write(const char *folder, const char *shown, const char *file,
                                             const tsr_archive_options *options, tsr_archived *out);

/* Reads the whole archive and refuses one that does not hold exactly the files that it lists, bit for bit.
   With a `folder` (absolute; NULL: none) it also writes them there: a new or an empty folder, which holds all
   of them afterwards, or is what it was. */
TSR_MUST_CHECK tsr_status *tsr_archive_read(const char *file, const char *folder, const char *shown,
                                            const tsr_archive_options *options, tsr_archived *out);

#endif
