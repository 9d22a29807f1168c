/* The registry: finds plugins by kind and name along the search path, loads each file once, and holds what
   it loaded. The path: folders given (a config's plugin_path), $TESSERA_PLUGIN_PATH, ~/.local/lib/tessera,
   the installed folder (or the build tree's plugins/ when the program runs from there). In a folder D the
   plugin NAME of a KIND is D/KINDs/NAME.so, or D/KINDs/.libs/NAME.so as libtool leaves it. One thread. */
#ifndef TSR_PLUGIN_REGISTRY_H
#define TSR_PLUGIN_REGISTRY_H

#include "plugin/loader.h"

#include <jansson.h>

typedef struct tsr_registry tsr_registry;

/* `folders`, n of them, come first on the path; they are absolute or relative to the working folder. */
TSR_MUST_CHECK tsr_status *tsr_registry_new(size_t n, const char *const *folders, tsr_registry **out);
void tsr_registry_free(tsr_registry *registry);

/* From here on, files are loaded too that others than the user and root may write (see trust.h). */
void tsr_registry_allow_unsafe(tsr_registry *registry);

/* The plugin called `name`, or in the file `name` where it holds a "/". A file not loaded before is first
   tried in a child process, so that one that crashes while being loaded is an error like another.
   A failure lists the folders searched and the nearest name found there. */
TSR_MUST_CHECK tsr_status *tsr_registry_find(tsr_registry *registry, tsr_kind kind, const char *name,
                                             const tsr_loaded **out);

/* Notes that the init and fini of a plugin that find gave have been tried. */
void tsr_registry_note_tried(tsr_registry *registry, const tsr_loaded *loaded);

/* The folders on the path, in order. */
size_t tsr_registry_n_folders(const tsr_registry *registry);
const char *tsr_registry_folder(const tsr_registry *registry, size_t i);

/* Every file of a kind (TSR_NO_KIND: all kinds) on the path, loaded in a child process each: an array
   of objects kind, name, version, summary, file, and for one that cannot be used `error` instead; for one
   that an earlier folder hides, `shadowed_by`. The name is the file's, which is what a config says. Sorted
   by kind, name and place on the path. */
TSR_MUST_CHECK tsr_status *tsr_registry_list(tsr_registry *registry, tsr_kind kind, json_t **out);

/* All that is known of one plugin, as `tessera describe --json` prints it. */
TSR_MUST_CHECK tsr_status *tsr_registry_describe(tsr_registry *registry, tsr_kind kind, const char *name,
                                                 json_t **out);

/* The same of every plugin of a file: an array in the file's order. */
TSR_MUST_CHECK tsr_status *tsr_registry_describe_file(tsr_registry *registry, const char *file, json_t **out);

/* What took part: every file loaded by find, as objects kind, name, version, summary, file,
   sha256, in order of loading. NULL without memory. */
json_t *tsr_registry_used(const tsr_registry *registry);

#endif
