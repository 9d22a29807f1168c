/* A dataset that goes wrong in the operation that its key names. */
#include <tessera/dataset.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct goes_wrong {
    bool exits;
    const char *in;
} goes_wrong;

static const tsr_key keys[] = {
    TSR_KEY_BOOL(goes_wrong, exits, false, "by exit, and not by a crash"),
    TSR_KEY_STRING(goes_wrong, in, "nothing", "where: open, read or close"),
    TSR_KEY_END,
};

static void go(const goes_wrong *g, const char *here)
{
    if (strcmp(g->in, here) != 0)
        return;
    if (g->exits)
        exit(0);
    raise(SIGSEGV);
    abort();
}

static tsr_status *open_it(void *self, tsr_dataset_info *info)
{
    go(self, "open");
    *info = (tsr_dataset_info){ .n = { 8, 8 }, .shape = TSR_SHAPE(2), .classes = 2 };
    return NULL;
}

static void read_it(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                    int32_t *labels)
{
    (void)split;
    go(self, "read");
    for (size_t i = 0; i < n; i++) {
        if (labels)
            labels[i] = (int32_t)(index[i] % 2);
        if (inputs)
            inputs[2 * i] = inputs[2 * i + 1] = (float)index[i];
    }
}

static void close_it(void *self)
{
    go(self, "close");
}

static const tsr_dataset_ops ops = { .open = open_it, .read = read_it, .close = close_it };
static const tsr_plugin plugin = { TSR_DATASET_PLUGIN(&ops),
                                   .name = "goes_wrong",
                                   .version = "1.0.0",
                                   .summary = "goes wrong where it is told to",
                                   .licence = "MIT",
                                   TSR_INSTANCE(goes_wrong),
                                   .keys = keys };
TSR_PLUGINS(&plugin)
