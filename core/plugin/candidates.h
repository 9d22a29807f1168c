/* Candidates: the files on the path that a name may mean. None is opened to find them. In a folder D of the
   path the plugin NAME of a KIND is D/KINDs/NAME.so, or D/KINDs/.libs/NAME.so as libtool leaves it. */
#ifndef TSR_PLUGIN_CANDIDATES_H
#define TSR_PLUGIN_CANDIDATES_H

#include "plugin/path.h"

#include <tessera/plugin.h>

typedef struct tsr_candidate {
    char *name;   /* the file's, without ".so" */
    char *file;   /* its path */
    size_t place; /* on the path: of two with one name the one with the lower place hides the other */
} tsr_candidate;

typedef struct tsr_candidates {
    size_t n;
    tsr_candidate *list;
} tsr_candidates;

/* Every candidate of a kind, sorted by name and place. *out is the caller's to clear. */
TSR_MUST_CHECK tsr_status *tsr_candidates_find(const tsr_plugin_path *path, tsr_kind kind,
                                               tsr_candidates *out);
void tsr_candidates_clear(tsr_candidates *candidates);

/* What the word for a plugin in a config or on a command line says: NAME, FILE.so:NAME or, with a "/" in it,
   a path to FILE.so or FILE.so:NAME. */
typedef struct tsr_plugin_word {
    char *file; /* the word without ":NAME" */
    char *name; /* of one plugin in the file; NULL: it is not said */
} tsr_plugin_word;

/* *out is the caller's to clear. Fails only without memory. */
TSR_MUST_CHECK tsr_status *tsr_plugin_word_split(const char *word, tsr_plugin_word *out);
void tsr_plugin_word_clear(tsr_plugin_word *word);

/* The path of the file that a word means. The first on the path hides those behind it even where it turns out
   to be broken. A failure lists the folders searched and the nearest name found there. free() it. */
TSR_MUST_CHECK tsr_status *tsr_candidate_locate(const tsr_plugin_path *path, tsr_kind kind,
                                                const tsr_plugin_word *word, char **out);

#endif
