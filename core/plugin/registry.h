/* The registry: finds plugins by kind and name along the search path, loads each file once, and holds what
   it loaded. The path: folders given (a config's plugin_path), $TESSERA_PLUGIN_PATH, ~/.local/lib/tessera,
   the installed folder (or the build tree's plugins/ when the program runs from there). In a folder D the
   plugin NAME of a KIND is D/KINDs/NAME.so, or D/KINDs/.libs/NAME.so as libtool leaves it. One thread. */
#ifndef TSR_PLUGIN_REGISTRY_H
#define TSR_PLUGIN_REGISTRY_H

#include "plugin/candidates.h"
#include "plugin/listing.h"
#include "plugin/loader.h"
#include "plugin/trial.h"

typedef struct tsr_registry tsr_registry;

/* `folders`, n of them, come first on the path; they are absolute or relative to the working folder. */
TSR_MUST_CHECK tsr_status *tsr_registry_new(size_t n, const char *const *folders, tsr_registry **out);
void tsr_registry_free(tsr_registry *registry);

/* From here on, files are loaded too that others than the user and root may write (see trust.h). */
void tsr_registry_allow_unsafe(tsr_registry *registry);

/* From here on, plugins of files that are looked at for the first time are described by `describe`. */
void tsr_registry_describe_with(tsr_registry *registry, tsr_describe_plugin *describe);

/* The plugin that the word `name` means: one on the path by its name, one of several in a file as
   "FILE.so:NAME", a file where it holds a "/" (see candidates.h). A file not loaded before is first tried in
   a child process, so that one that crashes while being loaded is an error like another. A failure lists the
   folders searched and the nearest name found there. */
TSR_MUST_CHECK tsr_status *tsr_registry_find(tsr_registry *registry, tsr_kind kind, const char *name,
                                             const tsr_loaded **out);

/* The path of the file that a word leads to, which is not opened; free() it. */
TSR_MUST_CHECK tsr_status *tsr_registry_locate(const tsr_registry *registry, tsr_kind kind,
                                               const tsr_plugin_word *word, char **out);

/* Notes that the init and fini of a plugin that find gave have been tried. */
void tsr_registry_note_tried(tsr_registry *registry, const tsr_loaded *loaded);

/* The folders on the path, in order. */
size_t tsr_registry_n_folders(const tsr_registry *registry);
const char *tsr_registry_folder(const tsr_registry *registry, size_t i);

/* Every file of a kind (TSR_NO_KIND: all kinds) on the path, loaded in a child process each. *out is the
   caller's to clear with tsr_listing_clear; empty on failure. */
TSR_MUST_CHECK tsr_status *tsr_registry_list(tsr_registry *registry, tsr_kind kind, tsr_listing *out);

/* What a child process that loaded it says of one plugin; the registry's. Its description is as the function
   that tsr_registry_describe_with set composed it. */
TSR_MUST_CHECK tsr_status *tsr_registry_describe(tsr_registry *registry, tsr_kind kind, const char *name,
                                                 const tsr_plugin_info **out);

/* The same of every plugin of the file at `path`. */
TSR_MUST_CHECK tsr_status *tsr_registry_describe_file(tsr_registry *registry, const char *path,
                                                      const tsr_file_info **out);

/* What took part: every plugin given out by find, in the order in which it first was, with its sha256. */
size_t tsr_registry_n_used(const tsr_registry *registry);
const tsr_loaded *tsr_registry_used(const tsr_registry *registry, size_t i);

#endif
