/* NumPy's arrays: .npy files, mapped, so that only what a batch reads is in memory, and .npz archives,
   expanded into memory. Every label and, unless it is allowed, every value is looked at before training: what
   is not finite is refused with its index. */
#include "data_file.h"
#include "npz.h"
#include "split.h"

#include <tessera/dataset.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLASSES (1 << 20)
#define CHUNK 4096 /* values looked at together */

enum { CHANNELS_FIRST, CHANNELS_LAST, AS_IS };
static const char *const layouts[] = { "channels_first", "channels_last", "as_is", NULL };

/* An array, and the memory that it came in where that is ours. */
typedef struct source {
    const char *path;
    tsr_array *array;
    tsr_array samples; /* a view: sample by sample, channels first */
    unsigned char *bytes;
} source;

enum { INPUTS, LABELS, N_ROLES };

typedef struct npy {
    const char *paths[2][N_ROLES]; /* by split */
    split_choice split;
    int layout;
    double divide_by, subtract;
    int classes;
    bool allow_nonfinite;
    int64_t npz_limit;

    source sources[2][N_ROLES];
    int32_t *labels[2];
    size_t *order; /* where one set is told apart; else NULL */
    size_t n[2], size;
    tsr_shape shape;
    int n_classes;
} npy;

static bool given(const char *path)
{
    return path && *path;
}

/* --- reading --- */

static tsr_status *open_source(const npy *data, const char *path, source *out)
{
    out->path = path;
    if (npz_is_named(path))
        return npz_open(path, (size_t)data->npz_limit << 20, &out->array, &out->bytes);
    TSR_TRY(data_file_exists(path));
    return tsr_npy_open(path, &out->array);
}

/* The dimensions of a sample, in the order of the array, brought into ours: the view's dims and strides. */
static tsr_status *view_samples(const npy *data, source *s)
{
    const tsr_array *array = s->array;
    s->samples = *array;
    size_t n = array->n_dims, limit = data->layout == AS_IS ? TSR_MAX_DIMS + 1 : 4;
    if (n < 2 || n > limit)
        return tsr_fail(
            TSR_REFUSED,
            "%s: an array of %zu dimensions, expected 2 to %zu: samples first, then what each has", s->path,
            n, limit);
    for (size_t i = 0; i < n; i++)
        if (array->dims[i] == 0)
            return tsr_fail(TSR_REFUSED, "%s: dimension %zu of %zu is 0, expected at least 1", s->path, i + 1,
                            n);
    if (data->layout == CHANNELS_LAST && n == 4) {
        static const size_t order[] = { 0, 3, 1, 2 };
        for (size_t i = 0; i < 4; i++) {
            s->samples.dims[i] = array->dims[order[i]];
            s->samples.strides[i] = array->strides[order[i]];
        }
    }
    return NULL;
}

static tsr_shape shape_of(const npy *data, const tsr_array *samples)
{
    tsr_shape shape = { .n_dims = samples->n_dims - 1 };
    memcpy(shape.dims, samples->dims + 1, shape.n_dims * sizeof(*shape.dims));
    if (data->layout != AS_IS && shape.n_dims == 2) /* grey images */
        shape = TSR_SHAPE(1, samples->dims[1], samples->dims[2]);
    return shape;
}

static tsr_status *not_finite(const npy *data, const source *s, size_t place, double value)
{
    return tsr_fail(TSR_REFUSED,
                    "%s: sample %zu, value %zu is %g, expected a finite number (allow_nonfinite = true "
                    "takes it)",
                    s->path, place / data->size, place % data->size, value);
}

static tsr_status *check_values(const npy *data, const source *s)
{
    float values[CHUNK];
    size_t n = tsr_array_size(&s->samples);
    if (data->allow_nonfinite || s->samples.element < TSR_ELEMENT_FLOAT16)
        return NULL;
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t some = n - first < CHUNK ? n - first : CHUNK;
        tsr_array_floats(&s->samples, first, some, values);
        for (size_t i = 0; i < some; i++)
            if (!isfinite(values[i]))
                return not_finite(data, s, first + i, (double)values[i]);
    }
    return NULL;
}

static tsr_status *read_inputs(npy *data, tsr_split split)
{
    source *s = &data->sources[split][INPUTS];
    TSR_TRY(open_source(data, data->paths[split][INPUTS], s));
    TSR_TRY(view_samples(data, s));
    tsr_shape shape = shape_of(data, &s->samples);
    if (split == TSR_TRAIN) {
        data->shape = shape;
        data->size = tsr_shape_size(shape);
    } else if (!tsr_shape_equal(shape, data->shape))
        return tsr_fail(TSR_REFUSED,
                        "%s: samples of another shape than in %s: %zu values each, expected %zu in the same "
                        "dimensions",
                        s->path, data->sources[TSR_TRAIN][INPUTS].path, tsr_shape_size(shape), data->size);
    return check_values(data, s);
}

/* Whole numbers, whatever their type. */
static tsr_status *take_label(const npy *data, const source *s, size_t i, double value, int32_t *out)
{
    double most = data->classes ? data->classes - 1 : MAX_CLASSES - 1;
    if (!(value >= 0 && value <= most && value == floor(value)))
        return tsr_fail(TSR_REFUSED, "%s: label %zu is %g, expected a whole number from 0 to %.0f", s->path,
                        i, value, most);
    *out = (int32_t)value;
    return NULL;
}

static tsr_status *read_labels(npy *data, tsr_split split)
{
    source *s = &data->sources[split][LABELS];
    const source *inputs = &data->sources[split][INPUTS];
    size_t n = inputs->samples.dims[0];
    double values[CHUNK / 8];
    TSR_TRY(open_source(data, data->paths[split][LABELS], s));
    if (s->array->n_dims == 0 || tsr_array_size(s->array) != s->array->dims[0])
        return tsr_fail(TSR_REFUSED, "%s: an array of %zu dimensions, expected labels in one (or n x 1)",
                        s->path, s->array->n_dims);
    if (s->array->dims[0] != n)
        return tsr_fail(TSR_REFUSED, "%s: %zu labels, expected one for each of the %zu samples of %s",
                        s->path, s->array->dims[0], n, inputs->path);
    data->labels[split] = n <= SIZE_MAX / sizeof(int32_t) ? malloc(n * sizeof(int32_t)) : NULL;
    if (!data->labels[split])
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", s->path);
    for (size_t first = 0; first < n; first += CHUNK / 8) {
        size_t some = n - first < CHUNK / 8 ? n - first : CHUNK / 8;
        tsr_array_doubles(s->array, first, some, values);
        for (size_t i = 0; i < some; i++) {
            TSR_TRY(take_label(data, s, first + i, values[i], &data->labels[split][first + i]));
            if (data->labels[split][first + i] >= data->n_classes)
                data->n_classes = data->labels[split][first + i] + 1;
        }
    }
    return NULL;
}

/* --- the plugin's operations --- */

static void close_npy(void *self)
{
    npy *data = self;
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++) {
        for (int which = 0; which < N_ROLES; which++) {
            tsr_array_free(data->sources[split][which].array);
            free(data->sources[split][which].bytes);
            data->sources[split][which] = (source){ 0 };
        }
        free(data->labels[split]);
        data->labels[split] = NULL;
    }
    free(data->order);
    data->order = NULL;
}

static tsr_status *check_paths(const npy *data)
{
    if (!given(data->paths[TSR_TRAIN][INPUTS]) || !given(data->paths[TSR_TRAIN][LABELS]))
        return tsr_fail(TSR_REFUSED, "no data named: set train and train_labels to .npy files");
    if (given(data->paths[TSR_TEST][INPUTS]) != given(data->paths[TSR_TEST][LABELS]))
        return tsr_fail(TSR_REFUSED, "test and test_labels go together: %s is not set",
                        given(data->paths[TSR_TEST][INPUTS]) ? "test_labels" : "test");
    if (given(data->paths[TSR_TEST][INPUTS]) && data->split.test_fraction > 0)
        return tsr_fail(TSR_REFUSED, "test_fraction is for data without test files, and test names one");
    return NULL;
}

static tsr_status *load_all(npy *data)
{
    TSR_TRY(check_paths(data));
    data->n_classes = data->classes ? data->classes : 2;
    bool apart = given(data->paths[TSR_TEST][INPUTS]);
    for (tsr_split split = TSR_TRAIN; split <= (apart ? TSR_TEST : TSR_TRAIN); split++) {
        TSR_TRY(read_inputs(data, split));
        TSR_TRY(read_labels(data, split));
        data->n[split] = data->sources[split][INPUTS].samples.dims[0];
    }
    if (apart)
        return NULL;
    size_t n = data->n[TSR_TRAIN];
    TSR_TRY(
        split_samples(&data->split, data->paths[TSR_TRAIN][INPUTS], n, &data->order, &data->n[TSR_TRAIN]));
    data->n[TSR_TEST] = n - data->n[TSR_TRAIN];
    return NULL;
}

static tsr_status *open_npy(void *self, tsr_dataset_info *info)
{
    npy *data = self;
    tsr_status *status = load_all(data);
    if (status) {
        close_npy(data);
        return status;
    }
    *info = (tsr_dataset_info){ .n = { data->n[TSR_TRAIN], data->n[TSR_TEST] },
                                .shape = data->shape,
                                .classes = data->n_classes };
    return NULL;
}

static void read_npy(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                     int32_t *labels)
{
    const npy *data = self;
    tsr_split from = data->order ? TSR_TRAIN : split; /* where all samples are one set */
    const float factor = (float)(1 / data->divide_by), less = (float)data->subtract;
    bool changes = data->divide_by != 1 || data->subtract != 0;
    for (size_t i = 0; i < n; i++) {
        size_t sample = index[i];
        if (data->order)
            sample = data->order[(split == TSR_TEST ? data->n[TSR_TRAIN] : 0) + index[i]];
        float *out = inputs ? inputs + i * data->size : NULL;
        if (out)
            tsr_array_floats(&data->sources[from][INPUTS].samples, sample * data->size, data->size, out);
        for (size_t k = 0; out && changes && k < data->size; k++)
            out[k] = out[k] * factor - less;
        if (labels)
            labels[i] = data->labels[from][sample];
    }
}

static const tsr_dataset_ops ops = { .open = open_npy, .read = read_npy, .close = close_npy };

static const tsr_key keys[] = {
    TSR_KEY_PATH_AS(
        npy, paths[TSR_TRAIN][INPUTS], "train", NULL,
        "array of the training samples, FILE.npy or FILE.npz:NAME; of all where no test is named"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TRAIN][LABELS], "train_labels", NULL,
                    "array of their labels, whole numbers from 0"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TEST][INPUTS], "test", NULL, "array of the test samples"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TEST][LABELS], "test_labels", NULL, "array of their labels"),
    SPLIT_KEYS(npy),
    TSR_KEY_ENUM(
        npy, layout, "channels_first", layouts,
        "what the dimensions are: N x C x H x W, or N x H x W x C; N x H x W is one channel, N x D a vector; "
        "as_is: samples are of the array's other dimensions"),
    TSR_KEY_REAL(npy, divide_by, 1.0, 1e-30, 1e30, "divides every value: 255 for bytes as fractions"),
    TSR_KEY_REAL(npy, subtract, 0.0, -1e30, 1e30, "is then subtracted from every value"),
    TSR_KEY_INT(npy, classes, 0, 0, MAX_CLASSES,
                "number of classes; 0: the largest label and one, at least 2"),
    TSR_KEY_BOOL(npy, allow_nonfinite, false, "take nan and inf as values"),
    TSR_KEY_INT(npy, npz_limit, 16384, 1, 1 << 20, "an array of an .npz archive may expand to so much",
                .unit = "MiB"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "npy",
    .version = "1.0.0",
    .summary = "arrays of NumPy: .npy files and .npz archives",
    .licence = "MIT",
    TSR_INSTANCE(npy),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
