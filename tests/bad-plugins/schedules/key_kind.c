/* A schedule with a key by which configs name schedules. */
#include "../bad.h"

static double factor(const void *self, const tsr_schedule_time *time)
{
    (void)self;
    (void)time;
    return 1;
}

static const tsr_schedule_ops ops = { .factor = factor };
static const tsr_key keys[] = { TSR_KEY_INT(bad, k, 0, 0, 9, "neighbours"),
                                { TSR_KEY_FIELD(TSR_TYPE_INT, bad, word), .name = "kind", .doc = "of what",
                                  .int_max = 9 },
                                TSR_KEY_END };
static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops), .name = "key_kind", .version = "1.0.0", .summary = "a schedule with a fault",
    .licence = "MIT",          TSR_INSTANCE(bad),  .keys = keys
};
TSR_PLUGINS(&plugin)
