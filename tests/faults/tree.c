/* Folders of a few small files: copied, compared, and looked at whether each file is whole. */
#include "faults.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT (64 << 20)

static _Noreturn void die(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(EXIT_FAILURE);
}

static char *path_of(const char *folder, const char *name)
{
    char *path = tsr_path_join(folder, name);
    if (!path)
        die("no memory", folder);
    return path;
}

static char *content_of(const char *path, size_t *length)
{
    char *text = NULL;
    tsr_status *status = tsr_read_file(path, LIMIT, &text, length);
    if (status)
        die(tsr_status_message(status), path);
    return text;
}

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Plain writes: no name that only lasts while it is written, no waiting for the disk. */
static void copy_file(const char *from, const char *to)
{
    size_t length;
    char *text = content_of(from, &length);
    FILE *file = fopen(to, "wb");
    if (!file || fwrite(text, 1, length, file) != length || fclose(file) != 0)
        die("cannot be written", to);
    free(text);
}

void faults_copy_tree(const char *from, const char *to)
{
    DIR *entries = opendir(from);
    if (!entries || mkdir(to, 0777) != 0)
        die("cannot be copied", from);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (!is_entry(entry))
            continue;
        char *a = path_of(from, entry->d_name), *b = path_of(to, entry->d_name);
        (is_folder(a) ? faults_copy_tree : copy_file)(a, b);
        free(a);
        free(b);
    }
    closedir(entries);
}

static bool same_files(const char *a, const char *b)
{
    size_t m, n;
    char *x = content_of(a, &m), *y = content_of(b, &n);
    bool same = m == n && memcmp(x, y, m) == 0;
    free(x);
    free(y);
    return same;
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* What `a` has and `b` has not, or, where both have it and `bytes`, otherwise. */
static bool has_same(const char *a, const char *b, bool bytes, char *why, size_t capacity)
{
    DIR *entries = opendir(a);
    bool same = entries != NULL;
    for (struct dirent *entry; same && (entry = readdir(entries)) != NULL;) {
        if (!is_entry(entry))
            continue;
        char *x = path_of(a, entry->d_name), *y = path_of(b, entry->d_name);
        if (!exists(y)) {
            snprintf(why, capacity, "%s is in one of both only", x);
            same = false;
        } else if (is_folder(x)) {
            same = has_same(x, y, bytes, why, capacity);
        } else if (bytes && !same_files(x, y)) {
            snprintf(why, capacity, "%s differs", x);
            same = false;
        }
        free(x);
        free(y);
    }
    if (entries)
        closedir(entries);
    return same;
}

bool faults_same_tree(const char *a, const char *b, char *why, size_t capacity)
{
    return has_same(a, b, true, why, capacity) && has_same(b, a, false, why, capacity);
}

/* --- whether files are whole --- */

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t n = strlen(end);
    return length >= n && memcmp(text + length - n, end, n) == 0;
}

/* As many fields in each row, which here are no texts with commas. */
static bool is_table(const char *text, size_t length)
{
    size_t wanted = 0, fields = 0, rows = 0;
    for (size_t i = 0; i < length; i++) {
        fields += text[i] == ',';
        if (text[i] != '\n')
            continue;
        if (rows++ == 0)
            wanted = fields;
        if (fields != wanted)
            return false;
        fields = 0;
    }
    return rows > 0 && text[length - 1] == '\n';
}

static bool is_whole(const char *name, const char *text, size_t length)
{
    size_t n = strlen(name);
    if (ends_with(name, n, ".json")) {
        json_t *read = json_loadb(text, length, 0, NULL);
        json_decref(read);
        return read != NULL;
    }
    if (ends_with(name, n, ".csv"))
        return is_table(text, length);
    if (ends_with(name, n, ".html"))
        return ends_with(text, length, "</html>\n");
    if (ends_with(name, n, ".cfg"))
        return ends_with(text, length, ";\n");
    if (ends_with(name, n, ".npy") || ends_with(name, n, ".safetensors"))
        return length > 16;
    return true;
}

bool faults_whole_tree(const char *folder, char *why, size_t capacity)
{
    DIR *entries = opendir(folder);
    bool whole = true;
    for (struct dirent *entry; whole && entries && (entry = readdir(entries)) != NULL;) {
        if (!is_entry(entry))
            continue;
        char *path = path_of(folder, entry->d_name);
        if (is_folder(path)) {
            whole = faults_whole_tree(path, why, capacity);
        } else {
            size_t length;
            char *text = content_of(path, &length);
            whole = is_whole(entry->d_name, text, length);
            if (!whole)
                snprintf(why, capacity, "%s is not whole", path);
            free(text);
        }
        free(path);
    }
    if (entries)
        closedir(entries);
    return whole;
}
