/* text_columns: a CSV file of the user's: one example per line, numbers and at the end its class, a number from 0.
   The last part of the lines tests. Blank lines and lines that begin with # say nothing. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/tessera.h>

#define MAX_COLUMNS 100000
#define MAX_CLASSES 10000

typedef struct settings {
    const char *path;
    double test;
    size_t n, n_train, columns; /* examples, those that train, values of one */
    float *values;              /* n x columns */
    int32_t *labels;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_PATH(settings, path, "text_columns.csv", "the file"),
    TSR_KEY_REAL(settings, test, 0.25, 0.01, 0.99, "part of the lines, from the end, that tests"),
    TSR_KEY_END,
};

static void clear(void *self)
{
    settings *t = self;
    free(t->values);
    free(t->labels);
    t->values = NULL;
    t->labels = NULL;
}

static tsr_status *grow(settings *t)
{
    if (t->n & (t->n - 1)) /* at each power of two the room doubles */
        return NULL;
    size_t capacity = t->n ? 2 * t->n : 1;
    float *values = reallocarray(t->values, capacity, t->columns * sizeof(float));
    if (values)
        t->values = values;
    int32_t *labels = reallocarray(t->labels, capacity, sizeof(int32_t));
    if (labels)
        t->labels = labels;
    return values && labels ? NULL : tsr_fail(TSR_NO_MEMORY, "%s: not enough memory for its lines", t->path);
}

/* The numbers of a line; the last one is the label. */
static tsr_status *take_line(settings *t, char *line, size_t number)
{
    size_t columns = 0;
    for (const char *c = line; *c; c++)
        columns += *c == ',';
    if (t->n == 0)
        t->columns = columns;
    if (columns < 1 || columns > MAX_COLUMNS || columns != t->columns)
        return tsr_fail(TSR_REFUSED, "%s:%zu: %zu values and a class, expected %zu as in the first line",
                        t->path, number, columns, t->columns);
    TSR_TRY(grow(t));
    for (size_t i = 0; i <= columns; i++) {
        char *cell = strsep(&line, ","), *end;
        double value = strtod(cell, &end);
        end += strspn(end, " \t\r\n");
        if (end == cell || *end || !isfinite(value))
            return tsr_fail(TSR_REFUSED, "%s:%zu: column %zu is '%.20s', expected a number", t->path, number,
                            i + 1, cell);
        if (i < columns)
            t->values[t->n * columns + i] = (float)value;
        else if (value < 0 || value >= MAX_CLASSES || value != floor(value))
            return tsr_fail(TSR_REFUSED, "%s:%zu: the class is %g, expected a whole number from 0", t->path,
                            number, value);
        else
            t->labels[t->n] = (int32_t)value;
    }
    t->n++;
    return NULL;
}

static tsr_status *take_lines(settings *t, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    tsr_status *status = NULL;
    while (!status && getline(&line, &capacity, file) >= 0) {
        number++;
        if (line[0] != '#' && line[strspn(line, " \t\r\n")])
            status = take_line(t, line, number);
    }
    if (!status && ferror(file))
        status = tsr_fail(TSR_IO, "%s:%zu: cannot be read", t->path, number);
    free(line);
    return status;
}

static tsr_status *open_table(void *self, tsr_dataset_info *info)
{
    settings *t = self;
    t->n = 0;
    FILE *file = fopen(t->path, "r");
    if (!file)
        return tsr_fail(TSR_REFUSED, "%s: cannot be read: %s", t->path, strerror(errno));
    tsr_status *status = take_lines(t, file);
    fclose(file);
    t->n_train = t->n - (size_t)((double)t->n * t->test);
    if (!status && (t->n_train < 1 || t->n_train == t->n))
        status = tsr_fail(TSR_REFUSED, "%s: %zu lines leave none to train or none to test", t->path, t->n);
    if (status) {
        clear(self);
        return status;
    }
    int classes = 2;
    for (size_t i = 0; i < t->n; i++)
        classes = t->labels[i] >= classes ? t->labels[i] + 1 : classes;
    *info = (tsr_dataset_info){ .n = { t->n_train, t->n - t->n_train },
                                .shape = TSR_SHAPE(t->columns),
                                .classes = classes };
    return NULL;
}

static void read_table(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                       int32_t *labels)
{
    const settings *t = self;
    for (size_t i = 0; i < n; i++) {
        size_t line = index[i] + (split == TSR_TEST ? t->n_train : 0);
        if (inputs)
            memcpy(inputs + i * t->columns, t->values + line * t->columns, t->columns * sizeof(float));
        if (labels)
            labels[i] = t->labels[line];
    }
}

static const tsr_dataset_ops ops = { .open = open_table, .read = read_table, .close = clear };

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops), .name = "text_columns",        .version = "1.0.0", .summary = "examples of a CSV file",
    .licence = "MIT",         TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
