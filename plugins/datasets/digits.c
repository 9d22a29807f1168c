/* The handwritten digits of the UCI optdigits test set, compiled in: data that is there on every machine. The
   build turns digits.csv, which tells source and licence, into the array of digits_data.h. */
#include <tessera/dataset.h>

#include "digits_data.h"

#define SIDE 8
#define PIXELS (SIDE * SIDE)
#define WHITE 16.0f /* the largest pixel */
#define SAMPLES (sizeof(digits) / sizeof(digits[0]))
#define TRAIN (SAMPLES * 4 / 5) /* the first 80 % */

_Static_assert(sizeof(digits[0]) == PIXELS + 1, "a row is an image and its label");

static tsr_status *open_digits(void *self, tsr_dataset_info *info)
{
    (void)self;
    *info = (tsr_dataset_info){
        .n = { [TSR_TRAIN] = TRAIN, [TSR_TEST] = SAMPLES - TRAIN },
        .shape = TSR_SHAPE(1, SIDE, SIDE),
        .classes = 10,
    };
    return NULL;
}

static void read_digits(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                        int32_t *labels)
{
    (void)self;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = digits[split == TSR_TRAIN ? index[i] : TRAIN + index[i]];
        for (size_t j = 0; inputs && j < PIXELS; j++)
            inputs[i * PIXELS + j] = row[j] / WHITE;
        if (labels)
            labels[i] = row[PIXELS];
    }
}

static const tsr_dataset_ops ops = { .open = open_digits, .read = read_digits };

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "digits",
    .version = "1.0.0",
    .summary = "1,797 handwritten digits of 8 x 8 pixels (UCI optdigits test set), built in",
    .licence = "MIT AND CC-BY-4.0",
};
TSR_PLUGINS(&plugin)
