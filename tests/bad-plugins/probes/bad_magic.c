/* An entry that is not Tessera's. */
#include "../bad.h"

static const tsr_plugin plugin = { BAD_PROBE("bad_magic") };
static const tsr_plugin *const plugins[] = { &plugin, NULL };

TSR_PLUGIN_SYMBOL = {
    .magic = UINT64_C(0x1122334455667788),
    .abi_major = TSR_ABI_MAJOR,
    .abi_minor = TSR_ABI_MINOR,
    .file_size = sizeof(tsr_plugin_file),
    .plugin_size = sizeof(tsr_plugin),
    .key_size = sizeof(tsr_key),
    .plugins = plugins,
};
