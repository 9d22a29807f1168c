/* A plugin's own libraries: those that the dynamic linker takes from where the plugin itself says, by a path
   among its needed libraries or by RPATH or RUNPATH, and theirs in turn. What the system's configuration or
   the user's LD_LIBRARY_PATH gives is not the plugin's. */
#ifndef TSR_PLUGIN_LIBRARIES_H
#define TSR_PLUGIN_LIBRARIES_H

#include <tessera/status.h>

/* Calls `visit` for each such library of the file, with an absolute path, once. A file that is no whole
   shared object of this machine has none. Stops at the first failure, which it returns. */
TSR_MUST_CHECK tsr_status *tsr_libraries_visit(const char *file,
                                               tsr_status *(*visit)(void *context, const char *library),
                                               void *context);

#endif
