/* The listing: every plugin of a kind in every file on the path, and the files that give none with the
 * reason.
 */
#ifndef TSR_PLUGIN_LISTING_H
#define TSR_PLUGIN_LISTING_H

#include "plugin/files.h"

/* A plugin by the word that a config uses: the file's name or, where the file holds several of the kind and
   this one is not called as the file, "FILE.so:NAME". All texts are UTF-8; the bytes of a path that is
   not are shown as "?". */
typedef struct tsr_listed_plugin {
    tsr_kind kind;
    char *name, *file;
    char *version, *summary; /* NULL where it cannot be used */
    char *error;             /* why it cannot be used; NULL: it can */
    char *shadowed_by;       /* the file of the same name that an earlier folder has; NULL: none */
} tsr_listed_plugin;

typedef struct tsr_listing {
    size_t n;
    tsr_listed_plugin *plugins; /* sorted by kind, name and place on the path */
} tsr_listing;

/* Adds every file of a kind, each loaded in a child process. *listing is the caller's to clear, also where
   this fails. */
TSR_MUST_CHECK tsr_status *tsr_listing_add(tsr_registered_files *files, tsr_kind kind, tsr_listing *listing);
void tsr_listing_clear(tsr_listing *listing);

#endif
