/* Whom plugins are taken from: a plugin is code that runs as the user, so that only the user, root and
   whoever owns this program may have put it there. */
#ifndef TSR_PLUGIN_TRUST_H
#define TSR_PLUGIN_TRUST_H

#include <tessera/status.h>

/* Refuses a plugin file that others may write, or could put another one in the place of: the file, and every
   folder and link on the way to it from the root on, but for folders above its own that this program lies in
   too. The plugin's own libraries (libraries.h) are held to the same. A file that is not there passes; the
   loader has the better word for it. */
TSR_MUST_CHECK tsr_status *tsr_trust(const char *file);

#endif
