/* Commands of the program that are done while one call of one place fails, and what becomes of them. */
#ifndef TSR_TESTS_FAULTS_FAULTS_H
#define TSR_TESTS_FAULTS_FAULTS_H

#include "map.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct faults_command {
    const char *name, *arguments; /* arguments as the shell has them, in a folder with study.cfg */
    bool done;                    /* on a study that is done, in the folder out */
} faults_command;

extern const faults_command faults_commands[];
extern const size_t faults_n_commands;

typedef enum faults_outcome {
    FAULTS_TOLD,    /* exit status 2 or 3 and a message, and what is there is whole */
    FAULTS_WARNED,  /* of a system call: a word on stderr, and all is whole but something that can be missing
                     */
    FAULTS_FOREIGN, /* a library that we cannot help: libgomp ends the process that it has no memory in */
    FAULTS_TOLERATED, /* as if nothing had failed: the same on stdout and in every file */
    FAULTS_NOT_MET,   /* no call came from the place this time */
    FAULTS_SILENT,    /* something else, and no word or not the right exit status */
    FAULTS_CRASHED,   /* a signal ended a process, or nothing did */
    FAULTS_HALF,      /* a file that is none, or after which the study does not come out the same */
    FAULTS_N_OUTCOMES
} faults_outcome;

extern const char *const faults_outcome_names[FAULTS_N_OUTCOMES];

/* A folder in which one command after the other is disturbed. */
typedef struct faults_bench {
    const faults_command *command;
    char *folder;
    faults_map *map;
    char *map_file;
    char *wanted_out; /* stdout of the command, undisturbed */
} faults_bench;

/* Makes the folder and does the command undisturbed in it, which also lists the places in bench->map; a text
   that tells what went wrong, or NULL. */
const char *faults_begin(const faults_command *command, faults_kind kind, const char *folder,
                         faults_bench *bench);
void faults_end(faults_bench *bench);

/* The places that were listed, ordered by their keys, in `out` of FAULTS_SITES; how many. */
size_t faults_list(const faults_bench *bench, faults_site *out);

/* Does the command with the site's first call failing, and, where `sticky`, every allocation after it. `why`,
   of so many bytes, gets a word on an outcome that should not be. */
faults_outcome faults_try(faults_bench *bench, const faults_site *site, bool sticky, char *why,
                          size_t capacity);

/* Folders (tree.c). */
void faults_copy_tree(const char *from, const char *to);
/* Whether both hold the same files with the same bytes; if not, which one is told. */
bool faults_same_tree(const char *a, const char *b, char *why, size_t capacity);
/* Whether each file below is whole, as far as its name tells what it is; if not, which one is told. */
bool faults_whole_tree(const char *folder, char *why, size_t capacity);

#endif
