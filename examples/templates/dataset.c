/* @NAME@: points on two spirals, one per class. Write what yours does. */
#include <math.h>
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    int samples;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, samples, 600, 1, 1 << 24, "training samples; a third as many test",
                .unit = "samples"),
    TSR_KEY_END,
};

/* Tells what there is. A dataset that reads files opens and checks them here, every length and label, and
   gives tsr_fail(TSR_REFUSED, "%s:%zu: ...", file, line) where something is wrong: read cannot fail. */
static tsr_status *open(void *self, tsr_dataset_info *info)
{
    static const char *const names[] = { "left", "right" };
    const settings *d = self;
    *info = (tsr_dataset_info){ .n = { (size_t)d->samples, (size_t)d->samples / 3 + 1 },
                                .shape = TSR_SHAPE(2),
                                .classes = 2,
                                .class_names = names };
    return NULL;
}

/* Samples by index, from any thread: no state is kept. A stream of random numbers of its own makes each
   sample the same whenever it is read. */
static void read(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                 int32_t *labels)
{
    (void)self;
    for (size_t i = 0; i < n; i++) {
        tsr_rng rng = tsr_rng_stream(split, TSR_FOR_DATA, index[i]);
        int label = (int)(index[i] % 2);
        double turn = 4 * M_PI * tsr_rng_uniform(&rng), radius = turn / (4 * M_PI);
        double angle = turn + M_PI * label;
        if (labels)
            labels[i] = label;
        if (inputs) {
            inputs[2 * i] = (float)(radius * cos(angle) + 0.02 * tsr_rng_normal(&rng));
            inputs[2 * i + 1] = (float)(radius * sin(angle) + 0.02 * tsr_rng_normal(&rng));
        }
    }
}

static const tsr_dataset_ops ops = { .open = open, .read = read };

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops), .name = "@NAME@",       .version = "0.1.0", .summary = "two spirals",
    .licence = "MIT",         TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
