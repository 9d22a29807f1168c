/* Reading columns. The first pass over the files tells numbers from text, and keeps the numbers; the second
   numbers the texts. A column's values that are no numbers may come a million lines after those that are. */
#include "columns.h"

#include "records.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MISSING (-DBL_MAX) /* no input: a value so large fits no float and is refused */
#define FIRST_ROWS ((size_t)1 << 10)

static tsr_status *no_memory(const text_file *file)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", file->path);
}

static bool is_missing(const column_rules *rules, const table_field *field)
{
    for (size_t i = 0; i < rules->n_missing; i++) {
        const char *word = rules->missing[i];
        if (strncmp(word, field->chars, field->length) == 0 && word[field->length] == '\0')
            return true;
    }
    return false;
}

static void note(table_place *first, const text_file *file, const table_field *field)
{
    if (!first->file)
        *first = (table_place){ .file = file, .place = field->place };
}

/* The number passes. */

static tsr_status *grow_rows(columns *table, const text_file *file)
{
    size_t capacity = table->rows_capacity ? 2 * table->rows_capacity : FIRST_ROWS;
    if (capacity > SIZE_MAX / sizeof(double) / 2)
        return no_memory(file);
    for (size_t j = 0; j < table->n; j++) {
        column *self = &table->all[j];
        if (self->role != COLUMN_INPUT || self->text)
            continue;
        double *grown = realloc(self->numbers, capacity * sizeof(*grown));
        if (!grown)
            return no_memory(file);
        self->numbers = grown;
    }
    table->rows_capacity = capacity;
    return NULL;
}

static void take_number(column *self, const column_rules *rules, const text_file *file,
                        const table_field *field, size_t row)
{
    double value = MISSING;
    if (is_missing(rules, field)) {
        note(&self->missing, file, field);
    } else {
        text_number_kind kind = text_number(field->chars, field->length, &value);
        self->present++;
        self->text = self->text || kind == TEXT_NO_NUMBER;
        if (kind == TEXT_NONFINITE)
            note(&self->nonfinite, file, field);
    }
    if (self->role == COLUMN_INPUT && !self->text)
        self->numbers[row] = value;
}

static void take_text_only(column *self, const column_rules *rules, const text_file *file,
                           const table_field *field)
{
    if (is_missing(rules, field))
        note(&self->missing, file, field);
    else
        self->present++;
}

static void drop_numbers(column *self)
{
    free(self->numbers);
    self->numbers = NULL;
}

static void take_row(columns *table, const column_rules *rules, const record_reader *reader)
{
    for (size_t j = 0; j < table->n; j++) {
        column *self = &table->all[j];
        if (self->role == COLUMN_SKIPPED)
            continue;
        if (self->text) {
            take_text_only(self, rules, reader->file, &reader->fields[j]);
            continue;
        }
        take_number(self, rules, reader->file, &reader->fields[j], table->n_rows);
        if (self->text)
            drop_numbers(self);
    }
    table->n_rows++;
}

static tsr_status *check_length(const columns *table, const record_reader *reader)
{
    if (reader->n_fields == table->n)
        return NULL;
    return text_file_refuse(reader->file, reader->fields[0].place,
                            "%zu value%s, expected %zu as in the first line", reader->n_fields,
                            reader->n_fields == 1 ? "" : "s", table->n);
}

tsr_status *columns_read_numbers(columns *table, const column_rules *rules, const text_file *file,
                                 const char *at)
{
    record_reader reader = { .file = file, .delimiter = rules->delimiter, .at = at };
    bool got;
    tsr_status *status = record_next(&reader, &got);
    while (!status && got) {
        status = check_length(table, &reader);
        if (!status && table->n_rows == table->rows_capacity)
            status = grow_rows(table, file);
        if (status)
            break;
        take_row(table, rules, &reader);
        status = record_next(&reader, &got);
    }
    record_reader_clear(&reader);
    return status;
}

/* The text passes. */

static bool has_codes(const column *self)
{
    return self->role == COLUMN_LABEL || (self->role == COLUMN_INPUT && self->text);
}

static tsr_status *take_code(column *self, const column_rules *rules, const text_file *file,
                             const table_field *field, size_t row)
{
    if (is_missing(rules, field)) {
        if (self->role == COLUMN_LABEL)
            return text_file_refuse(file, field->place, "column %s: no label, expected a class in every line",
                                    self->name);
        self->codes[row] = MAX_WORDS;
        return NULL;
    }
    switch (words_number(&self->words, field->chars, field->length, &self->codes[row])) {
    case WORDS_FOUND:
        return NULL;
    case WORDS_NO_MEMORY:
        return no_memory(file);
    case WORDS_FULL:
        break;
    }
    return text_file_refuse(file, field->place, "column %s: more than %d different %s, expected %s",
                            self->name, MAX_WORDS, self->role == COLUMN_LABEL ? "labels" : "texts",
                            self->role == COLUMN_LABEL ? "classes" : "categories, or the column in skip");
}

static tsr_status *make_codes(columns *table, const text_file *file)
{
    for (size_t j = 0; j < table->n; j++) {
        column *self = &table->all[j];
        if (has_codes(self) && !self->codes &&
            !(self->codes = calloc(table->n_rows + 1, sizeof(*self->codes))))
            return no_memory(file);
    }
    return NULL;
}

static tsr_status *take_codes(columns *table, const column_rules *rules, const record_reader *reader,
                              size_t row)
{
    for (size_t j = 0; j < table->n; j++)
        if (has_codes(&table->all[j]))
            TSR_TRY(take_code(&table->all[j], rules, reader->file, &reader->fields[j], row));
    return NULL;
}

tsr_status *columns_read_texts(columns *table, const column_rules *rules, const text_file *file,
                               const char *at, size_t *first_row)
{
    TSR_TRY(make_codes(table, file));
    record_reader reader = { .file = file, .delimiter = rules->delimiter, .at = at };
    bool got;
    tsr_status *status = record_next(&reader, &got);
    while (!status && got) {
        /* The file may have changed since. */
        status = *first_row == table->n_rows
                     ? text_file_refuse(file, reader.fields[0].place, "a line more than before")
                     : check_length(table, &reader);
        if (!status)
            status = take_codes(table, rules, &reader, (*first_row)++);
        if (!status)
            status = record_next(&reader, &got);
    }
    record_reader_clear(&reader);
    return status;
}

/* Finishing a column. */

static tsr_status *sort_words(column *self, size_t n_rows, bool as_numbers)
{
    uint16_t *new_number = calloc(self->words.n + 1, sizeof(*new_number));
    if (!new_number)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu texts", self->words.n);
    tsr_status *status = words_sort(&self->words, as_numbers, new_number);
    for (size_t i = 0; !status && i < n_rows; i++)
        self->codes[i] = self->codes[i] == MAX_WORDS ? (uint16_t)self->words.n : new_number[self->codes[i]];
    free(new_number);
    return status;
}

tsr_status *column_finish_label(column *self, size_t n_rows)
{
    return sort_words(self, n_rows, !self->text && !self->nonfinite.file);
}

static tsr_status *finish_text(column *self, size_t n_rows)
{
    TSR_TRY(sort_words(self, n_rows, false));
    bool missing = self->missing.file != NULL;
    self->n_inputs = self->words.n == 2 && !missing ? 1 : self->words.n + missing;
    return NULL;
}

/* Of the finite numbers of the training part. */
typedef struct statistics {
    size_t n;
    double mean, deviation, min, max;
} statistics;

static statistics measure(const column *self, size_t n_train, const size_t *order)
{
    statistics out = { .min = INFINITY, .max = -INFINITY };
    double squares = 0; /* of the differences from the mean (Welford 1962) */
    for (size_t i = 0; i < n_train; i++) {
        double value = self->numbers[order ? order[i] : i];
        if (value == MISSING || !isfinite(value))
            continue;
        double difference = value - out.mean;
        out.mean += difference / (double)++out.n;
        squares += difference * (value - out.mean);
        out.min = fmin(out.min, value);
        out.max = fmax(out.max, value);
    }
    if (out.n > 0)
        out.deviation = sqrt(squares / (double)out.n);
    return out;
}

/* value = (number - offset) / divisor. A column that is constant in the training part is only moved. */
static void choose_scale(int scale, const statistics *of, double *offset, double *divisor)
{
    *offset = 0;
    *divisor = 1;
    if (scale == SCALE_MAXIMUM) {
        *divisor = fmax(fabs(of->min), fabs(of->max));
    } else if (scale == SCALE_RANGE) {
        *offset = of->min;
        *divisor = of->max - of->min;
    } else if (scale == SCALE_STANDARD) {
        *offset = of->mean;
        *divisor = of->max > of->min ? of->deviation : 0;
    }
    if (!(*divisor > 0))
        *divisor = 1;
}

static tsr_status *check_numbers(const column *self, const column_rules *rules, const statistics *of,
                                 const char *file)
{
    if (self->nonfinite.file && !rules->allow_nonfinite)
        return text_file_refuse(self->nonfinite.file, self->nonfinite.place,
                                "column %s: not a finite number, expected one, its word in missing, or "
                                "allow_nonfinite = true",
                                self->name);
    if (self->missing.file && rules->fill == FILL_REFUSE)
        return text_file_refuse(
            self->missing.file, self->missing.place,
            "column %s: no number, expected one, fill = \"mean\" or \"zero\", or the column "
            "in skip",
            self->name);
    bool wanted = rules->scale != SCALE_NONE || (self->missing.file && rules->fill == FILL_MEAN);
    if (wanted && of->n == 0)
        return tsr_fail(
            TSR_REFUSED,
            "%s: column %s: no number in the training part, expected one to scale or fill by, or the "
            "column in skip",
            file, self->name);
    return NULL;
}

static tsr_status *finish_numbers(column *self, const column_rules *rules, size_t n_rows, size_t n_train,
                                  const size_t *order, const char *file)
{
    statistics of = measure(self, n_train, order);
    TSR_TRY(check_numbers(self, rules, &of, file));
    double offset, divisor;
    choose_scale(rules->scale, &of, &offset, &divisor);
    self->n_inputs = 1;
    self->values = calloc(n_rows + 1, sizeof(*self->values));
    if (!self->values)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", file);
    for (size_t i = 0; i < n_rows; i++) {
        double number = self->numbers[i];
        if (number == MISSING && self->missing.file)
            number = rules->fill == FILL_MEAN ? of.mean : 0;
        double value = (number - offset) / divisor;
        if (isfinite(number) && !(fabs(value) <= FLT_MAX))
            return tsr_fail(TSR_REFUSED,
                            "%s: column %s: sample %zu is %g, expected at most what a float holds", file,
                            self->name, i, value);
        self->values[i] = (float)value;
    }
    drop_numbers(self);
    return NULL;
}

tsr_status *column_finish(column *self, const column_rules *rules, size_t n_rows, size_t n_train,
                          const size_t *order, const char *file)
{
    if (self->present == 0)
        return tsr_fail(TSR_REFUSED,
                        "%s: column %s: all values are missing, expected some, or the column in skip", file,
                        self->name);
    return self->text ? finish_text(self, n_rows) : finish_numbers(self, rules, n_rows, n_train, order, file);
}

void columns_clear(columns *table)
{
    for (size_t j = 0; j < table->n; j++) {
        column *self = &table->all[j];
        free(self->name);
        free(self->numbers);
        free(self->values);
        free(self->codes);
        words_clear(&self->words);
    }
    free(table->all);
    *table = (columns){ 0 };
}
