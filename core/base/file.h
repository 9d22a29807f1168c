/* Files: paths, whole reads, writes that happen entirely or not at all. */
#ifndef TSR_BASE_FILE_H
#define TSR_BASE_FILE_H

#include <stdio.h>
#include <tessera/status.h>

/* "a/b"; NULL without memory. free() it. */
char *tsr_path_join(const char *folder, const char *name);

/* `path` with "~/" made the user's home, and, where it is relative, put behind `base` (NULL: left relative).
   NULL without memory. free() it. */
char *tsr_path_resolve(const char *path, const char *base);

/* `path` from the working folder; fails where that has been removed. free() it. */
TSR_MUST_CHECK tsr_status *tsr_path_absolute(const char *path, char **out);

/* The folder part of `path`, "." where there is none. free() it. */
char *tsr_path_folder(const char *path);

/* The file of the running program, without links; NULL where it cannot be told. free() it. */
char *tsr_program_path(void);

/* The file of this library, or of the program that it is part of, without links; NULL where it cannot be
   told. free() it. */
char *tsr_library_path(void);

/* Makes the folder and those above it; one that exists is fine. */
TSR_MUST_CHECK tsr_status *tsr_make_folder(const char *path);

/* The whole file, with a NUL behind it; at most `limit` bytes. free() it. */
TSR_MUST_CHECK tsr_status *tsr_read_file(const char *path, size_t limit, char **out, size_t *length);

/* The same of a file that the user names, as "the `what`" in messages: what is no file or cannot be read is
   TSR_REFUSED, and a FIFO does not hang. */
TSR_MUST_CHECK tsr_status *tsr_read_given_file(const char *path, const char *what, size_t limit, char **out,
                                               size_t *length);

/* The same of a file or a pipe (FIFO, socket, terminal), which is read to its end. A pipe into which nobody
   writes for 30 seconds is refused. */
TSR_MUST_CHECK tsr_status *tsr_read_given_input(const char *path, const char *what, size_t limit, char **out,
                                                size_t *length);

/* What a call that failed with this error of errno's says of a file: TSR_NO_MEMORY and TSR_IO where it is the
   machine that lacks memory or open files or cannot read, which says nothing of the file, else TSR_REFUSED.
 */
tsr_error tsr_error_of(int error);

/* A file that appears under `path` when it is kept, complete and synced, or never: it is written beside
   its place and renamed. */
typedef struct tsr_new_file {
    FILE *stream;
    char *path, *temporary;
} tsr_new_file;

TSR_MUST_CHECK tsr_status *tsr_new_file_open(const char *path, tsr_new_file *file);
/* Either ends the file's life; keep fails, and drops it, where any write before has failed. */
TSR_MUST_CHECK tsr_status *tsr_new_file_keep(tsr_new_file *file);
void tsr_new_file_drop(tsr_new_file *file);

/* The same in one call, for text that is at hand. */
TSR_MUST_CHECK tsr_status *tsr_write_file(const char *path, const void *bytes, size_t length);

/* Writes to where a user says. A regular file, or one that is not there yet, is replaced as above, at the end
   of all links; what is not a regular file is written to as it is, and so is a file that is the program's own
   output. */
TSR_MUST_CHECK tsr_status *tsr_write_given_file(const char *path, const void *bytes, size_t length);

/* Removes a file or a folder with all that it holds; nothing there is fine. */
TSR_MUST_CHECK tsr_status *tsr_remove_tree(const char *path);

/* Removes the folder and those in it as far as they are empty, or hold such alone. */
void tsr_remove_empty_folders(const char *path);

#endif
