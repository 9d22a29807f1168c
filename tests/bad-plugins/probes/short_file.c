/* Its entry is shorter than ABI 1.0's. */
#include "../bad.h"

static const tsr_plugin plugin = { BAD_PROBE("short_file") };
static const tsr_plugin *const plugins[] = { &plugin, NULL };

TSR_PLUGIN_SYMBOL = {
    .magic = TSR_PLUGIN_MAGIC,
    .abi_major = TSR_ABI_MAJOR,
    .abi_minor = TSR_ABI_MINOR,
    .file_size = sizeof(tsr_plugin_file) - 8,
    .plugin_size = sizeof(tsr_plugin),
    .key_size = sizeof(tsr_key),
    .plugins = plugins,
};
