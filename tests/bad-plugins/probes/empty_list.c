/* A list of no plugins. */
#include "../bad.h"

static const tsr_plugin *const plugins[] = { NULL };

TSR_PLUGIN_SYMBOL = {
    .magic = TSR_PLUGIN_MAGIC,
    .abi_major = TSR_ABI_MAJOR,
    .abi_minor = TSR_ABI_MINOR,
    .file_size = sizeof(tsr_plugin_file),
    .plugin_size = sizeof(tsr_plugin),
    .key_size = sizeof(tsr_key),
    .plugins = plugins,
};
