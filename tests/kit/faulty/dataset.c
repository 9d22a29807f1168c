/* A dataset: sample i has the value i everywhere and the label i modulo 3; faults by name. */
#include "faulty.h"

enum { EMPTY = OWN, LABEL, PART, DRAWS, ORDER, NEEDS, TARGETS, TARGET, PLAIN, BEHIND, OPENS };
FAULTS("empty", "label", "part", "draws", "order", "needs", "targets", "target", "plain", "behind", "opens");

static tsr_status *open_data(void *self, tsr_dataset_info *info)
{
    const faulty *f = self;
    if (f->fault == OPENS)
        kept = malloc(200); /* and close frees nothing */
    *info = (tsr_dataset_info){ .n = { f->fault == EMPTY ? 0 : 90, 31 },
                                .shape = TSR_SHAPE(2, 3, 1),
                                .classes = f->fault == PLAIN ? 0 : 3,
                                .target = TSR_SHAPE(2) };
    return NULL;
}

static void read_data(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                      int32_t *labels)
{
    const faulty *f = self;
    float extra = (float)begin(f);
    (void)split;
    if (f->fault == NEEDS && !inputs)
        return;
    for (size_t i = 0; i < n; i++) {
        if (labels)
            labels[i] = (int32_t)(index[i] % 3) + 4 * (f->fault == LABEL && index[i] == 30);
        for (size_t k = 0; inputs && k < 6u - (f->fault == PART); k++)
            inputs[i * 6 + k] = (float)index[i] + extra + (f->fault == DRAWS ? (float)uses++ : 0) +
                                (f->fault == ORDER ? (float)i : 0);
    }
    if (f->fault == BEHIND && inputs)
        inputs[n * 6] = 0;
}

static void read_targets(const void *self, tsr_split split, size_t n, const size_t *index, float *targets)
{
    const faulty *f = self;
    (void)split;
    for (size_t i = 0; i < n; i++) {
        targets[2 * i] = (float)index[i];
        if (f->fault != TARGETS)
            targets[2 * i + 1] = f->fault == TARGET ? (float)n : 1;
    }
}

static const tsr_dataset_ops ops = { .open = open_data, .read = read_data, .read_targets = read_targets };
FAULTY(TSR_DATASET_PLUGIN(&ops))
