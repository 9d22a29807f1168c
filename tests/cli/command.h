/* Running the real program, as a user would, and looking at all that it says. */
#ifndef TSR_TESTS_COMMAND_H
#define TSR_TESTS_COMMAND_H

#include <stddef.h>

typedef struct command_result {
    int status; /* exit status; 128 + signal where one ended it */
    char *out, *err;
} command_result;

/* Runs $TSR_BUILD/tessera with the arguments (a shell command line behind the program's name) in `folder` and
   waits. Free with command_free. */
command_result command(const char *folder, const char *arguments, ...) __attribute__((format(printf, 2, 3)));
void command_free(command_result *result);

/* The claims that most tests make: run, compare the exit status, look for texts on stderr (NULL: any), free.
 */
void command_gives(const char *folder, int status, const char *on_stdout, const char *on_stderr,
                   const char *arguments, ...) __attribute__((format(printf, 5, 6)));

/* The same for any shell command line, in which $TESSERA is the program. */
void shell_gives(const char *folder, int status, const char *on_stdout, const char *on_stderr,
                 const char *line, ...) __attribute__((format(printf, 5, 6)));

/* Writes a text file into a folder. */
void write_text(const char *folder, const char *name, const char *text);

/* Writes study.cfg: n runs of which number `at` can go wrong, by what $TESSERA_MISBEHAVE says; `more` goes
 * behind. */
void write_faulty_study(const char *folder, int n, int at, const char *more);

/* Writes study.cfg: one run on the digits of a network of 6 units, trained as the members of the group
   `training` say; `more` goes behind. */
void write_small_study(const char *folder, const char *training, const char *more);

/* Does study.cfg with further arguments, into the folder `out`; fails the test unless all runs are done. */
void do_study(const char *folder, const char *out, const char *arguments);

/* Fails the test unless the tables of two studies are equal, byte for byte. */
void same_tables(const char *folder, const char *a, const char *b);

/* A whole file; fails the test where it is not there. free() it. */
char *read_text(const char *folder, const char *name);

/* How many files a shell pattern below the folder names. */
size_t count_files(const char *folder, const char *pattern);

/* Fails the test unless two files of the folder are equal, byte for byte. */
void same_files(const char *folder, const char *a, const char *b);

/* A file that a shell pattern below the folder names; fails the test unless there is exactly one. free() it.
 */
char *only_file(const char *folder, const char *pattern);

#endif
