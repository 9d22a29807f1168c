/* Taking records apart. Fields point into the file, but for those with doubled quotes in them. */
#include "records.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS ((size_t)1 << 20)

static bool is_blank(const record_reader *reader, char c)
{
    return (c == ' ' || c == '\t') && c != reader->delimiter;
}

static const char *skip_blanks(const record_reader *reader, const char *c)
{
    while (c < reader->file->end && is_blank(reader, *c))
        c++;
    return c;
}

/* Length of the line end at c: 0 where there is none. */
static size_t line_end(const text_file *file, const char *c)
{
    if (*c == '\n')
        return 1;
    return *c == '\r' && c + 1 < file->end && c[1] == '\n' ? 2 : 0;
}

static const char *skip_empty_lines(const record_reader *reader, const char *c)
{
    for (;;) {
        const char *after = skip_blanks(reader, c);
        if (after == reader->file->end)
            return after;
        size_t length = line_end(reader->file, after);
        if (length == 0)
            return c;
        c = after + length;
    }
}

static tsr_status *no_memory(const record_reader *reader)
{
    return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", reader->file->path);
}

static tsr_status *add_field(record_reader *reader, table_field field)
{
    if (reader->n_fields == reader->capacity) {
        if (reader->capacity >= MAX_FIELDS)
            return text_file_refuse(reader->file, field.place,
                                    "more than %zu values, expected at most so many", MAX_FIELDS);
        size_t capacity = reader->capacity ? 2 * reader->capacity : 64;
        table_field *grown = realloc(reader->fields, capacity * sizeof(*grown));
        if (!grown)
            return no_memory(reader);
        reader->fields = grown;
        reader->capacity = capacity;
    }
    reader->fields[reader->n_fields++] = field;
    return NULL;
}

/* As it is from c on, to a delimiter or the end of the line, where *after is left. */
static tsr_status *take_plain(const record_reader *reader, const char *c, table_field *out,
                              const char **after)
{
    const text_file *file = reader->file;
    out->chars = out->place = c;
    for (; c < file->end && *c != reader->delimiter && *c != '\n'; c++) {
        if (*c == '"')
            return text_file_refuse(
                file, c,
                "a quote inside a value, expected the whole value in quotes and each quote "
                "in it doubled");
        if (*c == '\r') {
            if (line_end(file, c))
                break;
            return text_file_refuse(file, c,
                                    "a carriage return inside the line, expected lines to end in a "
                                    "line feed, after a carriage return or without");
        }
    }
    *after = c;
    while (c > out->chars && is_blank(reader, c[-1]))
        c--;
    out->length = (size_t)(c - out->chars);
    return NULL;
}

/* Doubled quotes are left in, and counted. c is behind the first quote. */
static tsr_status *take_quoted(const record_reader *reader, const char *c, table_field *out, size_t *doubled,
                               const char **after)
{
    const text_file *file = reader->file;
    out->chars = c;
    out->place = c - 1;
    *doubled = 0;
    for (;; c += 2) {
        c = memchr(c, '"', (size_t)(file->end - c));
        if (!c)
            return text_file_refuse(file, out->place,
                                    "a value in quotes that does not end before the file does");
        if (c + 1 == file->end || c[1] != '"')
            break;
        ++*doubled;
    }
    out->length = (size_t)(c - out->chars);
    c = skip_blanks(reader, c + 1);
    if (c < file->end && *c != reader->delimiter && !line_end(file, c))
        return text_file_refuse(file, c,
                                "text behind a closing quote, expected the delimiter, or a quote in "
                                "the value doubled");
    *after = c;
    return NULL;
}

static size_t single_quotes(const table_field *field, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < field->length; i++) {
        out[n++] = field->chars[i];
        i += field->chars[i] == '"'; /* its double */
    }
    return n;
}

/* All values with doubled quotes move into one buffer, at last, so that it may grow only once. */
static tsr_status *unquote(record_reader *reader, size_t length)
{
    if (length > reader->unquoted_capacity) {
        char *grown = realloc(reader->unquoted, length);
        if (!grown)
            return no_memory(reader);
        reader->unquoted = grown;
        reader->unquoted_capacity = length;
    }
    char *out = reader->unquoted;
    for (size_t i = 0; i < reader->n_fields; i++) {
        table_field *field = &reader->fields[i];
        if (field->length == 0 || *field->place != '"' || !memchr(field->chars, '"', field->length))
            continue;
        size_t n = single_quotes(field, out);
        field->chars = out;
        field->length = n;
        out += n;
    }
    return NULL;
}

tsr_status *record_next(record_reader *reader, bool *got)
{
    const text_file *file = reader->file;
    const char *c = skip_empty_lines(reader, reader->at);
    size_t to_unquote = 0;
    reader->n_fields = 0;
    *got = c < file->end;
    while (*got) {
        table_field field = { 0 };
        size_t doubled = 0;
        c = skip_blanks(reader, c);
        if (c < file->end && *c == '"')
            TSR_TRY(take_quoted(reader, c + 1, &field, &doubled, &c));
        else
            TSR_TRY(take_plain(reader, c, &field, &c));
        to_unquote += doubled ? field.length : 0;
        TSR_TRY(add_field(reader, field));
        if (c == file->end || *c != reader->delimiter)
            break;
        c++;
    }
    reader->at = c < file->end ? c + line_end(file, c) : c;
    return to_unquote ? unquote(reader, to_unquote) : NULL;
}

void record_reader_clear(record_reader *reader)
{
    free(reader->fields);
    free(reader->unquoted);
    *reader = (record_reader){ 0 };
}
