/* Trying a plugin file in a child process, so that one that crashes, hangs or ends the process while it is
   loaded is an error like another. The child's answer says what the file holds. */
#ifndef TSR_PLUGIN_TRIAL_H
#define TSR_PLUGIN_TRIAL_H

#include "plugin/loader.h"

/* One plugin of a file that has been loaded in a child process. */
typedef struct tsr_plugin_info {
    tsr_kind kind;
    char *name, *version, *summary; /* a line of UTF-8 each */
    char *description;              /* as a tsr_describe_plugin composed it; "": none did */
} tsr_plugin_info;

/* The plugins of a file, in its order. */
typedef struct tsr_file_info {
    size_t n;
    tsr_plugin_info *plugins;
} tsr_file_info;

/* Composes all that is to be said of a plugin, in any form: nothing below core/plugin reads it. Called in the
   child. free() it; NULL without memory. */
typedef char *tsr_describe_plugin(const tsr_loaded *loaded);

/* Loads `file` in a child for at most `limit` milliseconds, and describes each of its plugins there with
   `describe` (NULL: not wanted). *out, which is empty on failure, is the caller's to clear. One thread. */
TSR_MUST_CHECK tsr_status *tsr_trial_load(const char *file, int limit, tsr_describe_plugin *describe,
                                          tsr_file_info *out);
void tsr_file_info_clear(tsr_file_info *info);

/* Reads a child's answer about `file`. Whatever a plugin's constructors wrote into it, it is read whole or
   refused. */
TSR_MUST_CHECK tsr_status *tsr_file_info_parse(const char *file, const char *answer, tsr_file_info *out);

#endif
