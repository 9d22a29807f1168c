/* The sparse format of SVMlight and libsvm: a sample per line, its label and then INDEX:VALUE for every
   feature that is not 0. Samples stay sparse, as rows of indices and values one after the other, and are made
   dense when a batch is read. */
#include "split.h"
#include "text_file.h"

#include <tessera/dataset.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FEATURES ((size_t)1 << 26)
#define MAX_CLASSES 65536
#define NO_THRESHOLD (-1e300)
#define NO_FEATURE UINT32_MAX
#define MAX_NAMED 1e15 /* labels up to this are named as integers */
#define MAX_NAME 24

enum { BASE_AUTO, BASE_0, BASE_1 };
static const char *const bases[] = { [BASE_AUTO] = "auto", [BASE_0] = "0", [BASE_1] = "1", NULL };

/* Rows of entries; entries of row i are first[i] .. first[i + 1] - 1. */
typedef struct sparse_rows {
    size_t n, n_entries, capacity, entries_capacity;
    size_t *first;
    uint32_t *features;
    float *values;   /* NULL once all are 1 */
    double *targets; /* what the lines begin with; NULL once labels are there */
    int32_t *labels;
} sparse_rows;

typedef struct svmlight {
    const char *train, *test;
    split_choice split;
    size_t features, top;
    int index_base;
    bool binary, allow_nonfinite;
    double positive_above;

    sparse_rows rows; /* of both files */
    size_t n[2];
    size_t *order; /* of the rows, training ones first; NULL: as they are */
    size_t n_inputs;
    int classes;
    char (*names)[MAX_NAME]; /* of the classes, where all labels are integers */
    const char **class_names;
} svmlight;

static bool given(const char *text)
{
    return text && *text;
}

static tsr_status *no_memory(const char *path)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
}

/* Room. */

static bool grow(void *array, size_t capacity, size_t element)
{
    void *grown = capacity <= SIZE_MAX / element ? realloc(*(void **)array, capacity * element) : NULL;
    if (grown)
        *(void **)array = grown;
    return grown != NULL;
}

static size_t count(const text_file *file, char wanted)
{
    size_t n = 0;
    for (const char *c = file->chars; (c = memchr(c, wanted, (size_t)(file->end - c))); c++)
        n++;
    return n;
}

/* For all that the file can hold: a row per line, an entry per colon. */
static tsr_status *make_room(sparse_rows *rows, const text_file *file)
{
    size_t n = rows->n + count(file, '\n') + 2, entries = rows->n_entries + count(file, ':') + 1;
    if (grow(&rows->first, n, sizeof(*rows->first)) && grow(&rows->targets, n, sizeof(*rows->targets)) &&
        grow(&rows->features, entries, sizeof(*rows->features)) &&
        grow(&rows->values, entries, sizeof(*rows->values))) {
        rows->first[0] = 0;
        return NULL;
    }
    return no_memory(file->path);
}

/* Reading lines. */

typedef struct line_reader {
    const svmlight *data;
    const text_file *file;
    const char *at, *end; /* of what is left of the line */
} line_reader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; false where there is none. */
static bool next_word(line_reader *reader, const char **word, size_t *length)
{
    const char *c = reader->at;
    while (c < reader->end && is_blank(*c))
        c++;
    *word = c;
    while (c < reader->end && !is_blank(*c))
        c++;
    *length = (size_t)(c - *word);
    reader->at = c;
    return *length > 0;
}

static tsr_status *take_target(const line_reader *reader, const char *word, size_t length, double *out)
{
    if (text_number(word, length, out) == TEXT_FINITE)
        return NULL;
    return text_file_refuse(reader->file, word, "'%.*s', expected a label, which is a finite number",
                            TEXT_SHOWN(word, length));
}

static tsr_status *take_index(const line_reader *reader, const char *word, size_t length, uint32_t *out)
{
    size_t index = 0;
    bool digits = length > 0;
    for (size_t i = 0; digits && i < length; i++) {
        digits = word[i] >= '0' && word[i] <= '9';
        index = index < MAX_FEATURES ? 10 * index + (size_t)(word[i] - '0') : index;
    }
    if (!digits)
        return text_file_refuse(reader->file, word, "index '%.*s', expected digits",
                                TEXT_SHOWN(word, length));
    if (index == 0 && reader->data->index_base == BASE_1)
        return text_file_refuse(reader->file, word, "index 0, expected at least 1 as index_base is 1");
    size_t most = reader->data->features ? reader->data->features : MAX_FEATURES;
    if (index > most)
        return text_file_refuse(reader->file, word, "index %.*s, expected at most %zu%s",
                                TEXT_SHOWN(word, length), most,
                                reader->data->features ? " as features says" : "");
    *out = (uint32_t)index;
    return NULL;
}

static tsr_status *take_value(const line_reader *reader, const char *word, size_t length, float *out)
{
    double value;
    text_number_kind kind = text_number(word, length, &value);
    if (kind == TEXT_NO_NUMBER)
        return text_file_refuse(reader->file, word, "value '%.*s', expected a number",
                                TEXT_SHOWN(word, length));
    if (!reader->data->allow_nonfinite && (kind == TEXT_NONFINITE || fabs(value) > FLT_MAX))
        return text_file_refuse(reader->file, word,
                                "value %.*s, expected a finite one, or allow_nonfinite = true",
                                TEXT_SHOWN(word, length));
    *out = (float)value;
    return NULL;
}

/* INDEX:VALUE; qid:N, which groups queries, is passed over. */
static tsr_status *take_entry(const line_reader *reader, sparse_rows *rows, const char *word, size_t length)
{
    const char *colon = memchr(word, ':', length);
    if (!colon)
        return text_file_refuse(reader->file, word, "'%.*s', expected INDEX:VALUE", TEXT_SHOWN(word, length));
    size_t before = (size_t)(colon - word);
    if (before == 3 && memcmp(word, "qid", 3) == 0)
        return NULL;
    uint32_t index = 0;
    float value = 0;
    TSR_TRY(take_index(reader, word, before, &index));
    TSR_TRY(take_value(reader, colon + 1, length - before - 1, &value));
    rows->features[rows->n_entries] = index;
    rows->values[rows->n_entries] = value;
    rows->n_entries++;
    return NULL;
}

typedef struct entry {
    uint32_t feature;
    float value;
} entry;

static int compare_entries(const void *a, const void *b)
{
    uint32_t first = ((const entry *)a)->feature, second = ((const entry *)b)->feature;
    return (first > second) - (first < second);
}

static tsr_status *sort_row(const line_reader *reader, sparse_rows *rows, size_t begin)
{
    size_t n = rows->n_entries - begin;
    entry *entries = malloc((n + 1) * sizeof(*entries));
    if (!entries)
        return no_memory(reader->file->path);
    for (size_t i = 0; i < n; i++)
        entries[i] = (entry){ rows->features[begin + i], rows->values[begin + i] };
    qsort(entries, n, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < n; i++) {
        rows->features[begin + i] = entries[i].feature;
        rows->values[begin + i] = entries[i].value;
    }
    free(entries);
    return NULL;
}

/* In order of features, each once. */
static tsr_status *order_row(const line_reader *reader, sparse_rows *rows, const char *line)
{
    size_t begin = rows->first[rows->n];
    bool ordered = true;
    for (size_t i = begin + 1; ordered && i < rows->n_entries; i++)
        ordered = rows->features[i - 1] < rows->features[i];
    if (ordered)
        return NULL;
    TSR_TRY(sort_row(reader, rows, begin));
    for (size_t i = begin + 1; i < rows->n_entries; i++)
        if (rows->features[i - 1] == rows->features[i])
            return text_file_refuse(reader->file, line, "index %u twice, expected it once",
                                    rows->features[i]);
    return NULL;
}

static tsr_status *read_line(line_reader *reader, sparse_rows *rows)
{
    const char *word;
    size_t length;
    if (!next_word(reader, &word, &length))
        return NULL;
    const char *line = word;
    TSR_TRY(take_target(reader, word, length, &rows->targets[rows->n]));
    while (next_word(reader, &word, &length))
        TSR_TRY(take_entry(reader, rows, word, length));
    TSR_TRY(order_row(reader, rows, line));
    rows->first[++rows->n] = rows->n_entries;
    return NULL;
}

static tsr_status *read_lines(const svmlight *data, const text_file *file, sparse_rows *rows)
{
    TSR_TRY(make_room(rows, file));
    for (const char *line = file->chars; line < file->end;) {
        const char *end = memchr(line, '\n', (size_t)(file->end - line));
        if (!end)
            end = file->end;
        const char *comment = memchr(line, '#', (size_t)(end - line));
        line_reader reader = { data, file, line, comment ? comment : end };
        TSR_TRY(read_line(&reader, rows));
        line = end < file->end ? end + 1 : end;
    }
    return NULL;
}

static tsr_status *read_file(const svmlight *data, const char *path, sparse_rows *rows)
{
    text_file file;
    size_t before = rows->n;
    tsr_status *status = text_file_open(path, "one in svmlight format", &file);
    TSR_TRY(status);
    status = read_lines(data, &file, rows);
    text_file_close(&file);
    if (!status && rows->n == before)
        status = tsr_fail(TSR_REFUSED, "%s: holds no sample, expected one per line", path);
    return status;
}

/* Both files, and which rows train. */
static tsr_status *read_files(svmlight *data)
{
    if (!given(data->train))
        return tsr_fail(TSR_REFUSED, "no data named: set train, and test or test_fraction");
    if (given(data->test) && data->split.test_fraction > 0)
        return tsr_fail(TSR_REFUSED, "both test and test_fraction are set, expected one of them");
    TSR_TRY(read_file(data, data->train, &data->rows));
    size_t n_train = data->rows.n;
    if (given(data->test))
        TSR_TRY(read_file(data, data->test, &data->rows));
    else
        TSR_TRY(split_samples(&data->split, data->train, data->rows.n, &data->order, &n_train));
    data->n[TSR_TRAIN] = n_train;
    data->n[TSR_TEST] = data->rows.n - n_train;
    return NULL;
}

static size_t row_of(const svmlight *data, tsr_split split, size_t index)
{
    size_t place = split == TSR_TRAIN ? index : data->n[TSR_TRAIN] + index;
    return data->order ? data->order[place] : place;
}

/* Features. */

/* Indices count from 0 then; data->n_inputs is how many there are. */
static tsr_status *number_features(svmlight *data)
{
    sparse_rows *rows = &data->rows;
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < rows->n_entries; i++) {
        least = rows->features[i] < least ? rows->features[i] : least;
        most = rows->features[i] > most ? rows->features[i] : most;
    }
    if (rows->n_entries == 0)
        return tsr_fail(TSR_REFUSED, "%s: no line has a feature, expected INDEX:VALUE", data->train);
    uint32_t base = data->index_base == BASE_0 || (data->index_base == BASE_AUTO && least == 0) ? 0 : 1;
    size_t needed = (size_t)most + 1 - base;
    if (data->features && needed > data->features)
        return tsr_fail(TSR_REFUSED, "%s: index %u, counted from 0, expected at most %zu as features is %zu",
                        data->train, most, data->features - 1, data->features);
    data->n_inputs = data->features ? data->features : needed;
    for (size_t i = 0; base && i < rows->n_entries; i++)
        rows->features[i] -= base;
    return NULL;
}

typedef struct weighed_feature {
    double sum;
    uint32_t feature;
} weighed_feature;

static int compare_weights(const void *a, const void *b)
{
    const weighed_feature *first = a, *second = b;
    if (first->sum != second->sum)
        return first->sum > second->sum ? -1 : 1;
    return (first->feature > second->feature) - (first->feature < second->feature);
}

static void add_up(const svmlight *data, weighed_feature *features)
{
    for (size_t j = 0; j < data->n_inputs; j++)
        features[j].feature = (uint32_t)j;
    for (size_t i = 0; i < data->n[TSR_TRAIN]; i++) {
        size_t row = row_of(data, TSR_TRAIN, i);
        for (size_t e = data->rows.first[row]; e < data->rows.first[row + 1]; e++)
            if (isfinite(data->rows.values[e]))
                features[data->rows.features[e]].sum += data->rows.values[e];
    }
}

/* Keeps the entries whose feature has a new number. */
static void renumber(sparse_rows *rows, const uint32_t *new_number)
{
    size_t kept = 0, begin = 0;
    for (size_t i = 0; i < rows->n; i++) {
        size_t end = rows->first[i + 1];
        for (size_t e = begin; e < end; e++) {
            uint32_t feature = new_number[rows->features[e]];
            if (feature == NO_FEATURE)
                continue;
            rows->features[kept] = feature;
            rows->values[kept++] = rows->values[e];
        }
        begin = end;
        rows->first[i + 1] = kept;
    }
    rows->n_entries = kept;
}

static tsr_status *keep_top(svmlight *data)
{
    if (data->top == 0)
        return NULL;
    if (data->top > data->n_inputs)
        return tsr_fail(TSR_REFUSED, "%s: has %zu features, expected at least the %zu of top", data->train,
                        data->n_inputs, data->top);
    weighed_feature *features = calloc(data->n_inputs, sizeof(*features));
    uint32_t *new_number = malloc(data->n_inputs * sizeof(*new_number));
    if (!features || !new_number) {
        free(features);
        free(new_number);
        return no_memory(data->train);
    }
    add_up(data, features);
    qsort(features, data->n_inputs, sizeof(*features), compare_weights);
    for (size_t j = 0; j < data->n_inputs; j++)
        new_number[features[j].feature] = j < data->top ? 0 : NO_FEATURE;
    uint32_t next = 0; /* in the file's order */
    for (size_t j = 0; j < data->n_inputs; j++)
        if (new_number[j] != NO_FEATURE)
            new_number[j] = next++;
    renumber(&data->rows, new_number);
    data->n_inputs = data->top;
    free(features);
    free(new_number);
    return NULL;
}

/* Gives back what is not used. */
static void shrink(svmlight *data)
{
    sparse_rows *rows = &data->rows;
    if (data->binary) {
        size_t kept = 0, begin = 0;
        for (size_t i = 0; i < rows->n; i++) {
            size_t end = rows->first[i + 1];
            for (size_t e = begin; e < end; e++)
                if (rows->values[e] != 0)
                    rows->features[kept++] = rows->features[e];
            begin = end;
            rows->first[i + 1] = kept;
        }
        rows->n_entries = kept;
        free(rows->values);
        rows->values = NULL;
    }
    grow(&rows->features, rows->n_entries + 1, sizeof(*rows->features));
    if (rows->values)
        grow(&rows->values, rows->n_entries + 1, sizeof(*rows->values));
    grow(&rows->first, rows->n + 1, sizeof(*rows->first));
}

/* Classes. */

static int compare_doubles(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

/* The distinct labels in order, into `distinct` (as many as rows). */
static size_t sort_targets(const sparse_rows *rows, double *distinct)
{
    size_t n = 0;
    memcpy(distinct, rows->targets, rows->n * sizeof(*distinct));
    qsort(distinct, rows->n, sizeof(*distinct), compare_doubles);
    for (size_t i = 0; i < rows->n; i++)
        if (n == 0 || distinct[n - 1] != distinct[i])
            distinct[n++] = distinct[i];
    return n;
}

static tsr_status *check_classes(const svmlight *data, size_t n, double first)
{
    if (n < 2)
        return tsr_fail(TSR_REFUSED, "%s: every label is %g, expected at least two classes", data->train,
                        first);
    if (n > MAX_CLASSES)
        return tsr_fail(
            TSR_REFUSED,
            "%s: %zu different labels, expected at most %d classes, or positive_above, which makes "
            "two",
            data->train, n, MAX_CLASSES);
    return NULL;
}

/* Where all are integers; other labels have no names but their numbers. */
static tsr_status *name_classes(svmlight *data, size_t n, const double *distinct)
{
    for (size_t i = 0; i < n; i++)
        if (fabs(distinct[i]) > MAX_NAMED || distinct[i] != floor(distinct[i]))
            return NULL;
    data->names = calloc(n, sizeof(*data->names));
    data->class_names = calloc(n, sizeof(*data->class_names));
    if (!data->names || !data->class_names)
        return no_memory(data->train);
    for (size_t i = 0; i < n; i++) {
        snprintf(data->names[i], MAX_NAME, "%lld", (long long)distinct[i]);
        data->class_names[i] = data->names[i];
    }
    return NULL;
}

static tsr_status *distinct_labels(svmlight *data)
{
    sparse_rows *rows = &data->rows;
    double *distinct = malloc((rows->n + 1) * sizeof(*distinct));
    if (!distinct)
        return no_memory(data->train);
    size_t n = sort_targets(rows, distinct);
    tsr_status *status = check_classes(data, n, distinct[0]);
    for (size_t i = 0; !status && i < rows->n; i++) {
        double *found = bsearch(&rows->targets[i], distinct, n, sizeof(*distinct), compare_doubles);
        rows->labels[i] = (int32_t)(found - distinct);
    }
    data->classes = (int)n;
    if (!status)
        status = name_classes(data, n, distinct);
    free(distinct);
    return status;
}

static tsr_status *two_labels(svmlight *data)
{
    sparse_rows *rows = &data->rows;
    size_t positive = 0;
    for (size_t i = 0; i < rows->n; i++)
        positive += (size_t)(rows->labels[i] = rows->targets[i] > data->positive_above);
    data->classes = 2;
    if (positive > 0 && positive < rows->n)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s: %s label is above positive_above = %g, expected two classes",
                    data->train, positive ? "every" : "no", data->positive_above);
}

/* A class that only the test file has could not be learnt. */
static tsr_status *check_test_classes(const svmlight *data)
{
    const int32_t *labels = data->rows.labels;
    if (data->order)
        return NULL;
    bool *known = calloc((size_t)data->classes, sizeof(*known));
    if (!known)
        return no_memory(data->test);
    for (size_t i = 0; i < data->n[TSR_TRAIN]; i++)
        known[labels[i]] = true;
    size_t i = data->n[TSR_TRAIN];
    while (i < data->rows.n && known[labels[i]])
        i++;
    free(known);
    return i == data->rows.n
               ? NULL
               : tsr_fail(TSR_REFUSED, "%s: sample %zu has label %g, expected one of the training file %s",
                          data->test, i - data->n[TSR_TRAIN], data->rows.targets[i], data->train);
}

static tsr_status *make_labels(svmlight *data)
{
    sparse_rows *rows = &data->rows;
    rows->labels = malloc((rows->n + 1) * sizeof(*rows->labels));
    if (!rows->labels)
        return no_memory(data->train);
    TSR_TRY(data->positive_above > NO_THRESHOLD ? two_labels(data) : distinct_labels(data));
    TSR_TRY(check_test_classes(data));
    free(rows->targets);
    rows->targets = NULL;
    return NULL;
}

/* The plugin's operations. */

static void close_svmlight(void *self)
{
    svmlight *data = self;
    free(data->rows.first);
    free(data->rows.features);
    free(data->rows.values);
    free(data->rows.targets);
    free(data->rows.labels);
    free(data->order);
    free(data->names);
    free(data->class_names);
    data->rows = (sparse_rows){ 0 };
    data->order = NULL;
    data->names = NULL;
    data->class_names = NULL;
}

static tsr_status *load(svmlight *data)
{
    TSR_TRY(read_files(data));
    TSR_TRY(make_labels(data));
    TSR_TRY(number_features(data));
    TSR_TRY(keep_top(data));
    shrink(data);
    return NULL;
}

static tsr_status *open_svmlight(void *self, tsr_dataset_info *info)
{
    svmlight *data = self;
    tsr_status *status = load(data);
    if (status) {
        close_svmlight(data);
        return status;
    }
    *info = (tsr_dataset_info){
        .n = { data->n[TSR_TRAIN], data->n[TSR_TEST] },
        .shape = TSR_SHAPE(data->n_inputs),
        .classes = data->classes,
        .class_names = data->class_names,
    };
    return NULL;
}

static void read_svmlight(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                          int32_t *labels)
{
    const svmlight *data = self;
    const sparse_rows *rows = &data->rows;
    if (inputs)
        memset(inputs, 0, n * data->n_inputs * sizeof(*inputs));
    for (size_t i = 0; i < n; i++) {
        size_t row = row_of(data, split, index[i]);
        float *input = inputs ? inputs + i * data->n_inputs : NULL;
        for (size_t e = rows->first[row]; input && e < rows->first[row + 1]; e++)
            input[rows->features[e]] = rows->values ? rows->values[e] : 1;
        if (labels)
            labels[i] = rows->labels[row];
    }
}

static const tsr_dataset_ops ops = { .open = open_svmlight, .read = read_svmlight, .close = close_svmlight };

static const tsr_key keys[] = {
    TSR_KEY_PATH(svmlight, train, NULL,
                 "file of the training samples, or of all where there is no test file"),
    TSR_KEY_PATH(svmlight, test, NULL, "file of the test samples"),
    SPLIT_KEYS(svmlight),
    TSR_KEY_INT(svmlight, features, 0, 0, MAX_FEATURES,
                "features of a sample; 0: as many as the largest index says"),
    TSR_KEY_ENUM(svmlight, index_base, "auto", bases,
                 "what the first feature is called; auto: 0 where a file has that index, else 1"),
    TSR_KEY_BOOL(svmlight, binary, false, "1 for every value that is not 0"),
    TSR_KEY_INT(svmlight, top, 0, 0, MAX_FEATURES,
                "keep so many features, those with the largest sum of values in the training part, in their "
                "order; 0: all"),
    TSR_KEY_REAL(svmlight, positive_above, NO_THRESHOLD, NO_THRESHOLD, 1e300,
                 "two classes: 1 where the label is above this, else 0; by default each different label is a "
                 "class"),
    TSR_KEY_BOOL(svmlight, allow_nonfinite, false, "take nan and inf as values"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "svmlight",
    .version = "1.0.0",
    .summary = "sparse samples in the text format of SVMlight and libsvm",
    .licence = "MIT",
    TSR_INSTANCE(svmlight),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
