/* Which plugins a word on the command line means. */
#ifndef TSR_KIT_FOUND_H
#define TSR_KIT_FOUND_H

#include "plugin/registry.h"

/* The plugins that a word means: a file's, and the one of them, if it names one. */
typedef struct tsr_kit_found {
    tsr_registry *registry;
    char *file;
    char *name;    /* NULL: all of the file */
    tsr_kind kind; /* TSR_NO_KIND: any */
} tsr_kit_found;

/* *out is the caller's to clear; empty on failure. No file is opened. */
TSR_MUST_CHECK tsr_status *tsr_kit_find(const char *plugin, tsr_kit_found *out);
void tsr_kit_found_clear(tsr_kit_found *found);

/* Whether a plugin of the file is meant. */
bool tsr_kit_is_meant(const tsr_kit_found *found, const tsr_plugin_info *plugin);

/* Fails where none of the file is. */
TSR_MUST_CHECK tsr_status *tsr_kit_check_found(const tsr_kit_found *found, const tsr_file_info *info);

#endif
