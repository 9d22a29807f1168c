/* Tiny-ImageNet's layout, whose text files say what is where. */
#include "../data_file.h"
#include "../text_file.h"
#include "listing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line's text up to a tab, and behind it. */
typedef struct line {
    const char *first, *second; /* second: NULL where there is no tab */
    size_t first_length, second_length;
} line;

/* What is done with each line that is not empty. */
typedef tsr_status *take_line(const text_file *file, const line *one, listing *out, const char *folder);

static line cut(const char *from, const char *end)
{
    if (end > from && end[-1] == '\r')
        end--;
    const char *tab = memchr(from, '\t', (size_t)(end - from));
    const char *first_end = tab ? tab : end;
    return (line){ from, tab ? tab + 1 : NULL, (size_t)(first_end - from),
                   tab ? (size_t)(end - tab - 1) : 0 };
}

static tsr_status *take_lines(const text_file *file, take_line *take, listing *out, const char *folder)
{
    for (const char *from = file->chars; from < file->end;) {
        const char *end = memchr(from, '\n', (size_t)(file->end - from));
        if (!end)
            end = file->end;
        line one = cut(from, end);
        if (one.first_length > 0 || one.second)
            TSR_TRY(take(file, &one, out, folder));
        from = end < file->end ? end + 1 : end;
    }
    return NULL;
}

/* Lines of folder/name; nothing where there is no file that need not be there. */
static tsr_status *read_lines(const char *folder, const char *name, bool optional, take_line *take,
                              listing *out)
{
    char *path;
    text_file file = { 0 };
    TSR_TRY(listing_join(folder, name, &path));
    tsr_status *status = data_file_exists(path);
    if (status && optional) {
        tsr_status_free(status);
        free(path);
        return NULL;
    }
    if (!status)
        status = text_file_open(path, "a text", &file);
    if (!status)
        status = take_lines(&file, take, out, folder);
    text_file_close(&file);
    free(path);
    return status;
}

/* Of a file or folder in a folder, not out of it. */
static bool is_name(const line *one)
{
    return one->first_length > 0 && one->first_length <= NAME_MAX && *one->first != '.' &&
           !memchr(one->first, '/', one->first_length);
}

static tsr_status *take_class(const text_file *file, const line *one, listing *out, const char *folder)
{
    (void)folder;
    if (one->second || !is_name(one))
        return text_file_refuse(file, one->first, "expected the name of a class and nothing else");
    if (out->classes.n == MAX_CLASSES)
        return text_file_refuse(file, one->first, "more than %zu classes, expected at most so many",
                                MAX_CLASSES);
    return names_add(&out->classes, one->first, one->first_length);
}

static tsr_status *take_picture(const text_file *file, const line *one, listing *out, const char *folder)
{
    const char *tab = one->second ? memchr(one->second, '\t', one->second_length) : NULL;
    size_t length = tab ? (size_t)(tab - one->second) : one->second_length;
    if (!one->second || !is_name(one))
        return text_file_refuse(file, one->first, "expected the name of a picture, a tab and its class");
    size_t label = names_find(&out->classes, one->second, length);
    if (label == out->classes.n)
        return text_file_refuse(file, one->second, "class '%.*s', expected one of wnids.txt",
                                TEXT_SHOWN(one->second, length));
    char *path;
    if (asprintf(&path, "%s/val/images/%.*s", folder, (int)one->first_length, one->first) < 0)
        path = NULL;
    return listing_add(&out->test, path, (int32_t)label);
}

/* The names are put in the places of the classes; out->words has that many already. */
static tsr_status *take_word(const text_file *file, const line *one, listing *out, const char *folder)
{
    (void)folder;
    size_t label = names_find(&out->classes, one->first, one->first_length);
    if (!one->second || one->second_length == 0 || label == out->classes.n)
        return NULL;
    char *copy = strndup(one->second, one->second_length);
    if (!copy)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", file->path);
    free(out->words.all[label]);
    out->words.all[label] = copy;
    return NULL;
}

static tsr_status *read_classes(const char *path, listing *out)
{
    TSR_TRY(read_lines(path, "wnids.txt", false, take_class, out));
    names_sort(&out->classes);
    for (size_t i = 1; i < out->classes.n; i++)
        if (strcmp(out->classes.all[i - 1], out->classes.all[i]) == 0)
            return tsr_fail(TSR_REFUSED, "%s/wnids.txt: class '%s' twice, expected it once", path,
                            out->classes.all[i]);
    if (out->classes.n < 2)
        return tsr_fail(TSR_REFUSED, "%s/wnids.txt: %zu class%s, expected at least two", path, out->classes.n,
                        out->classes.n == 1 ? "" : "es");
    for (size_t i = 0; i < out->classes.n; i++)
        TSR_TRY(names_add(&out->words, out->classes.all[i], strlen(out->classes.all[i])));
    return read_lines(path, "words.txt", true, take_word, out);
}

static tsr_status *add_training(const char *path, listing *out)
{
    for (size_t i = 0; i < out->classes.n; i++) {
        char *folder;
        if (asprintf(&folder, "%s/train/%s/images", path, out->classes.all[i]) < 0)
            return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
        tsr_status *status = listing_add_pictures(&out->train, folder, (int32_t)i);
        free(folder);
        TSR_TRY(status);
    }
    return listing_take_turns(&out->train);
}

tsr_status *listing_of_tiny_imagenet(const char *path, listing *out)
{
    TSR_TRY(read_classes(path, out));
    TSR_TRY(add_training(path, out));
    TSR_TRY(read_lines(path, "val/val_annotations.txt", false, take_picture, out));
    if (out->test.n == 0)
        return tsr_fail(TSR_REFUSED, "%s/val/val_annotations.txt: names no picture, expected one per line",
                        path);
    return NULL;
}
