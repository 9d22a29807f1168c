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

enum { INPUTS, LABELS, TARGETS, N_ROLES };

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
    size_t *order;                  /* where one set is told apart; else NULL */
    size_t n[2], size, target_size; /* values of a sample, and of its target; 0: it has none */
    tsr_shape shape, target;
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

static tsr_status *not_finite(const source *s, size_t place, size_t size, double value)
{
    return tsr_fail(TSR_REFUSED,
                    "%s: sample %zu, value %zu is %g, expected a finite number (allow_nonfinite = true "
                    "takes it)",
                    s->path, place / size, place % size, value);
}

/* `size` values a sample. */
static tsr_status *check_values(const npy *data, const source *s, size_t size)
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
                return not_finite(s, first + i, size, (double)values[i]);
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
    return check_values(data, s, data->size);
}

/* n targets, or n x any dimensions. */
static tsr_status *read_target_array(npy *data, tsr_split split)
{
    source *s = &data->sources[split][TARGETS];
    const source *inputs = &data->sources[split][INPUTS];
    TSR_TRY(open_source(data, data->paths[split][TARGETS], s));
    const tsr_array *array = s->array;
    s->samples = *array;
    if (array->n_dims < 1 || array->n_dims > TSR_MAX_DIMS + 1)
        return tsr_fail(TSR_REFUSED,
                        "%s: an array of %zu dimensions, expected targets in 1 to %d, samples first", s->path,
                        array->n_dims, TSR_MAX_DIMS + 1);
    if (array->dims[0] != inputs->samples.dims[0])
        return tsr_fail(TSR_REFUSED, "%s: %zu targets, expected one for each of the %zu samples of %s",
                        s->path, array->dims[0], inputs->samples.dims[0], inputs->path);
    tsr_shape shape = { .n_dims = array->n_dims - 1 };
    memcpy(shape.dims, array->dims + 1, shape.n_dims * sizeof(*shape.dims));
    if (shape.n_dims == 0)
        shape = TSR_SHAPE(1);
    if (split == TSR_TRAIN) {
        data->target = shape;
        data->target_size = tsr_shape_size(shape);
    } else if (!tsr_shape_equal(shape, data->target))
        return tsr_fail(TSR_REFUSED,
                        "%s: targets of another shape than in %s: %zu values each, expected %zu in the same "
                        "dimensions",
                        s->path, data->sources[TSR_TRAIN][TARGETS].path, tsr_shape_size(shape),
                        data->target_size);
    if (data->target_size == 0)
        return tsr_fail(TSR_REFUSED, "%s: targets of no values, expected at least 1 each", s->path);
    return check_values(data, s, data->target_size);
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
    static const char *const names[N_ROLES] = { "", "_labels", "_targets" };
    const char *const *train = data->paths[TSR_TRAIN], *const *test = data->paths[TSR_TEST];
    if (!given(train[INPUTS]))
        return tsr_fail(TSR_REFUSED,
                        "no data named: set train, and train_labels or train_targets, to .npy files");
    for (int role = LABELS; role < N_ROLES; role++) {
        if (given(test[role]) && !given(test[INPUTS]))
            return tsr_fail(TSR_REFUSED, "test%s goes with test, which is not set", names[role]);
        if (given(test[INPUTS]) && given(train[role]) != given(test[role]))
            return tsr_fail(TSR_REFUSED, "train%s and test%s go together: %s%s is not set", names[role],
                            names[role], given(train[role]) ? "test" : "train", names[role]);
    }
    if (given(data->paths[TSR_TEST][INPUTS]) && data->split.test_fraction > 0)
        return tsr_fail(TSR_REFUSED, "test_fraction is for data without test files, and test names one");
    return NULL;
}

static tsr_status *load_all(npy *data)
{
    TSR_TRY(check_paths(data));
    bool labels = given(data->paths[TSR_TRAIN][LABELS]), targets = given(data->paths[TSR_TRAIN][TARGETS]);
    data->n_classes = !labels ? 0 : data->classes ? data->classes : 2;
    data->target = (tsr_shape){ 0 };
    bool apart = given(data->paths[TSR_TEST][INPUTS]);
    for (tsr_split split = TSR_TRAIN; split <= (apart ? TSR_TEST : TSR_TRAIN); split++) {
        TSR_TRY(read_inputs(data, split));
        if (labels)
            TSR_TRY(read_labels(data, split));
        if (targets)
            TSR_TRY(read_target_array(data, split));
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
                                .classes = data->n_classes,
                                .target = data->target };
    return NULL;
}

/* Where sample `i` of a part stands, in which file. */
static size_t place_of(const npy *data, tsr_split split, size_t i, tsr_split *file)
{
    *file = data->order ? TSR_TRAIN : split; /* where all samples are one set */
    return data->order ? data->order[(split == TSR_TEST ? data->n[TSR_TRAIN] : 0) + i] : i;
}

static void read_targets(const void *self, tsr_split split, size_t n, const size_t *index, float *targets)
{
    const npy *data = self;
    for (size_t i = 0; i < n; i++) {
        tsr_split file;
        size_t sample = place_of(data, split, index[i], &file);
        tsr_array_floats(&data->sources[file][TARGETS].samples, sample * data->target_size, data->target_size,
                         targets + i * data->target_size);
    }
}

static void read_npy(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                     int32_t *labels)
{
    const npy *data = self;
    const float factor = (float)(1 / data->divide_by), less = (float)data->subtract;
    bool changes = data->divide_by != 1 || data->subtract != 0;
    for (size_t i = 0; i < n; i++) {
        tsr_split from;
        size_t sample = place_of(data, split, index[i], &from);
        float *out = inputs ? inputs + i * data->size : NULL;
        if (out)
            tsr_array_floats(&data->sources[from][INPUTS].samples, sample * data->size, data->size, out);
        for (size_t k = 0; out && changes && k < data->size; k++)
            out[k] = out[k] * factor - less;
        if (labels)
            labels[i] = data->labels[from][sample];
    }
}

static const tsr_dataset_ops ops = {
    .open = open_npy, .read = read_npy, .close = close_npy, .read_targets = read_targets
};

static const tsr_key keys[] = {
    TSR_KEY_PATH_AS(
        npy, paths[TSR_TRAIN][INPUTS], "train", NULL,
        "array of the training samples, FILE.npy or FILE.npz:NAME; of all where no test is named"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TRAIN][LABELS], "train_labels", NULL,
                    "array of their labels, whole numbers from 0; none: they have none"),
    TSR_KEY_PATH_AS(
        npy, paths[TSR_TRAIN][TARGETS], "train_targets", NULL,
        "array of their real-valued targets, N or N x any dimensions, for losses that compare with "
        "values; none: they have none"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TEST][INPUTS], "test", NULL, "array of the test samples"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TEST][LABELS], "test_labels", NULL, "array of their labels"),
    TSR_KEY_PATH_AS(npy, paths[TSR_TEST][TARGETS], "test_targets", NULL, "array of their targets"),
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
