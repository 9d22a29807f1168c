/* What an archive of a study holds: a line for each file, its SHA-256, its size in bytes and its name below
   the results folder, "<64 hexadecimal digits> <size> runs/<id>/run.json", in the order of the names' bytes.
 */
#ifndef TSR_SESSION_MANIFEST_H
#define TSR_SESSION_MANIFEST_H

#include "base/text.h"

#include <stdint.h>

#define TSR_MANIFEST "MANIFEST" /* its own name, the first in the archive */

typedef struct tsr_manifest_file {
    char *name;
    uint64_t size;   /* bytes */
    char digest[65]; /* SHA-256 */
    bool met;        /* for who reads the archive */
} tsr_manifest_file;

/* Zero it to start; clear it. */
typedef struct tsr_manifest {
    tsr_manifest_file *files;
    size_t n, capacity;
    uint64_t bytes; /* of all files */
} tsr_manifest;

/* Refuses a name that no file of a results folder has, such as one that leads out of the folder. */
TSR_MUST_CHECK tsr_status *tsr_manifest_check_name(const char *name);

/* Adds a file, whose name is copied; refuses what tsr_manifest_check_name does. */
TSR_MUST_CHECK tsr_status *tsr_manifest_add(tsr_manifest *manifest, const char *name, uint64_t size,
                                            const char *digest);

void tsr_manifest_sort(tsr_manifest *manifest);

/* Of a sorted manifest; NULL: it has no such file. */
tsr_manifest_file *tsr_manifest_find(const tsr_manifest *manifest, const char *name);

void tsr_manifest_print(const tsr_manifest *manifest, tsr_text *out);

/* Reads what was printed: `text` has `length` bytes and a NUL behind them, and is changed. */
TSR_MUST_CHECK tsr_status *tsr_manifest_parse(char *text, size_t length, tsr_manifest *out);

void tsr_manifest_clear(tsr_manifest *manifest);

#endif
