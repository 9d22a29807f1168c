/* MATLAB files of images and labels, SVHN's form: an array of height x width x channels x images, columns
   first, and one of labels. Each image is turned once into rows of planes, and its bytes become floats when a
   batch is made. */
#include "data_file.h"
#include "pixels.h"
#include "split.h"

#include <tessera/dataset.h>

#include <matio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CLASSES 65536
#define MAX_EXPANSION 1100 /* times a compressed file's length; zlib's best is 1,032 */
#define HEADER_ROOM 65536  /* bytes that a promise may be too small by */

/* One file's two arrays. */
typedef struct matlab_file {
    matvar_t *images;
    size_t n; /* images, and labels */
    size_t h, w, channels;
    unsigned char *bytes; /* in images */
} matlab_file;

typedef struct matlab {
    const char *train, *test, *images, *labels;
    bool ten_is_zero;
    int classes;
    double subtract;
    split_choice split;

    matlab_file files[2];
    int32_t *all_labels; /* of both files */
    int n_classes;
    size_t size; /* of an image */
    size_t n[2];
    size_t *order; /* of the images, training ones first; NULL: as they are */
} matlab;

static bool given(const char *text)
{
    return text && *text;
}

static tsr_status *no_memory(const char *path)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
}

/* The library would print; what is wrong is told by whoever asked it. In older versions of the library
   the message is not const. */
static void be_silent(int level, const char *message)
{
    (void)level;
    (void)message;
}

static void be_silent_before(int level, char *message)
{
    be_silent(level, message);
}

typedef int log_before(const char *name, void (*log)(int level, char *message));
#define SILENCE _Generic(&Mat_LogInitFunc, log_before *: be_silent_before, default: be_silent)

/* Finding an array, and checking it before memory is taken for it. */

static tsr_status *open_mat(const char *path, mat_t **out, size_t *length)
{
    int fd;
    TSR_TRY(data_file_exists(path));
    TSR_TRY(data_file_open(path, "a MATLAB file", &fd, length));
    close(fd);
    Mat_LogInitFunc("tessera", SILENCE);
    *out = Mat_Open(path, MAT_ACC_RDONLY);
    if (!*out)
        return tsr_fail(TSR_REFUSED, "%s: no MATLAB file, expected one of version 5 or 7.3", path);
    if (Mat_GetVersion(*out) == MAT_FT_MAT4) {
        Mat_Close(*out);
        return tsr_fail(TSR_REFUSED, "%s: no MATLAB file of version 5 or 7.3, expected one", path);
    }
    return NULL;
}

/* Elements, or 0 where they do not fit. */
static size_t count_elements(const matvar_t *variable)
{
    size_t n = 1;
    for (int i = 0; i < variable->rank; i++)
        if (__builtin_mul_overflow(n, variable->dims[i], &n))
            return 0;
    return n;
}

static tsr_status *find_array(const char *path, mat_t *mat, const char *name, size_t length, matvar_t **out)
{
    matvar_t *variable = Mat_VarReadInfo(mat, name);
    if (!variable)
        return tsr_fail(TSR_REFUSED, "%s: no array '%s' that can be read, expected one", path, name);
    tsr_status *status = NULL;
    size_t n = variable->dims && variable->rank > 0 ? count_elements(variable) : 0, bytes;
    if (n == 0)
        status = tsr_fail(TSR_REFUSED, "%s: array '%s' is empty or too large, expected images or labels",
                          path, name);
    else if (variable->isComplex)
        status = tsr_fail(TSR_REFUSED, "%s: array '%s' is complex, expected real numbers", path, name);
    else if (__builtin_mul_overflow(length, MAX_EXPANSION, &bytes) || n > bytes + HEADER_ROOM)
        status = tsr_fail(
            TSR_REFUSED,
            "%s: array '%s' promises %zu elements, expected at most %d for each of the file's %zu bytes",
            path, name, n, MAX_EXPANSION, length);
    if (status)
        Mat_VarFree(variable);
    else
        *out = variable;
    return status;
}

static tsr_status *read_array(const char *path, mat_t *mat, const char *name, matvar_t *variable,
                              size_t element)
{
    size_t n = count_elements(variable);
    if (Mat_VarReadDataAll(mat, variable) == 0 && variable->data && variable->nbytes / element >= n &&
        variable->data_size == (int)element)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s: array '%s' is damaged or cut off, expected its %zu elements", path,
                    name, n);
}

/* Images. */

static tsr_status *check_images(const char *path, const char *name, const matvar_t *variable)
{
    if (variable->class_type != MAT_C_UINT8 || variable->isLogical)
        return tsr_fail(TSR_REFUSED, "%s: array '%s' is not of uint8, expected pixels from 0 to 255", path,
                        name);
    if (variable->rank == 3 || (variable->rank == 4 && (variable->dims[2] == 1 || variable->dims[2] == 3)))
        return NULL;
    return tsr_fail(
        TSR_REFUSED,
        "%s: array '%s' has %d dimensions%s, expected height x width x images, or height x width x 1 or "
        "3 x images",
        path, name, variable->rank, variable->rank == 4 ? " and neither 1 nor 3 channels" : "");
}

static tsr_status *take_images(const char *path, mat_t *mat, const char *name, size_t length,
                               matlab_file *out)
{
    TSR_TRY(find_array(path, mat, name, length, &out->images));
    TSR_TRY(check_images(path, name, out->images));
    TSR_TRY(read_array(path, mat, name, out->images, 1));
    out->h = out->images->dims[0];
    out->w = out->images->dims[1];
    out->channels = out->images->rank == 4 ? out->images->dims[2] : 1;
    out->n = out->images->dims[out->images->rank - 1];
    out->bytes = out->images->data;
    return NULL;
}

/* Columns become rows, in each plane by itself. */
static tsr_status *turn_planes(const char *path, matlab_file *file)
{
    size_t plane = file->h * file->w;
    unsigned char *copy = malloc(plane);
    if (!copy)
        return no_memory(path);
    for (size_t i = 0; i < file->n * file->channels; i++) {
        unsigned char *pixels = file->bytes + i * plane;
        memcpy(copy, pixels, plane);
        for (size_t x = 0; x < file->w; x++)
            for (size_t y = 0; y < file->h; y++)
                pixels[y * file->w + x] = copy[x * file->h + y];
    }
    free(copy);
    return NULL;
}

/* Labels. */

#define ELEMENT(type) (double)((const type *)variable->data)[i]

static double element(const matvar_t *variable, size_t i)
{
    switch (variable->class_type) {
    case MAT_C_DOUBLE:
        return ELEMENT(double);
    case MAT_C_SINGLE:
        return ELEMENT(float);
    case MAT_C_INT8:
        return ELEMENT(int8_t);
    case MAT_C_UINT8:
        return ELEMENT(uint8_t);
    case MAT_C_INT16:
        return ELEMENT(int16_t);
    case MAT_C_UINT16:
        return ELEMENT(uint16_t);
    case MAT_C_INT32:
        return ELEMENT(int32_t);
    case MAT_C_UINT32:
        return ELEMENT(uint32_t);
    case MAT_C_INT64:
        return ELEMENT(int64_t);
    case MAT_C_UINT64:
        return ELEMENT(uint64_t);
    default:
        return (double)NAN;
    }
}

/* Bytes of an element, or 0 where it is no number. */
static size_t element_size(const matvar_t *variable)
{
    switch (variable->class_type) {
    case MAT_C_DOUBLE:
    case MAT_C_INT64:
    case MAT_C_UINT64:
        return 8;
    case MAT_C_SINGLE:
    case MAT_C_INT32:
    case MAT_C_UINT32:
        return 4;
    case MAT_C_INT16:
    case MAT_C_UINT16:
        return 2;
    case MAT_C_INT8:
    case MAT_C_UINT8:
        return 1;
    default:
        return 0;
    }
}

static tsr_status *check_label_array(const matlab *data, const char *path, const matvar_t *variable, size_t n)
{
    if (element_size(variable) == 0)
        return tsr_fail(TSR_REFUSED, "%s: array '%s' holds no numbers, expected labels", path, data->labels);
    if (variable->rank != 2 || (variable->dims[0] != 1 && variable->dims[1] != 1))
        return tsr_fail(TSR_REFUSED, "%s: array '%s' is neither a row nor a column, expected labels", path,
                        data->labels);
    if (count_elements(variable) != n)
        return tsr_fail(TSR_REFUSED,
                        "%s: array '%s' has %zu labels, expected one for each of the %zu images of '%s'",
                        path, data->labels, count_elements(variable), n, data->images);
    return NULL;
}

static tsr_status *convert_labels(const matlab *data, const char *path, const matvar_t *variable, size_t n,
                                  int32_t *out)
{
    int most = (data->classes ? data->classes : MAX_CLASSES) - 1;
    for (size_t i = 0; i < n; i++) {
        double label = element(variable, i);
        if (data->ten_is_zero && label == 10)
            label = 0;
        if (!(label >= 0 && label <= most) || label != floor(label))
            return tsr_fail(TSR_REFUSED,
                            "%s: array '%s': label %zu is %g, expected a whole number from 0 to %d", path,
                            data->labels, i, label, most);
        out[i] = (int32_t)label;
    }
    return NULL;
}

/* Behind the `before` labels that are there. */
static tsr_status *take_labels(matlab *data, const char *path, mat_t *mat, size_t length, size_t before,
                               size_t n)
{
    matvar_t *variable = NULL;
    int32_t *grown = realloc(data->all_labels, (before + n) * sizeof(*grown));
    if (!grown)
        return no_memory(path);
    data->all_labels = grown;
    TSR_TRY(find_array(path, mat, data->labels, length, &variable));
    tsr_status *status = check_label_array(data, path, variable, n);
    if (!status)
        status = read_array(path, mat, data->labels, variable, element_size(variable));
    if (!status)
        status = convert_labels(data, path, variable, n, grown + before);
    Mat_VarFree(variable);
    return status;
}

/* Both files. */

static tsr_status *read_file(matlab *data, const char *path, matlab_file *file, size_t before)
{
    mat_t *mat;
    size_t length;
    TSR_TRY(open_mat(path, &mat, &length));
    tsr_status *status = take_images(path, mat, data->images, length, file);
    if (!status)
        status = take_labels(data, path, mat, length, before, file->n);
    Mat_Close(mat);
    return status ? status : turn_planes(path, file);
}

static tsr_status *check_keys(const matlab *data)
{
    if (!given(data->train))
        return tsr_fail(TSR_REFUSED, "no data named: set train, and test or test_fraction");
    if (given(data->test) && data->split.test_fraction > 0)
        return tsr_fail(TSR_REFUSED, "both test and test_fraction are set, expected one of them");
    if (!given(data->images) || !given(data->labels))
        return tsr_fail(TSR_REFUSED, "images or labels is empty, expected the names of two arrays");
    return NULL;
}

static tsr_status *read_test(matlab *data)
{
    const matlab_file *train = &data->files[TSR_TRAIN], *test = &data->files[TSR_TEST];
    if (!given(data->test))
        return split_samples(&data->split, data->train, train->n, &data->order, &data->n[TSR_TRAIN]);
    TSR_TRY(read_file(data, data->test, &data->files[TSR_TEST], train->n));
    data->n[TSR_TRAIN] = train->n;
    if (train->h == test->h && train->w == test->w && train->channels == test->channels)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s: images of %zu x %zu x %zu, expected %zu x %zu x %zu as in %s",
                    data->test, test->h, test->w, test->channels, train->h, train->w, train->channels,
                    data->train);
}

static tsr_status *count_classes(matlab *data)
{
    int32_t least = INT32_MAX, most = 0;
    size_t n = data->n[TSR_TRAIN] + data->n[TSR_TEST];
    for (size_t i = 0; i < n; i++) {
        least = data->all_labels[i] < least ? data->all_labels[i] : least;
        most = data->all_labels[i] > most ? data->all_labels[i] : most;
    }
    if (least == most)
        return tsr_fail(TSR_REFUSED, "%s: every label is %d, expected at least two classes", data->train,
                        least);
    data->n_classes = data->classes ? data->classes : most + 1;
    return NULL;
}

static tsr_status *load(matlab *data)
{
    TSR_TRY(check_keys(data));
    TSR_TRY(read_file(data, data->train, &data->files[TSR_TRAIN], 0));
    TSR_TRY(read_test(data));
    data->n[TSR_TEST] = data->files[TSR_TRAIN].n + data->files[TSR_TEST].n - data->n[TSR_TRAIN];
    return count_classes(data);
}

/* The plugin's operations. */

static void close_matlab(void *self)
{
    matlab *data = self;
    for (size_t i = 0; i < 2; i++) {
        if (data->files[i].images)
            Mat_VarFree(data->files[i].images);
        data->files[i] = (matlab_file){ 0 };
    }
    free(data->all_labels);
    free(data->order);
    data->all_labels = NULL;
    data->order = NULL;
}

static tsr_status *open_matlab(void *self, tsr_dataset_info *info)
{
    matlab *data = self;
    tsr_status *status = load(data);
    if (status) {
        close_matlab(data);
        return status;
    }
    const matlab_file *file = &data->files[TSR_TRAIN];
    data->size = file->channels * file->h * file->w;
    *info = (tsr_dataset_info){
        .n = { data->n[TSR_TRAIN], data->n[TSR_TEST] },
        .shape = TSR_SHAPE(file->channels, file->h, file->w),
        .classes = data->n_classes,
    };
    return NULL;
}

static size_t place_of(const matlab *data, tsr_split split, size_t index)
{
    size_t place = split == TSR_TRAIN ? index : data->n[TSR_TRAIN] + index;
    return data->order ? data->order[place] : place;
}

static const unsigned char *pixels_of(const matlab *data, size_t place)
{
    const matlab_file *first = &data->files[TSR_TRAIN];
    return place < first->n ? first->bytes + place * data->size
                            : data->files[TSR_TEST].bytes + (place - first->n) * data->size;
}

static void read_matlab(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                        int32_t *labels)
{
    const matlab *data = self;
    size_t size = data->size;
    float subtract = (float)data->subtract;
    for (size_t i = 0; i < n; i++) {
        size_t place = place_of(data, split, index[i]);
        if (labels)
            labels[i] = data->all_labels[place];
        if (!inputs)
            continue;
        float *out = inputs + i * size;
        if (i + PIXELS_AHEAD < n)
            pixels_fetch(size, pixels_of(data, place_of(data, split, index[i + PIXELS_AHEAD])));
        pixels_scale(size, pixels_of(data, place), out);
        for (size_t j = 0; subtract != 0 && j < size; j++)
            out[j] -= subtract;
    }
}

static const tsr_dataset_ops ops = { .open = open_matlab, .read = read_matlab, .close = close_matlab };

static const tsr_key keys[] = {
    TSR_KEY_PATH(matlab, train, NULL, "file of the training images, or of all where there is no test file"),
    TSR_KEY_PATH(matlab, test, NULL, "file of the test images"),
    SPLIT_KEYS(matlab),
    TSR_KEY_STRING(matlab, images, "X", "array of uint8: height x width x images, or x channels x images"),
    TSR_KEY_STRING(matlab, labels, "y", "array of the labels: a row or a column"),
    TSR_KEY_BOOL(matlab, ten_is_zero, false, "label 10 means class 0, as in SVHN"),
    TSR_KEY_INT(matlab, classes, 0, 0, MAX_CLASSES, "number of classes; 0: the largest label and one"),
    TSR_KEY_REAL(matlab, subtract, 0.0, 0.0, 1.0, "what is taken off every pixel, which is 0 to 1"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "matlab",
    .version = "1.0.0",
    .summary = "images and labels in MATLAB files: SVHN",
    .licence = "MIT",
    TSR_INSTANCE(matlab),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
