/* The path: the folders that plugins are searched in, in order. */
#ifndef TSR_PLUGIN_PATH_H
#define TSR_PLUGIN_PATH_H

#include <tessera/status.h>

typedef struct tsr_plugin_path {
    size_t n;
    char **folders; /* absolute; none twice */
} tsr_plugin_path;

/* The n folders given, absolute or relative to the working folder, then those of $TESSERA_PLUGIN_PATH,
   ~/.local/lib/tessera, and the installed folder or the build tree's. *out is the caller's to clear, also
   where this fails. */
TSR_MUST_CHECK tsr_status *tsr_plugin_path_make(size_t n, const char *const *folders, tsr_plugin_path *out);
void tsr_plugin_path_clear(tsr_plugin_path *path);

#endif
