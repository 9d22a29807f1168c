/* Built for a later minor ABI. */
#include "../bad.h"

static const tsr_plugin plugin = { BAD_PROBE("newer_minor") };
static const tsr_plugin *const plugins[] = { &plugin, NULL };

TSR_PLUGIN_SYMBOL = {
    .magic = TSR_PLUGIN_MAGIC,
    .abi_major = TSR_ABI_MAJOR,
    .abi_minor = TSR_ABI_MINOR + 1,
    .file_size = sizeof(tsr_plugin_file),
    .plugin_size = sizeof(tsr_plugin),
    .key_size = sizeof(tsr_key),
    .plugins = plugins,
};
