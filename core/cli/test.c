/* tessera test: what every plugin of a kind must hold, checked on a plugin file, as TAP. */
#include "cli/cli.h"

#include "base/memory.h"
#include "kit/kit.h"

#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    const char *file;
    size_t n_settings;
    const char **settings;
} arguments;

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-s") == 0 || strcmp(argv[i], "--set") == 0) {
            if (++i >= argc)
                return tsr_fail(TSR_USAGE, "tessera test: -s needs KEY=VALUE, a key of the plugin");
            out->settings[out->n_settings++] = argv[i];
        } else if (argv[i][0] == '-') {
            return tsr_fail(TSR_USAGE, "tessera test: unknown option '%s'; see 'tessera test --help'",
                            argv[i]);
        } else if (out->file) {
            return tsr_fail(TSR_USAGE, "tessera test: expected one file, '%s' is too many", argv[i]);
        } else {
            out->file = argv[i];
        }
    }
    return out->file ? NULL
                     : tsr_fail(TSR_USAGE, "tessera test: expected a plugin file; see 'tessera test --help'");
}

int tsr_cli_test(int argc, char **argv)
{
    arguments wanted = { .settings = tsr_alloc((size_t)argc, sizeof(char *)) };
    size_t failed = 0;
    tsr_status *status = wanted.settings ? parse(argc, argv, &wanted) : tsr_no_memory("arguments");
    if (!status)
        status = tsr_kit_test(wanted.file, wanted.n_settings, wanted.settings, &failed);
    free(wanted.settings);
    if (status)
        return tsr_cli_report(status);
    return failed ? TSR_EXIT_USAGE : TSR_EXIT_DONE;
}
