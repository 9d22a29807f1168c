/* A dataset for tests of core/data: what a sample holds follows from its number, and `fault` makes it tell or
   do something wrong. What it allocates shows, under a leak checker, whether it was closed. */
#include <tessera/dataset.h>

#include <stdlib.h>
#include <string.h>

enum {
    NONE,
    OPEN,
    NO_TRAIN,
    NO_TEST,
    EMPTY_SHAPE,
    HUGE_SHAPE,
    ONE_CLASS,
    NAMELESS,
    LATIN,
    BAD_LABEL,
    LATE_LABEL,
    NO_LABEL,
    EMPTY_TARGET
};
static const char *const faults[] = { "none",       "open",      "no_train",     "no_test", "empty_shape",
                                      "huge_shape", "one_class", "nameless",     "latin",   "bad_label",
                                      "late_label", "no_label",  "empty_target", NULL };

typedef struct counted {
    size_t train, test;
    int classes, targets, fault;
    void *held;
} counted;

static tsr_status *open_counted(void *self, tsr_dataset_info *info)
{
    static const char *const names[] = { "zero", NULL, "two" };
    static const char *const latin[] = { "zero", "\351l", "two" };
    counted *data = self;
    if (data->fault == OPEN)
        return tsr_fail(TSR_REFUSED, "numbers.txt:3: not a number");
    data->held = malloc(16);
    *info = (tsr_dataset_info){
        .n = { data->fault == NO_TRAIN ? 0 : data->train, data->fault == NO_TEST ? 0 : data->test },
        .shape = TSR_SHAPE(2, 1, data->fault == EMPTY_SHAPE ? 0 : 1),
        .classes = data->fault == ONE_CLASS ? 1 : data->classes,
        .class_names = data->fault == NAMELESS ? names
                       : data->fault == LATIN  ? latin
                                               : NULL,
    };
    if (data->targets)
        info->target = TSR_SHAPE((size_t)data->targets);
    if (data->fault == EMPTY_TARGET)
        info->target = TSR_SHAPE(3, 0);
    if (data->fault == HUGE_SHAPE)
        info->shape = TSR_SHAPE(SIZE_MAX / 8, 1, 3);
    return NULL;
}

static int32_t label(const counted *data, tsr_split split, size_t i)
{
    bool wrong = data->fault == BAD_LABEL
                     ? split == TSR_TRAIN && i == 7
                     : data->fault == LATE_LABEL && split == TSR_TEST && i == data->test - 1;
    return wrong ? data->classes : (int32_t)(i % (size_t)data->classes);
}

/* Sample i of the training part is (i, i + 0.5), of the test part (-i, -i - 0.5); its label i modulo classes.
 */
static void read_counted(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                         int32_t *labels)
{
    const counted *data = self;
    float sign = split == TSR_TRAIN ? 1 : -1;
    for (size_t i = 0; i < n; i++) {
        if (inputs) {
            inputs[2 * i] = sign * (float)index[i];
            inputs[2 * i + 1] = sign * ((float)index[i] + 0.5f);
        }
        if (labels && data->fault != NO_LABEL)
            labels[i] = label(data, split, index[i]);
    }
}

/* Value k of sample i's target is 10 i + k, in the test part negative. */
static void read_targets(const void *self, tsr_split split, size_t n, const size_t *index, float *targets)
{
    size_t size = (size_t)((const counted *)self)->targets;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++)
            targets[i * size + k] = (split == TSR_TRAIN ? 1.0f : -1.0f) * (float)(10 * index[i] + k);
}

static void close_counted(void *self)
{
    counted *data = self;
    free(data->held);
}

static const tsr_dataset_ops ops = {
    .open = open_counted, .read = read_counted, .close = close_counted, .read_targets = read_targets
};

static const tsr_key keys[] = { TSR_KEY_INT(counted, train, 100, 1, 1 << 20, "training samples"),
                                TSR_KEY_INT(counted, test, 20, 1, 1 << 20, "test samples"),
                                TSR_KEY_INT(counted, classes, 3, 0, 1 << 20, "classes; 0: no labels"),
                                TSR_KEY_INT(counted, targets, 0, 0, 100, "values of a target"),
                                TSR_KEY_ENUM(counted, fault, "none", faults, "what to do wrong"),
                                TSR_KEY_END };

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops), .name = "counted",     .version = "1.0.0", .summary = "numbers, for tests",
    .licence = "MIT",         TSR_INSTANCE(counted), .keys = keys,
};
TSR_PLUGINS(&plugin)
