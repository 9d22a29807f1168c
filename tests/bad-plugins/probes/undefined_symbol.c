/* Calls what nobody defines; linked without -z defs. */
#include "../bad.h"

int defined_nowhere(void);

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)self;
    (void)probing;
    return defined_nowhere() ? bad_run(self, probing) : NULL;
}

static const tsr_probe_ops ops = { .run = run };
static const tsr_plugin plugin = { TSR_PROBE_PLUGIN(&ops), .name = "undefined_symbol", .version = "1.0.0",
                                   .summary = "a probe with a fault", .licence = "MIT" };
TSR_PLUGINS(&plugin)
