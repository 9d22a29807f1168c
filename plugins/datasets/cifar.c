/* CIFAR-10 and CIFAR-100 in their binary format: a folder of files without headers, each a row of records of
   label bytes and 3 x 32 x 32 pixels. The files are mapped, so that processes share them; lengths and labels
   are checked when they are opened, and bytes become floats when a batch is made. */
#include "data_file.h"
#include "pixels.h"

#include <tessera/dataset.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHANNELS 3
#define SIDE 32
#define PIXELS ((size_t)CHANNELS * SIDE * SIDE)
#define MAX_FILES 5
#define MAX_LABELS 2
#define MAX_NAMES ((size_t)1 << 16)

/* One of the labels that a record begins with. */
typedef struct label_kind {
    const char *word; /* what the key `labels` calls it */
    int classes;
    const char *names_file; /* a class per line; may be missing */
    const char *const *names;
} label_kind;

/* A file of the folder, mapped. */
typedef struct cifar_file {
    char *path;
    size_t length, n; /* bytes, records */
    const unsigned char *bytes;
} cifar_file;

typedef struct cifar_format {
    const char *name;
    const char *files[2][MAX_FILES]; /* by split */
    size_t n_files[2];
    size_t n_labels; /* bytes before the pixels */
    label_kind labels[MAX_LABELS];
} cifar_format;

static const char *const cifar10_names[] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                             "dog",      "frog",       "horse", "ship", "truck" };

static const cifar_format formats[] = {
    { .name = "CIFAR-10",
      .files = { { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                   "data_batch_5.bin" },
                 { "test_batch.bin" } },
      .n_files = { 5, 1 },
      .n_labels = 1,
      .labels = { { "fine", 10, "batches.meta.txt", cifar10_names } } },
    { .name = "CIFAR-100",
      .files = { { "train.bin" }, { "test.bin" } },
      .n_files = { 1, 1 },
      .n_labels = 2,
      .labels = { { "coarse", 20, "coarse_label_names.txt", NULL },
                  { "fine", 100, "fine_label_names.txt", NULL } } },
};
enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const char *const words[] = { "fine", "coarse", NULL };

typedef struct cifar {
    const char *path;
    int labels; /* index into words */

    const cifar_format *format;
    size_t label; /* which of the record's */
    cifar_file files[2][MAX_FILES];
    char *names_text;
    const char **names;
} cifar;

static tsr_status *no_memory(const char *path)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
}

static size_t record_size(const cifar_format *format)
{
    return format->n_labels + PIXELS;
}

/* Finding the files. */

static tsr_status *join(const char *folder, const char *name, char **out)
{
    if (asprintf(out, "%s/%s", folder, name) >= 0)
        return NULL;
    *out = NULL;
    return no_memory(folder);
}

static tsr_status *find_file(const char *folder, const char *name, bool *found)
{
    char *path;
    TSR_TRY(join(folder, name, &path));
    *found = access(path, F_OK) == 0;
    free(path);
    return NULL;
}

/* Which of the two the folder holds, by the first file of either. */
static tsr_status *find_format(cifar *data)
{
    if (!data->path || !*data->path)
        return tsr_fail(TSR_REFUSED, "no data named: set path, a folder of CIFAR's .bin files");
    for (size_t i = 0; i < N_FORMATS; i++) {
        bool found;
        TSR_TRY(find_file(data->path, formats[i].files[TSR_TRAIN][0], &found));
        if (found) {
            data->format = &formats[i];
            return NULL;
        }
    }
    return tsr_fail(TSR_REFUSED,
                    "%s: no file %s (%s) or %s (%s) there; tools/get-data cifar10 fetches CIFAR-10",
                    data->path, formats[0].files[TSR_TRAIN][0], formats[0].name,
                    formats[1].files[TSR_TRAIN][0], formats[1].name);
}

static tsr_status *find_label(cifar *data)
{
    const char *word = words[data->labels];
    for (data->label = 0; data->label < data->format->n_labels; data->label++)
        if (strcmp(data->format->labels[data->label].word, word) == 0)
            return NULL;
    return tsr_fail(TSR_REFUSED, "%s: %s has no %s labels, expected labels = \"%s\"", data->path,
                    data->format->name, word, data->format->labels[0].word);
}

/* All are found before any is read. */
static tsr_status *find_all(cifar *data)
{
    const cifar_format *format = data->format;
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (size_t i = 0; i < format->n_files[split]; i++) {
            bool found;
            TSR_TRY(find_file(data->path, format->files[split][i], &found));
            if (!found)
                return tsr_fail(TSR_REFUSED,
                                "%s: no file %s there, which belongs to %s; tools/get-data cifar10 fetches "
                                "CIFAR-10",
                                data->path, format->files[split][i], format->name);
        }
    return NULL;
}

/* Reading them. */

static tsr_status *map_file(int fd, cifar_file *file)
{
    void *bytes = mmap(NULL, file->length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return tsr_fail(TSR_IO, "%s: cannot be mapped: %s", file->path, strerror(errno));
    file->bytes = bytes;
    return NULL;
}

static tsr_status *open_file(const cifar_format *format, cifar_file *file)
{
    int fd;
    TSR_TRY(data_file_open(file->path, "one of CIFAR's .bin files", &fd, &file->length));
    size_t record = record_size(format);
    file->n = file->length / record;
    tsr_status *status = NULL;
    if (file->length == 0 || file->length % record != 0)
        status = tsr_fail(TSR_REFUSED,
                          "%s: holds %zu bytes, expected a multiple of %zu: %s has records of %zu label "
                          "byte%s and %zu pixel bytes, and at offset %zu there is no whole one",
                          file->path, file->length, record, format->name, format->n_labels,
                          format->n_labels == 1 ? "" : "s", PIXELS, file->n * record);
    if (!status)
        status = map_file(fd, file);
    close(fd);
    return status;
}

static tsr_status *check_labels(const cifar_format *format, const cifar_file *file)
{
    size_t record = record_size(format);
    for (size_t i = 0; i < file->n; i++)
        for (size_t j = 0; j < format->n_labels; j++) {
            int label = file->bytes[i * record + j], classes = format->labels[j].classes;
            if (label >= classes)
                return tsr_fail(TSR_REFUSED,
                                "%s: offset %zu: the %s label of image %zu is %d, expected 0 to %d",
                                file->path, i * record + j, format->labels[j].word, i, label, classes - 1);
        }
    return NULL;
}

/* The names' file. */

static tsr_status *read_names(const char *path, char **out)
{
    int fd;
    size_t size;
    TSR_TRY(data_file_open(path, "a text with a class per line", &fd, &size));
    tsr_status *status = NULL;
    ssize_t got = 0;
    if (size > MAX_NAMES)
        status = tsr_fail(TSR_REFUSED, "%s: holds %zu bytes, expected at most %zu", path, size, MAX_NAMES);
    else if (!(*out = calloc(1, size + 1)))
        status = no_memory(path);
    else if ((got = read(fd, *out, size)) < 0)
        status = tsr_fail(TSR_IO, "%s: %s", path, strerror(errno));
    close(fd);
    for (ssize_t i = 0; !status && i < got; i++) {
        unsigned char c = (unsigned char)(*out)[i];
        if ((c < ' ' && c != '\r' && c != '\n') || c == 0x7f)
            status = tsr_fail(TSR_REFUSED, "%s: offset %zd: byte 0x%02x, expected text", path, i, c);
    }
    return status;
}

static tsr_status *split_names(cifar *data, const char *path, int classes)
{
    int n = 0;
    data->names = calloc((size_t)classes, sizeof(*data->names));
    if (!data->names)
        return no_memory(path);
    char *rest = NULL;
    for (char *name = strtok_r(data->names_text, "\r\n", &rest); name; name = strtok_r(NULL, "\r\n", &rest)) {
        if (n < classes)
            data->names[n] = name;
        n++;
    }
    return n == classes ? NULL
                        : tsr_fail(TSR_REFUSED, "%s: names %d classes, expected %d of %s", path, n, classes,
                                   data->format->name);
}

static tsr_status *load_names(cifar *data)
{
    const label_kind *label = &data->format->labels[data->label];
    bool found;
    char *path;
    TSR_TRY(find_file(data->path, label->names_file, &found));
    if (!found)
        return NULL;
    TSR_TRY(join(data->path, label->names_file, &path));
    tsr_status *status = read_names(path, &data->names_text);
    if (!status)
        status = split_names(data, path, label->classes);
    free(path);
    return status;
}

/* The plugin's operations. */

static void close_cifar(void *self)
{
    cifar *data = self;
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (size_t i = 0; i < MAX_FILES; i++) {
            cifar_file *file = &data->files[split][i];
            if (file->bytes)
                munmap((void *)(uintptr_t)file->bytes, file->length);
            free(file->path);
            *file = (cifar_file){ 0 };
        }
    free(data->names);
    free(data->names_text);
    data->names = NULL;
    data->names_text = NULL;
}

static tsr_status *load_all(cifar *data)
{
    TSR_TRY(find_format(data));
    TSR_TRY(find_label(data));
    TSR_TRY(find_all(data));
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (size_t i = 0; i < data->format->n_files[split]; i++) {
            cifar_file *file = &data->files[split][i];
            TSR_TRY(join(data->path, data->format->files[split][i], &file->path));
            TSR_TRY(open_file(data->format, file));
            TSR_TRY(check_labels(data->format, file));
        }
    return load_names(data);
}

static size_t count_images(const cifar *data, tsr_split split)
{
    size_t n = 0;
    for (size_t i = 0; i < data->format->n_files[split]; i++)
        n += data->files[split][i].n;
    return n;
}

static tsr_status *open_cifar(void *self, tsr_dataset_info *info)
{
    cifar *data = self;
    tsr_status *status = load_all(data);
    if (status) {
        close_cifar(data);
        return status;
    }
    const label_kind *label = &data->format->labels[data->label];
    *info = (tsr_dataset_info){
        .n = { count_images(data, TSR_TRAIN), count_images(data, TSR_TEST) },
        .shape = TSR_SHAPE(CHANNELS, SIDE, SIDE),
        .classes = label->classes,
        .class_names = data->names ? data->names : label->names,
    };
    return NULL;
}

static const unsigned char *record_of(const cifar *data, tsr_split split, size_t index)
{
    const cifar_file *file = data->files[split];
    while (index >= file->n)
        index -= file++->n;
    return file->bytes + index * record_size(data->format);
}

static void read_cifar(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                       int32_t *labels)
{
    const cifar *data = self;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *record = record_of(data, split, index[i]);
        const unsigned char *pixels = record + data->format->n_labels;
        if (inputs && i + PIXELS_AHEAD < n)
            pixels_fetch(PIXELS, record_of(data, split, index[i + PIXELS_AHEAD]) + data->format->n_labels);
        if (inputs)
            pixels_scale(PIXELS, pixels, inputs + i * PIXELS);
        if (labels)
            labels[i] = record[data->label];
    }
}

static const tsr_dataset_ops ops = { .open = open_cifar, .read = read_cifar, .close = close_cifar };

static const tsr_key keys[] = {
    TSR_KEY_PATH(cifar, path, "~/.cache/tessera/cifar10",
                 "folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin (CIFAR-10) or of "
                 "train.bin and test.bin (CIFAR-100)"),
    TSR_KEY_ENUM(cifar, labels, "fine", words, "CIFAR-100: the 100 fine or the 20 coarse classes"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "cifar",
    .version = "1.0.0",
    .summary = "colour images of 32 x 32 pixels: CIFAR-10 and CIFAR-100, binary version",
    .licence = "MIT",
    TSR_INSTANCE(cifar),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
