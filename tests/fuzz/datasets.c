/* Files of data, by the plugins that read them: opened, checked, and every sample of small ones read. */
#include "fuzz.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/samples.h"

#include <stdlib.h>
#include <string.h>

#define MOST_READ 64           /* samples of each part */
#define MOST_FLOATS (1u << 20) /* of a sample that is read */

static void read_samples(const tsr_data *data, tsr_split split)
{
    const tsr_dataset_info *info = tsr_data_info(data);
    size_t n = info->n[split] < MOST_READ ? info->n[split] : MOST_READ, floats = tsr_shape_size(info->shape);
    if (floats > MOST_FLOATS)
        return;
    size_t index[MOST_READ];
    int32_t labels[MOST_READ];
    for (size_t i = 0; i < n; i++)
        index[i] = info->n[split] - 1 - i;
    float *inputs = tsr_alloc(n * floats, sizeof(*inputs));
    if (inputs)
        fuzz_succeeds(tsr_data_read(data, split, n, index, inputs, info->classes ? labels : NULL));
    free(inputs);
}

static void read_data(const char *settings)
{
    tsr_instance *instance = fuzz_instance(TSR_DATASET, settings);
    tsr_data *data = NULL;
    if (!instance)
        return;
    if (fuzz_succeeds(tsr_data_open(instance, &data))) {
        read_samples(data, TSR_TRAIN);
        read_samples(data, TSR_TEST);
        tsr_data_close(data);
    }
    tsr_instance_free(instance);
}

void fuzz_cifar(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin" };
    for (size_t i = 0; i < 5; i++)
        fuzz_put(names[i], bytes, length - length % 3073);
    fuzz_put(names[5], bytes, length);
    read_data("plugin = { plugin = \"cifar\"; path = \"@\"; }");
}

void fuzz_idx(const uint8_t *bytes, size_t length)
{
    fuzz_put_parts(bytes, length, 2, (const char *const[]){ "images.idx", "labels.idx" });
    read_data(
        "plugin = { plugin = \"idx\"; train_images = \"@/images.idx\"; train_labels = \"@/labels.idx\"; "
        "test_images = \"@/images.idx\"; test_labels = \"@/labels.idx\"; }");
}

static void put_picture(const char *folder, const char *name, fuzz_part part)
{
    char *whole = tsr_path_join(fuzz_folder(), folder), *file = tsr_path_join(folder, name);
    if (whole && file && fuzz_succeeds(tsr_make_folder(whole)))
        fuzz_put(file, part.bytes, part.length);
    free(whole);
    free(file);
}

/* Each part is a picture: PNG and JPEG are told apart by their first bytes. */
void fuzz_images(const uint8_t *bytes, size_t length)
{
    fuzz_part parts[2];
    fuzz_split(bytes, length, 2, parts);
    put_picture("pictures/a", "1.png", parts[0]);
    put_picture("pictures/b", "1.jpeg", parts[1].length ? parts[1] : parts[0]);
    read_data("plugin = { plugin = \"images\"; path = \"@/pictures\"; size = 8; test_fraction = 0.5; }");
}

void fuzz_matlab(const uint8_t *bytes, size_t length)
{
    fuzz_put("data.mat", bytes, length);
    read_data("plugin = { plugin = \"matlab\"; train = \"@/data.mat\"; test_fraction = 0.5; }");
}

void fuzz_npy(const uint8_t *bytes, size_t length)
{
    fuzz_put_parts(bytes, length, 3, (const char *const[]){ "data.npy", "labels.npy", "targets.npy" });
    read_data("plugin = { plugin = \"npy\"; train = \"@/data.npy\"; train_labels = \"@/labels.npy\"; "
              "test_fraction = 0.5; }");
    read_data("plugin = { plugin = \"npy\"; train = \"@/data.npy\"; train_targets = \"@/targets.npy\"; "
              "test = \"@/data.npy\"; test_targets = \"@/targets.npy\"; allow_nonfinite = true; "
              "layout = \"as_is\"; }");
}

void fuzz_npz(const uint8_t *bytes, size_t length)
{
    fuzz_put("data.npz", bytes, length);
    read_data("plugin = { plugin = \"npy\"; train = \"@/data.npz:x\"; train_labels = \"@/data.npz:y\"; "
              "test_fraction = 0.5; npz_limit = 1; }");
}

void fuzz_svmlight(const uint8_t *bytes, size_t length)
{
    fuzz_put("data.svm", bytes, length);
    read_data("plugin = { plugin = \"svmlight\"; train = \"@/data.svm\"; test_fraction = 0.3; }");
    read_data("plugin = { plugin = \"svmlight\"; train = \"@/data.svm\"; test = \"@/data.svm\"; top = 3; "
              "binary = true; }");
}

void fuzz_table(const uint8_t *bytes, size_t length)
{
    fuzz_put_parts(bytes, length, 2, (const char *const[]){ "train.csv", "test.csv" });
    read_data("plugin = { plugin = \"table\"; train = \"@/train.csv\"; test_fraction = 0.3; "
              "fill = \"mean\"; scale = \"standard\"; }");
    read_data("plugin = { plugin = \"table\"; train = \"@/train.csv\"; test = \"@/test.csv\"; "
              "header = false; scale = \"range\"; }");
}
