/* IDX files, the format of MNIST and its family: big-endian magic and dimensions, then bytes; plain or gzip,
   which zlib reads alike. A file is read whole and checked to its last byte before anything believes it;
   memory grows with what the file really holds, whatever its header promises. Bytes stay bytes until a batch
   is made. */
#include "data_file.h"
#include "pixels.h"

#include <tessera/dataset.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_DIMS 4
#define UNSIGNED_BYTES 0x0800u /* a magic is this and the number of dimensions */
#define HEADER_SIZE(dims) (4 + 4 * (size_t)(dims))
#define MAX_CLASSES 256 /* labels are bytes */
#define FIRST_CAPACITY ((size_t)1 << 16)
#define MAX_READ ((size_t)1 << 30) /* gzread counts in int */
#define ZLIB_BUFFER (1u << 17)
#define DIMS_TEXT (MAX_DIMS * sizeof("4294967295 x "))

/* An IDX file in memory. */
typedef struct idx_array {
    char *path;
    size_t n_dims, dims[MAX_DIMS];
    size_t length;
    unsigned char *bytes;
} idx_array;

enum { IMAGES, LABELS, N_ROLES };

typedef struct idx {
    const char *path, *fallback;
    const char *train_images, *train_labels, *test_images, *test_labels;
    int classes;

    idx_array arrays[2][N_ROLES]; /* by split */
    size_t size;                  /* bytes of an image */
} idx;

/* What an array must be, and how the folder's file is called. */
typedef struct idx_role {
    const char *stems[2]; /* by split */
    size_t min_dims, max_dims;
} idx_role;

static const idx_role roles[N_ROLES] = {
    [IMAGES] = { { "train-images", "t10k-images" }, 3, 4 },
    [LABELS] = { { "train-labels", "t10k-labels" }, 1, 1 },
};

static bool given(const char *path)
{
    return path && *path;
}

static tsr_status *no_memory(const char *path)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
}

/* Finding the files. */

static const char *explicit_path(const idx *data, tsr_split split, int which)
{
    if (split == TSR_TRAIN)
        return which == IMAGES ? data->train_images : data->train_labels;
    return which == IMAGES ? data->test_images : data->test_labels;
}

/* The folder of the standard names: `path`, or `fallback` where that is not there. Never both: files of two
   data sets would mix. */
static tsr_status *find_folder(const idx *data, const char **out)
{
    if (!given(data->path) && !given(data->fallback))
        return tsr_fail(TSR_REFUSED,
                        "no data named: set path, a folder of IDX files, or all of train_images, "
                        "train_labels, test_images and test_labels");
    const char *folders[] = { data->path, data->fallback };
    for (size_t i = 0; i < 2; i++)
        if (given(folders[i]) && access(folders[i], F_OK) == 0) {
            *out = folders[i];
            return NULL;
        }
    const char *first = given(data->path) ? data->path : data->fallback;
    bool both = given(data->path) && given(data->fallback);
    return tsr_fail(TSR_REFUSED, "%s: no such folder%s%s; tools/get-data fetches mnist and fashion-mnist",
                    first, both ? ", nor is there a " : "", both ? data->fallback : "");
}

static tsr_status *find_in_folder(const char *folder, tsr_split split, int which, char **out)
{
    const char *stem = roles[which].stems[split];
    for (size_t dims = roles[which].min_dims; dims <= roles[which].max_dims; dims++)
        for (int variant = 0; variant < 4; variant++) {
            if (asprintf(out, "%s/%s%cidx%zu-ubyte%s", folder, stem, variant & 1 ? '.' : '-', dims,
                         variant & 2 ? ".gz" : "") < 0)
                return no_memory(folder);
            if (access(*out, F_OK) == 0)
                return NULL;
            free(*out);
        }
    *out = NULL;
    return tsr_fail(TSR_REFUSED, "%s: no file %s-idx%zu-ubyte or %s.idx%zu-ubyte there, plain or .gz", folder,
                    stem, roles[which].min_dims, stem, roles[which].min_dims);
}

static tsr_status *find_file(const idx *data, tsr_split split, int which, char **out)
{
    const char *path = explicit_path(data, split, which);
    if (given(path)) {
        *out = strdup(path);
        return *out ? NULL : no_memory(path);
    }
    const char *folder = NULL;
    TSR_TRY(find_folder(data, &folder));
    return find_in_folder(folder, split, which, out);
}

/* Reading one. */

typedef struct reader {
    const char *path;
    gzFile stream;
    size_t file_size;
} reader;

static tsr_status *open_reader(const char *path, reader *in)
{
    int fd;
    size_t size;
    TSR_TRY(data_file_open(path, "one in IDX format", &fd, &size));
    *in = (reader){ .path = path, .stream = gzdopen(fd, "rb"), .file_size = size };
    if (!in->stream) {
        close(fd);
        return no_memory(path);
    }
    gzbuffer(in->stream, ZLIB_BUFFER);
    return NULL;
}

static tsr_status *stream_failure(const reader *in)
{
    int error;
    int system = errno;
    gzerror(in->stream, &error);
    if (error == Z_OK)
        return NULL;
    if (error == Z_BUF_ERROR)
        return tsr_fail(
            TSR_REFUSED,
            "%s: truncated gzip: the file ends at offset %zu, in the middle of its data (%lld bytes "
            "uncompressed)",
            in->path, in->file_size, (long long)gztell(in->stream));
    if (error == Z_MEM_ERROR)
        return no_memory(in->path);
    if (error == Z_ERRNO)
        return tsr_fail(TSR_IO, "%s: %s", in->path, strerror(system));
    return tsr_fail(TSR_REFUSED, "%s: damaged gzip, before offset %lld (after %lld bytes uncompressed)",
                    in->path, (long long)gzoffset(in->stream), (long long)gztell(in->stream));
}

/* Up to n bytes; *got is less only at the end of the file. */
static tsr_status *get(const reader *in, unsigned char *bytes, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        size_t wanted = n - *got < MAX_READ ? n - *got : MAX_READ;
        int count = gzread(in->stream, bytes + *got, (unsigned)wanted);
        if (count <= 0)
            return stream_failure(in);
        *got += (size_t)count;
    }
    return NULL;
}

/* How many bytes are left to read: for a message. */
static tsr_status *count_rest(const reader *in, size_t *rest)
{
    unsigned char chunk[1 << 14];
    size_t got;
    *rest = 0;
    do {
        TSR_TRY(get(in, chunk, sizeof(chunk), &got));
        *rest += got;
    } while (got == sizeof(chunk));
    return NULL;
}

static void dims_text(const idx_array *array, char *out)
{
    for (size_t i = 0; i < array->n_dims; i++)
        out += sprintf(out, i ? " x %zu" : "%zu", array->dims[i]);
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static tsr_status *read_magic(const reader *in, const idx_role *role, idx_array *out)
{
    unsigned char bytes[4];
    size_t got;
    TSR_TRY(get(in, bytes, sizeof(bytes), &got));
    if (got < sizeof(bytes))
        return tsr_fail(TSR_REFUSED, "%s: holds %zu bytes, expected at least the %zu of an IDX header",
                        in->path, got, HEADER_SIZE(role->min_dims));
    uint32_t magic = big_endian(bytes);
    out->n_dims = magic & 0xff;
    if ((magic & ~0xffu) == UNSIGNED_BYTES && out->n_dims >= role->min_dims && out->n_dims <= role->max_dims)
        return NULL;
    char other[32] = "";
    if (role->max_dims > role->min_dims)
        snprintf(other, sizeof(other), " or 0x%08x", UNSIGNED_BYTES + (unsigned)role->max_dims);
    return tsr_fail(TSR_REFUSED, "%s: offset 0: magic 0x%08x, expected 0x%08x%s (%s as unsigned bytes)",
                    in->path, magic, UNSIGNED_BYTES + (unsigned)role->min_dims, other,
                    role == &roles[IMAGES] ? "images" : "labels");
}

/* The dimensions, and in out->length how many bytes they promise behind the header. */
static tsr_status *read_dims(const reader *in, idx_array *out)
{
    unsigned char bytes[4 * MAX_DIMS];
    size_t got;
    TSR_TRY(get(in, bytes, 4 * out->n_dims, &got));
    if (got < 4 * out->n_dims)
        return tsr_fail(TSR_REFUSED, "%s: holds %zu bytes, expected at least the %zu of an IDX header",
                        in->path, 4 + got, HEADER_SIZE(out->n_dims));
    bool fits = true;
    out->length = 1;
    for (size_t i = 0; i < out->n_dims; i++) {
        out->dims[i] = big_endian(bytes + 4 * i);
        if (out->dims[i] == 0)
            return tsr_fail(TSR_REFUSED, "%s: offset %zu: dimension %zu of %zu is 0, expected at least 1",
                            in->path, 4 + 4 * i, i + 1, out->n_dims);
        fits = fits && !__builtin_mul_overflow(out->length, out->dims[i], &out->length);
    }
    if (fits && out->length <= PTRDIFF_MAX - HEADER_SIZE(MAX_DIMS))
        return NULL;
    char text[DIMS_TEXT];
    dims_text(out, text);
    return tsr_fail(TSR_REFUSED, "%s: offset 4: dimensions %s are more than memory can hold", in->path, text);
}

static tsr_status *wrong_length(const reader *in, const idx_array *array, size_t holds)
{
    char text[DIMS_TEXT];
    dims_text(array, text);
    size_t header = HEADER_SIZE(array->n_dims);
    return tsr_fail(TSR_REFUSED,
                    "%s: offset 4: dimensions %s promise %zu bytes in all, but the file holds %zu", in->path,
                    text, header + array->length, header + holds);
}

/* Room grows only as fast as it is filled, so that a header's lie costs nothing. */
static tsr_status *read_bytes(const reader *in, idx_array *out)
{
    size_t used = 0, capacity = 0, got = 0;
    do {
        size_t wanted = capacity                         ? 2 * capacity
                        : in->file_size > FIRST_CAPACITY ? in->file_size
                                                         : FIRST_CAPACITY;
        capacity = wanted < out->length ? wanted : out->length;
        unsigned char *grown = realloc(out->bytes, capacity);
        if (!grown)
            return no_memory(in->path);
        out->bytes = grown;
        pixels_wish_pages(grown, capacity);
        TSR_TRY(get(in, out->bytes + used, capacity - used, &got));
        used += got;
    } while (used == capacity && capacity < out->length);
    if (used < out->length)
        return wrong_length(in, out, used);
    size_t rest; /* to the very end, where gzip keeps its checksum */
    TSR_TRY(count_rest(in, &rest));
    return rest ? wrong_length(in, out, used + rest) : NULL;
}

static tsr_status *load(const idx_role *role, idx_array *out)
{
    reader in;
    TSR_TRY(open_reader(out->path, &in));
    tsr_status *status = read_magic(&in, role, out);
    if (!status)
        status = read_dims(&in, out);
    if (!status)
        status = read_bytes(&in, out);
    gzclose_r(in.stream);
    return status;
}

/* Checking them against each other. */

static tsr_shape image_shape(const idx_array *images)
{
    size_t last = images->n_dims - 1;
    return TSR_SHAPE(images->n_dims == 4 ? images->dims[1] : 1, images->dims[last - 1], images->dims[last]);
}

static tsr_status *check_counts(const idx *data)
{
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++) {
        const idx_array *images = &data->arrays[split][IMAGES], *labels = &data->arrays[split][LABELS];
        if (images->dims[0] != labels->dims[0])
            return tsr_fail(TSR_REFUSED,
                            "%s: offset 4: %zu labels, expected one for each of the %zu images of %s",
                            labels->path, labels->dims[0], images->dims[0], images->path);
    }
    return NULL;
}

static tsr_status *check_shapes(const idx *data)
{
    const idx_array *train_images = &data->arrays[TSR_TRAIN][IMAGES],
                    *test_images = &data->arrays[TSR_TEST][IMAGES];
    tsr_shape train = image_shape(train_images), test = image_shape(test_images);
    if (tsr_shape_equal(train, test))
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "%s: offset 8: images of shape %zu x %zu x %zu, expected %zu x %zu x %zu as in %s",
                    test_images->path, test.dims[0], test.dims[1], test.dims[2], train.dims[0], train.dims[1],
                    train.dims[2], train_images->path);
}

static tsr_status *check_labels(const idx_array *labels, int classes)
{
    for (size_t i = 0; i < labels->length; i++)
        if (labels->bytes[i] >= classes)
            return tsr_fail(TSR_REFUSED, "%s: offset %zu: label %zu is %d, expected 0 to %d as classes is %d",
                            labels->path, HEADER_SIZE(1) + i, i, labels->bytes[i], classes - 1, classes);
    return NULL;
}

static int largest_label(const idx_array *labels)
{
    int largest = 0;
    for (size_t i = 0; i < labels->length; i++)
        if (labels->bytes[i] > largest)
            largest = labels->bytes[i];
    return largest;
}

static int count_classes(const idx *data)
{
    if (data->classes > 0)
        return data->classes;
    int train = largest_label(&data->arrays[TSR_TRAIN][LABELS]),
        test = largest_label(&data->arrays[TSR_TEST][LABELS]);
    int largest = train > test ? train : test;
    return largest < 1 ? 2 : 1 + largest;
}

/* The plugin's operations. */

static void close_idx(void *self)
{
    idx *data = self;
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (int which = 0; which < N_ROLES; which++) {
            free(data->arrays[split][which].path);
            free(data->arrays[split][which].bytes);
            data->arrays[split][which] = (idx_array){ 0 };
        }
}

static tsr_status *load_all(idx *data)
{
    /* All four are found before any is read: a name that is wrong is told at once. */
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (int which = 0; which < N_ROLES; which++)
            TSR_TRY(find_file(data, split, which, &data->arrays[split][which].path));
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (int which = 0; which < N_ROLES; which++)
            TSR_TRY(load(&roles[which], &data->arrays[split][which]));
    TSR_TRY(check_counts(data));
    TSR_TRY(check_shapes(data));
    int classes = count_classes(data);
    TSR_TRY(check_labels(&data->arrays[TSR_TRAIN][LABELS], classes));
    return check_labels(&data->arrays[TSR_TEST][LABELS], classes);
}

static tsr_status *open_idx(void *self, tsr_dataset_info *info)
{
    idx *data = self;
    tsr_status *status = load_all(data);
    if (status) {
        close_idx(data);
        return status;
    }
    tsr_shape shape = image_shape(&data->arrays[TSR_TRAIN][IMAGES]);
    data->size = tsr_shape_size(shape);
    *info = (tsr_dataset_info){
        .n = { data->arrays[TSR_TRAIN][IMAGES].dims[0], data->arrays[TSR_TEST][IMAGES].dims[0] },
        .shape = shape,
        .classes = count_classes(data),
    };
    return NULL;
}

static void read_idx(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                     int32_t *labels)
{
    const idx *data = self;
    const idx_array *arrays = data->arrays[split];
    for (size_t i = 0; i < n; i++) {
        if (inputs && i + PIXELS_AHEAD < n)
            pixels_fetch(data->size, arrays[IMAGES].bytes + index[i + PIXELS_AHEAD] * data->size);
        if (inputs)
            pixels_scale(data->size, arrays[IMAGES].bytes + index[i] * data->size, inputs + i * data->size);
        if (labels)
            labels[i] = arrays[LABELS].bytes[index[i]];
    }
}

static const tsr_dataset_ops ops = { .open = open_idx, .read = read_idx, .close = close_idx };

static const tsr_key keys[] = {
    TSR_KEY_PATH(idx, path, NULL, "folder of train-images-idx3-ubyte and the three others, plain or .gz"),
    TSR_KEY_PATH(idx, fallback, NULL, "folder to take where there is no folder at path"),
    TSR_KEY_PATH(idx, train_images, NULL, "file of the training images, in place of the folder's"),
    TSR_KEY_PATH(idx, train_labels, NULL, "file of the training labels, in place of the folder's"),
    TSR_KEY_PATH(idx, test_images, NULL, "file of the test images, in place of the folder's"),
    TSR_KEY_PATH(idx, test_labels, NULL, "file of the test labels, in place of the folder's"),
    TSR_KEY_INT(idx, classes, 0, 0, MAX_CLASSES,
                "number of classes; 0: the largest label and one, at least 2"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "idx",
    .version = "1.0.0",
    .summary = "images and labels in IDX files, plain or gzip: MNIST and its family",
    .licence = "MIT",
    TSR_INSTANCE(idx),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
