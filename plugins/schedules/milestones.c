/* Steps down after given epochs. */
#include <math.h>
#include <tessera/schedule.h>

typedef struct milestones {
    tsr_int_list epochs;
    double factor;
} milestones;

static const tsr_key keys[] = {
    TSR_KEY_INT_LIST(milestones, epochs, NULL, 0, 1, 1000000,
                     "multiply after each of these, in ascending order", .unit = "epochs", .required = true,
                     .list_min_length = 1),
    TSR_KEY_REAL(milestones, factor, 0.1, 0.0, 1.0, "multiply by this"),
    TSR_KEY_END,
};

static tsr_status *init(void *self)
{
    const tsr_int_list *epochs = &((const milestones *)self)->epochs;
    for (size_t i = 1; i < epochs->n; i++)
        if (epochs->values[i] <= epochs->values[i - 1])
            return tsr_fail(TSR_REFUSED, "epochs: %lld follows %lld, expected ascending epochs",
                            (long long)epochs->values[i], (long long)epochs->values[i - 1]);
    return NULL;
}

static double factor(const void *self, const tsr_schedule_time *time)
{
    const milestones *config = self;
    size_t passed = 0;
    while (passed < config->epochs.n && (size_t)config->epochs.values[passed] < time->epoch)
        passed++;
    return pow(config->factor, (double)passed);
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops),
    .name = "milestones",
    .version = "1.0.0",
    .summary = "multiplied by a factor after each of given epochs",
    .licence = "MIT",
    TSR_INSTANCE(milestones),
    .keys = keys,
    .init = init,
};
TSR_PLUGINS(&plugin)
