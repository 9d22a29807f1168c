/* The loader: from a file to checked plugins. Nothing of a file is believed before it was checked, and a
   file that was loaded stays loaded until the process ends. */
#ifndef TSR_PLUGIN_LOADER_H
#define TSR_PLUGIN_LOADER_H

#include "plugin/keys.h"

#include <tessera/plugin.h>

/* A plugin as the host knows it: its own copies of the structures, grown to the host's sizes. */
typedef struct tsr_loaded {
    tsr_plugin plugin; /* keys is never NULL; ops is the host's copy */
    char *file;        /* absolute path */
    char *sha256;      /* of the file, in hexadecimal; NULL until the registry has given it out */
    bool tried;        /* its init and fini have ended well in a child process */
} tsr_loaded;

/* All plugins of one file. */
typedef struct tsr_module {
    char *file;
    size_t n;
    tsr_loaded *plugins;
} tsr_module;

/* Loads and checks `file`. The message names the file, the fault and what to do. */
TSR_MUST_CHECK tsr_status *tsr_module_load(const char *file, tsr_module **out);

/* Frees the host's copies; the file stays mapped. */
void tsr_module_free(tsr_module *module);

#endif
