/* A folder per class. Folders are read whole and sorted, so that no order of the file system's matters. */
#include "listing.h"

#include "../data_file.h"
#include "../text_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static tsr_status *no_memory(void)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for a list of pictures");
}

/* Names. */

tsr_status *names_add(names *self, const char *chars, size_t length)
{
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        char **grown = realloc(self->all, capacity * sizeof(*grown));
        if (!grown)
            return no_memory();
        self->all = grown;
        self->capacity = capacity;
    }
    char *copy = strndup(chars, length);
    if (!copy)
        return no_memory();
    self->all[self->n++] = copy;
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(names *self)
{
    if (self->n > 0)
        qsort(self->all, self->n, sizeof(*self->all), compare_names);
}

size_t names_find(const names *self, const char *chars, size_t length)
{
    size_t low = 0, high = self->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *name = self->all[middle];
        int order = strncmp(name, chars, length);
        if (order == 0 && name[length] == '\0')
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return self->n;
}

static void names_clear(names *self)
{
    for (size_t i = 0; i < self->n; i++)
        free(self->all[i]);
    free(self->all);
    *self = (names){ 0 };
}

/* Folders. */

tsr_status *listing_join(const char *folder, const char *name, char **out)
{
    if (asprintf(out, "%s/%s", folder, name) >= 0)
        return NULL;
    *out = NULL;
    return no_memory();
}

/* The names in a folder, in order, but for those with a dot before them. */
static tsr_status *read_folder(const char *folder, names *out)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return tsr_fail(TSR_REFUSED, "%s: %s", folder, strerror(errno));
    tsr_status *status = NULL;
    errno = 0;
    for (struct dirent *entry; !status && (entry = readdir(stream)); errno = 0)
        if (entry->d_name[0] != '.')
            status = names_add(out, entry->d_name, strlen(entry->d_name));
    if (!status && errno)
        status = tsr_fail(TSR_IO, "%s: %s", folder, strerror(errno));
    closedir(stream);
    names_sort(out);
    return status;
}

static tsr_status *check_kind(const char *path, mode_t wanted, const char *expected)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return tsr_fail(TSR_REFUSED, "%s: %s", path, strerror(errno));
    if (S_ISLNK(info.st_mode))
        return tsr_fail(TSR_REFUSED, "%s: a symbolic link, expected %s", path, expected);
    if ((info.st_mode & S_IFMT) != wanted)
        return tsr_fail(TSR_REFUSED, "%s: not %s", path, expected);
    return NULL;
}

static bool has_ending(const char *name)
{
    static const char *const endings[] = { ".png", ".jpg", ".jpeg" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

tsr_status *listing_add(image_list *list, char *path, int32_t label)
{
    tsr_status *status = path ? NULL : no_memory();
    if (!status && list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        char **paths = capacity <= MAX_IMAGES ? realloc(list->paths, capacity * sizeof(*paths)) : NULL;
        list->paths = paths ? paths : list->paths;
        int32_t *labels = paths ? realloc(list->labels, capacity * sizeof(*labels)) : NULL;
        list->labels = labels ? labels : list->labels;
        if (labels)
            list->capacity = capacity;
        else
            status = no_memory();
    }
    if (status) {
        free(path);
        return status;
    }
    list->paths[list->n] = path;
    list->labels[list->n++] = label;
    return NULL;
}

static tsr_status *add_picture(image_list *list, const char *folder, const char *name, int32_t label)
{
    char *path;
    TSR_TRY(listing_join(folder, name, &path));
    tsr_status *status = check_kind(path, S_IFREG, "a file");
    if (!status && !has_ending(name))
        status = tsr_fail(TSR_REFUSED, "%s: no picture by its name, expected .png, .jpg or .jpeg", path);
    if (!status)
        return listing_add(list, path, label);
    free(path);
    return status;
}

tsr_status *listing_add_pictures(image_list *list, const char *folder, int32_t label)
{
    names files = { 0 };
    tsr_status *status = read_folder(folder, &files);
    if (!status && files.n == 0)
        status = tsr_fail(TSR_REFUSED, "%s: an empty folder, expected pictures of its class", folder);
    for (size_t i = 0; !status && i < files.n; i++)
        status = add_picture(list, folder, files.all[i], label);
    names_clear(&files);
    return status;
}

typedef struct turn {
    size_t round; /* place in its class */
    int32_t label;
    char *path;
} turn;

static int compare_turns(const void *a, const void *b)
{
    const turn *first = a, *second = b;
    if (first->round != second->round)
        return first->round < second->round ? -1 : 1;
    return (first->label > second->label) - (first->label < second->label);
}

tsr_status *listing_take_turns(image_list *list)
{
    turn *turns = calloc(list->n + 1, sizeof(*turns));
    if (!turns)
        return no_memory();
    for (size_t i = 0; i < list->n; i++) {
        bool first = i == 0 || list->labels[i] != list->labels[i - 1];
        turns[i] = (turn){ first ? 0 : turns[i - 1].round + 1, list->labels[i], list->paths[i] };
    }
    qsort(turns, list->n, sizeof(*turns), compare_turns);
    for (size_t i = 0; i < list->n; i++) {
        list->labels[i] = turns[i].label;
        list->paths[i] = turns[i].path;
    }
    free(turns);
    return NULL;
}

static tsr_status *add_class(const char *folder, const char *name, const names *classes, image_list *list)
{
    char *path;
    TSR_TRY(listing_join(folder, name, &path));
    size_t label = names_find(classes, name, strlen(name));
    tsr_status *status = check_kind(path, S_IFDIR, "a folder with the pictures of a class");
    if (!status && !text_is_utf8(name, strlen(name)))
        status = tsr_fail(TSR_REFUSED, "%s: a class whose name is no UTF-8, expected one in UTF-8", path);
    if (!status && label == classes->n)
        status =
            tsr_fail(TSR_REFUSED, "%s: a class without training pictures, expected one that has them", path);
    if (!status)
        status = listing_add_pictures(list, path, (int32_t)label);
    free(path);
    return status;
}

static tsr_status *add_classes(const char *folder, const names *found, const names *classes, image_list *list)
{
    for (size_t i = 0; i < found->n; i++)
        TSR_TRY(add_class(folder, found->all[i], classes, list));
    return listing_take_turns(list);
}

static tsr_status *check_classes(const char *folder, const names *classes)
{
    if (classes->n >= 2 && classes->n <= MAX_CLASSES)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s: %zu class%s, expected a folder for each of at least two", folder,
                    classes->n, classes->n == 1 ? "" : "es");
}

static tsr_status *add_test(const char *folder, listing *out)
{
    names found = { 0 };
    tsr_status *status = read_folder(folder, &found);
    if (!status)
        status = add_classes(folder, &found, &out->classes, &out->test);
    if (!status && out->test.n == 0)
        status = tsr_fail(TSR_REFUSED, "%s: an empty folder, expected one per class", folder);
    names_clear(&found);
    return status;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static tsr_status *list_parts(const char *path, const char *train, const char *test, listing *out)
{
    bool two = is_folder(train);
    const char *first = two ? train : path;
    TSR_TRY(read_folder(first, &out->classes));
    TSR_TRY(check_classes(first, &out->classes));
    TSR_TRY(add_classes(first, &out->classes, &out->classes, &out->train));
    return two && is_folder(test) ? add_test(test, out) : NULL;
}

tsr_status *listing_of_folders(const char *path, listing *out)
{
    char *train = NULL, *test = NULL;
    tsr_status *status = data_file_exists(path);
    if (!status)
        status = listing_join(path, "train", &train);
    if (!status)
        status = listing_join(path, "test", &test);
    if (!status)
        status = list_parts(path, train, test, out);
    free(train);
    free(test);
    return status;
}

static void list_clear(image_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->paths[i]);
    free(list->paths);
    free(list->labels);
    *list = (image_list){ 0 };
}

void listing_clear(listing *self)
{
    names_clear(&self->classes);
    names_clear(&self->words);
    list_clear(&self->train);
    list_clear(&self->test);
}
