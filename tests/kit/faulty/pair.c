/* Two probes in one file, of which one always fails. */
#include <tessera/tessera.h>

static tsr_status *measure(const void *self, const tsr_probing *p)
{
    (void)self;
    return tsr_metric(p, "examples", (double)p->train->n);
}

static tsr_status *fail(const void *self, const tsr_probing *p)
{
    (void)self;
    (void)p;
    return tsr_fail(TSR_FAILED, "the moon is not full");
}

static const tsr_probe_ops sound_ops = { .run = measure }, failing_ops = { .run = fail };
static const tsr_key keys[] = { TSR_KEY_END };

static const tsr_plugin sound = { TSR_PROBE_PLUGIN(&sound_ops), .name = "pair",   .version = "1.0.0",
                                  .summary = "counts examples", .licence = "MIT", .keys = keys };
static const tsr_plugin failing = { TSR_PROBE_PLUGIN(&failing_ops), .name = "failing", .version = "1.0.0",
                                    .summary = "always fails",      .licence = "MIT",  .keys = keys };
TSR_PLUGINS(&sound, &failing)
