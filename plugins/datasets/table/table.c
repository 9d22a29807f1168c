/* Tables: CSV and TSV files, a sample per line. Columns of numbers are scaled, columns of text become an
   input per category, one column is the label. A file is read twice and then let go; kept are a float or a
   category's number per value. */
#include "../split.h"
#include "columns.h"
#include "records.h"

#include <tessera/dataset.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUTS ((size_t)1 << 24)

static const char *const scales[] = { [SCALE_NONE] = "none",
                                      [SCALE_MAXIMUM] = "maximum",
                                      [SCALE_RANGE] = "range",
                                      [SCALE_STANDARD] = "standard",
                                      NULL };
static const char *const fills[] = {
    [FILL_REFUSE] = "refuse", [FILL_MEAN] = "mean", [FILL_ZERO] = "zero", NULL
};

typedef struct table {
    const char *train, *test;
    split_choice split;
    bool header;
    const char *delimiter, *label;
    tsr_string_list missing, skip;
    column_rules rules;

    columns columns;
    column *classes; /* of the columns, the label */
    size_t n_inputs;
    size_t n[2];
    size_t *order; /* of the rows, training ones first; NULL: as they are */
} table;

static bool given(const char *text)
{
    return text && *text;
}

/* What the config says. */

static tsr_status *set_delimiter(table *data)
{
    const char *text = data->delimiter ? data->delimiter : "";
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        text = "\t";
    char c = text[0];
    if (strlen(text) != 1 || (unsigned char)c >= 0x80 || strchr("\"\r\n.+-", c) || (c >= '0' && c <= '9'))
        return tsr_fail(TSR_REFUSED,
                        "delimiter is \"%s\", expected one character, such as \",\" or \";\", or \"tab\"",
                        text);
    data->rules.delimiter = c;
    return NULL;
}

static tsr_status *check_keys(table *data)
{
    if (!given(data->train))
        return tsr_fail(TSR_REFUSED, "no data named: set train, and test or test_fraction");
    if (given(data->test) && data->split.test_fraction > 0)
        return tsr_fail(TSR_REFUSED, "both test and test_fraction are set, expected one of them");
    data->rules.n_missing = data->missing.n;
    data->rules.missing = data->missing.values;
    return set_delimiter(data);
}

/* Naming columns. */

static tsr_status *no_memory(const char *path)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
}

static bool field_is(const table_field *field, const char *text)
{
    return strlen(text) == field->length && memcmp(field->chars, text, field->length) == 0;
}

/* The column of this name, or, if there is none, of this number from 1. */
static tsr_status *find_column(const table *data, const record_reader *first, const char *text, size_t *out)
{
    size_t found = 0;
    for (size_t j = 0; data->header && j < first->n_fields; j++)
        if (field_is(&first->fields[j], text)) {
            *out = j;
            found++;
        }
    if (found > 1)
        return text_file_refuse(first->file, first->fields[*out].place,
                                "%zu columns are called '%s', expected its number instead", found, text);
    char *end;
    unsigned long long number = strspn(text, "0123456789") == strlen(text) ? strtoull(text, &end, 10) : 0;
    if (found == 0 && (number < 1 || number > first->n_fields))
        return text_file_refuse(first->file, first->fields[0].place,
                                "no column '%s', expected %sa number from 1 to %zu", text,
                                data->header ? "a name of this line or " : "", first->n_fields);
    if (found == 0)
        *out = (size_t)number - 1;
    return NULL;
}

static tsr_status *name_columns(table *data, const record_reader *first)
{
    data->columns.all = calloc(first->n_fields, sizeof(*data->columns.all));
    if (!data->columns.all)
        return no_memory(first->file->path);
    data->columns.n = first->n_fields;
    for (size_t j = 0; j < first->n_fields; j++) {
        const table_field *field = &first->fields[j];
        int length = data->header && field->length > 0 ? asprintf(&data->columns.all[j].name, "'%.*s'",
                                                                  TEXT_SHOWN(field->chars, field->length))
                                                       : asprintf(&data->columns.all[j].name, "%zu", j + 1);
        if (length < 0) {
            data->columns.all[j].name = NULL;
            return no_memory(first->file->path);
        }
    }
    return NULL;
}

static tsr_status *choose_columns(table *data, const record_reader *first)
{
    size_t label = first->n_fields - 1, left = first->n_fields - 1;
    if (given(data->label))
        TSR_TRY(find_column(data, first, data->label, &label));
    data->classes = &data->columns.all[label];
    data->classes->role = COLUMN_LABEL;
    for (size_t i = 0; i < data->skip.n; i++) {
        size_t j = 0;
        TSR_TRY(find_column(data, first, data->skip.values[i], &j));
        column *self = &data->columns.all[j];
        if (self->role == COLUMN_LABEL)
            return tsr_fail(TSR_REFUSED, "%s: column %s is the label and in skip, expected one of them",
                            first->file->path, self->name);
        left -= self->role == COLUMN_INPUT;
        self->role = COLUMN_SKIPPED;
    }
    if (left == 0)
        return text_file_refuse(first->file, first->fields[0].place,
                                "%zu column%s and no input among them, expected one beside the label, and "
                                "delimiter \"%s\" between them",
                                first->n_fields, first->n_fields == 1 ? "" : "s", data->delimiter);
    return NULL;
}

/* The first line of the training file, which names the columns or counts them. */
static tsr_status *take_first(table *data, const record_reader *first)
{
    TSR_TRY(name_columns(data, first));
    return choose_columns(data, first);
}

/* The header of the test file is the training file's. */
static tsr_status *compare_header(const table *data, const record_reader *test, const record_reader *train)
{
    if (test->n_fields != train->n_fields)
        return text_file_refuse(test->file, test->fields[0].place, "%zu columns, expected %zu as in %s",
                                test->n_fields, train->n_fields, train->file->path);
    for (size_t j = 0; data->header && j < test->n_fields; j++) {
        const table_field *got = &test->fields[j], *expected = &train->fields[j];
        if (got->length != expected->length || memcmp(got->chars, expected->chars, got->length) != 0)
            return text_file_refuse(test->file, got->place,
                                    "column %zu is called '%.*s', expected '%.*s' as in %s", j + 1,
                                    TEXT_SHOWN(got->chars, got->length),
                                    TEXT_SHOWN(expected->chars, expected->length), train->file->path);
    }
    return NULL;
}

/* Reading the files. */

typedef struct table_file {
    text_file text;
    record_reader first; /* at its first record */
    const char *rows;    /* where the rows begin */
    size_t n_rows;
} table_file;

static tsr_status *open_file(const table *data, const char *path, table_file *file)
{
    bool got;
    TSR_TRY(text_file_open(path, "a table", &file->text));
    file->first =
        (record_reader){ .file = &file->text, .delimiter = data->rules.delimiter, .at = file->text.chars };
    TSR_TRY(record_next(&file->first, &got));
    if (!got)
        return tsr_fail(TSR_REFUSED, "%s: holds no line but empty ones, expected a table", path);
    file->rows = data->header ? file->first.at : file->text.chars;
    return NULL;
}

static tsr_status *read_numbers(table *data, table_file *file)
{
    size_t before = data->columns.n_rows;
    TSR_TRY(columns_read_numbers(&data->columns, &data->rules, &file->text, file->rows));
    file->n_rows = data->columns.n_rows - before;
    if (file->n_rows == 0)
        return tsr_fail(TSR_REFUSED, "%s: no line behind the header, expected a sample per line",
                        file->text.path);
    return NULL;
}

static tsr_status *read_files(table *data, table_file *files, size_t n_files)
{
    size_t row = 0;
    for (size_t i = 0; i < n_files; i++)
        TSR_TRY(open_file(data, i == 0 ? data->train : data->test, &files[i]));
    TSR_TRY(take_first(data, &files[0].first));
    if (n_files > 1)
        TSR_TRY(compare_header(data, &files[1].first, &files[0].first));
    for (size_t i = 0; i < n_files; i++)
        TSR_TRY(read_numbers(data, &files[i]));
    for (size_t i = 0; i < n_files; i++)
        TSR_TRY(columns_read_texts(&data->columns, &data->rules, &files[i].text, files[i].rows, &row));
    if (row != data->columns.n_rows)
        return tsr_fail(TSR_IO, "%s: changed while it was read", data->train);
    return NULL;
}

/* Telling apart what trains and what tests. */

static tsr_status *split_rows(table *data, const table_file *files, size_t n_files)
{
    size_t n_rows = data->columns.n_rows;
    if (n_files > 1)
        data->n[TSR_TRAIN] = files[0].n_rows;
    else
        TSR_TRY(split_samples(&data->split, data->train, n_rows, &data->order, &data->n[TSR_TRAIN]));
    data->n[TSR_TEST] = n_rows - data->n[TSR_TRAIN];
    return NULL;
}

static tsr_status *check_classes(const table *data)
{
    const column *label = data->classes;
    if (label->words.n < 2)
        return tsr_fail(TSR_REFUSED, "%s: column %s: every label is '%s', expected at least two classes",
                        data->train, label->name, label->words.n ? label->words.texts[0] : "");
    if (data->order)
        return NULL;
    bool *known = calloc(label->words.n, sizeof(*known));
    if (!known)
        return no_memory(data->train);
    for (size_t i = 0; i < data->n[TSR_TRAIN]; i++)
        known[label->codes[i]] = true;
    const char *unknown = NULL;
    for (size_t i = data->n[TSR_TRAIN]; !unknown && i < data->columns.n_rows; i++)
        if (!known[label->codes[i]])
            unknown = label->words.texts[label->codes[i]];
    free(known);
    return unknown ? tsr_fail(TSR_REFUSED,
                              "%s: column %s: label '%s' is not in the training file %s, expected "
                              "one that is",
                              data->test, label->name, unknown, data->train)
                   : NULL;
}

static tsr_status *finish_columns(table *data)
{
    for (size_t j = 0; j < data->columns.n; j++) {
        column *self = &data->columns.all[j];
        if (self->role != COLUMN_INPUT)
            continue;
        TSR_TRY(column_finish(self, &data->rules, data->columns.n_rows, data->n[TSR_TRAIN], data->order,
                              data->train));
        data->n_inputs += self->n_inputs;
    }
    if (data->n_inputs > MAX_INPUTS)
        return tsr_fail(TSR_REFUSED, "%s: %zu inputs, expected at most %zu", data->train, data->n_inputs,
                        MAX_INPUTS);
    return NULL;
}

static tsr_status *load(table *data, table_file *files, size_t n_files)
{
    TSR_TRY(read_files(data, files, n_files));
    TSR_TRY(split_rows(data, files, n_files));
    TSR_TRY(column_finish_label(data->classes, data->columns.n_rows));
    TSR_TRY(check_classes(data));
    return finish_columns(data);
}

/* The plugin's operations. */

static void close_table(void *self)
{
    table *data = self;
    columns_clear(&data->columns);
    free(data->order);
    data->order = NULL;
    data->classes = NULL;
    data->n_inputs = 0;
}

static tsr_status *open_table(void *self, tsr_dataset_info *info)
{
    table *data = self;
    table_file files[2] = { 0 };
    TSR_TRY(check_keys(data));
    tsr_status *status = load(data, files, given(data->test) ? 2 : 1);
    for (size_t i = 0; i < 2; i++) {
        record_reader_clear(&files[i].first);
        text_file_close(&files[i].text);
    }
    if (status) {
        close_table(data);
        return status;
    }
    *info = (tsr_dataset_info){
        .n = { data->n[TSR_TRAIN], data->n[TSR_TEST] },
        .shape = TSR_SHAPE(data->n_inputs),
        .classes = (int)data->classes->words.n,
        .class_names = (const char *const *)data->classes->words.texts,
    };
    return NULL;
}

static size_t row_of(const table *data, tsr_split split, size_t index)
{
    size_t place = split == TSR_TRAIN ? index : data->n[TSR_TRAIN] + index;
    return data->order ? data->order[place] : place;
}

/* One column of a batch; `out` is its first input of the first sample. */
static void read_column(const table *data, const column *self, tsr_split split, size_t n, const size_t *index,
                        float *out)
{
    for (size_t i = 0; i < n; i++, out += data->n_inputs) {
        size_t row = row_of(data, split, index[i]);
        if (!self->text)
            *out = self->values[row];
        else if (self->n_inputs == 1 && self->words.n == 2)
            *out = (float)self->codes[row];
        else
            out[self->codes[row]] = 1;
    }
}

static void read_table(const void *self, tsr_split split, size_t n, const size_t *index, float *inputs,
                       int32_t *labels)
{
    const table *data = self;
    size_t first = 0;
    if (inputs)
        memset(inputs, 0, n * data->n_inputs * sizeof(*inputs));
    for (size_t j = 0; inputs && j < data->columns.n; j++) {
        const column *one = &data->columns.all[j];
        if (one->role != COLUMN_INPUT)
            continue;
        read_column(data, one, split, n, index, inputs + first);
        first += one->n_inputs;
    }
    for (size_t i = 0; labels && i < n; i++)
        labels[i] = data->classes->codes[row_of(data, split, index[i])];
}

static const tsr_dataset_ops ops = { .open = open_table, .read = read_table, .close = close_table };

static const char *const missing_words[] = { "", "?", "NA" };

static const tsr_key keys[] = {
    TSR_KEY_PATH(table, train, NULL, "file of the training samples, or of all where there is no test file"),
    TSR_KEY_PATH(table, test, NULL, "file of the test samples, of the same columns"),
    SPLIT_KEYS(table),
    TSR_KEY_BOOL(table, header, true, "whether the first line names the columns"),
    TSR_KEY_STRING(table, delimiter, ",", "character between values; \"tab\" for TSV"),
    TSR_KEY_STRING(table, label, "", "column of the classes, by name or number from 1; \"\": the last"),
    TSR_KEY_STRING_LIST(table, missing, missing_words, 3, "words that mean a missing value"),
    TSR_KEY_STRING_LIST(table, skip, NULL, 0, "columns to leave out, by name or number from 1"),
    TSR_KEY_ENUM_AS(
        table, rules.scale, "scale", "none", scales,
        "numbers, by the training part: maximum: divided by the largest magnitude; range: 0 to 1; "
        "standard: mean 0, deviation 1"),
    TSR_KEY_ENUM_AS(table, rules.fill, "fill", "refuse", fills,
                    "a missing number: refused, or the training part's mean, or 0, either before scaling"),
    TSR_KEY_BOOL_AS(table, rules.allow_nonfinite, "allow_nonfinite", false, "take nan and inf as numbers"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_DATASET_PLUGIN(&ops),
    .name = "table",
    .version = "1.0.0",
    .summary = "CSV and TSV files: numbers scaled, text one-hot, a column of labels",
    .licence = "MIT",
    TSR_INSTANCE(table),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
