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

/* The same with the links followed of that part which is there; what cannot be looked at stays. Whoever takes
   the name of a folder to write in from the user makes it real: below it no link is followed. free() it. */
TSR_MUST_CHECK tsr_status *tsr_path_real(const char *path, char **out);

/* The path of a file to be written where the user says: its folder is made real, its own name stays. free()
 * it. */
TSR_MUST_CHECK tsr_status *tsr_path_of_new_file(const char *path, char **out);

/* The folder part of `path`, "." where there is none. free() it. */
char *tsr_path_folder(const char *path);

/* The file of the running program, without links; NULL where it cannot be told. free() it. */
char *tsr_program_path(void);

/* The file of this library, or of the program that it is part of, without links; NULL where it cannot be
   told. free() it. */
char *tsr_library_path(void);

/* Makes the folder and those above it; one that exists is fine, a link to one is refused. */
TSR_MUST_CHECK tsr_status *tsr_make_folder(const char *path);

/* Makes a new folder for what does not stay, in TMPDIR or, where that is no absolute path, in /tmp; its name
   begins with "tessera-" and `name`. The caller's to free, and to remove with tsr_remove_tree. */
TSR_MUST_CHECK tsr_status *tsr_make_temporary(const char *name, char **out);

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
   its place and renamed. A path with a link on it is refused. */
typedef struct tsr_new_file {
    FILE *stream;
    char *path, *temporary; /* the latter in its folder */
    int folder;             /* descriptor */
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

/* Opens a file to be locked, and makes it where it is not there; close() it. -1, and the error: ELOOP where a
   link is on the way, ENODEV where something else than a file is there. */
int tsr_open_lock(const char *path, int *error);

/* Removes a file or a folder with all that it holds, following no link; nothing there is fine. */
TSR_MUST_CHECK tsr_status *tsr_remove_tree(const char *path);

/* Removes the folder and those in it as far as they are empty, or hold such alone. */
void tsr_remove_empty_folders(const char *path);

#endif
