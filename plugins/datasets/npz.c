/* .npz files, by libzip. An array is expanded into memory that grows as it is filled: what the archive says
   of sizes is only believed where it would be too much. */
#include "npz.h"
#include "data_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#define SUFFIX ".npz"
#define FIRST_CAPACITY ((size_t)1 << 20)
#define MAX_LISTED 400 /* characters of names in a message */

/* Behind ".npz" in `path`: "" or ":NAME"; NULL where it is no such path. */
static const char *rest_of(const char *path)
{
    for (const char *at = path; (at = strstr(at, SUFFIX)); at++) {
        const char *rest = at + strlen(SUFFIX);
        if (*rest == '\0' || (*rest == ':' && !strchr(rest, '/')))
            return rest;
    }
    return NULL;
}

bool npz_is_named(const char *path)
{
    return rest_of(path) != NULL;
}

/* An archive, and the member that is wanted. */
typedef struct archive {
    char *path;       /* without ":NAME" */
    const char *name; /* NULL: the only one */
    zip_t *zip;
    zip_uint64_t member;
} archive;

static tsr_status *open_archive(archive *a)
{
    int fd, error = 0;
    size_t size;
    TSR_TRY(data_file_open(a->path, "an .npz archive", &fd, &size));
    a->zip = zip_fdopen(fd, ZIP_CHECKCONS, &error);
    if (a->zip)
        return NULL;
    close(fd);
    zip_error_t said;
    zip_error_init_with_code(&said, error);
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: not a zip archive that can be read: %s", a->path,
                                  zip_error_strerror(&said));
    zip_error_fini(&said);
    return status;
}

/* "a, b, c" of the members that are arrays. */
static void list_members(const archive *a, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (zip_int64_t i = 0; i < zip_get_num_entries(a->zip, 0); i++) {
        const char *name = zip_get_name(a->zip, (zip_uint64_t)i, 0);
        size_t length = name ? strlen(name) : 0;
        if (length <= 4 || strcmp(name + length - 4, ".npy") != 0)
            continue;
        if (used + length + 3 >= capacity) {
            snprintf(out + used, capacity - used, "%s", " ...");
            return;
        }
        used +=
            (size_t)snprintf(out + used, capacity - used, used ? ", %.*s" : "%.*s", (int)length - 4, name);
    }
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}

static tsr_status *no_member(const archive *a)
{
    char names[MAX_LISTED];
    list_members(a, names, sizeof(names));
    if (!names[0])
        return tsr_fail(TSR_REFUSED, "%s: holds no array", a->path);
    if (a->name)
        return tsr_fail(TSR_REFUSED, "%s: holds no array \"%s\"; it holds %s", a->path, a->name, names);
    return tsr_fail(TSR_REFUSED, "%s: holds several arrays, expected %s:NAME, where NAME is one of %s",
                    a->path, a->path, names);
}

static tsr_status *find_member(archive *a)
{
    zip_int64_t n = zip_get_num_entries(a->zip, 0), found = -1;
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(a->zip, (zip_uint64_t)i, 0);
        size_t length = name ? strlen(name) : 0;
        if (length <= 4 || strcmp(name + length - 4, ".npy") != 0)
            continue;
        if (a->name && (strncmp(name, a->name, length - 4) != 0 || strlen(a->name) != length - 4))
            continue;
        if (found >= 0)
            return a->name ? tsr_fail(TSR_REFUSED, "%s: holds \"%s\" twice", a->path, a->name) : no_member(a);
        found = i;
    }
    a->member = (zip_uint64_t)found;
    return found < 0 ? no_member(a) : NULL;
}

static tsr_status *damaged(const archive *a, zip_file_t *file, size_t at)
{
    zip_error_t *said = file ? zip_file_get_error(file) : zip_get_error(a->zip);
    return tsr_fail(TSR_REFUSED, "%s: %s: damaged after %zu bytes: %s", a->path,
                    zip_get_name(a->zip, a->member, 0), at, zip_error_strerror(said));
}

static tsr_status *too_large(const archive *a, size_t limit)
{
    return tsr_fail(TSR_REFUSED, "%s: %s: expands to more than %zu MiB, the limit that npz_limit sets",
                    a->path, zip_get_name(a->zip, a->member, 0), limit >> 20);
}

static tsr_status *expand(const archive *a, zip_file_t *file, size_t limit, unsigned char **bytes, size_t *n)
{
    size_t capacity = 0;
    for (*n = 0;;) {
        if (*n == capacity) {
            size_t wanted = capacity ? 2 * capacity : FIRST_CAPACITY;
            capacity = wanted < limit + 1 ? wanted : limit + 1;
            unsigned char *grown = *n <= limit ? realloc(*bytes, capacity) : NULL;
            if (*n > limit)
                return too_large(a, limit);
            if (!grown)
                return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", a->path);
            *bytes = grown;
        }
        zip_int64_t got = zip_fread(file, *bytes + *n, capacity - *n);
        if (got < 0)
            return damaged(a, file, *n);
        if (got == 0)
            return NULL;
        *n += (size_t)got;
    }
}

static tsr_status *read_member(const archive *a, size_t limit, unsigned char **bytes, size_t *n)
{
    zip_stat_t info;
    if (zip_stat_index(a->zip, a->member, 0, &info) == 0 && info.valid & ZIP_STAT_SIZE && info.size > limit)
        return too_large(a, limit);
    zip_file_t *file = zip_fopen_index(a->zip, a->member, 0);
    if (!file)
        return damaged(a, NULL, 0);
    tsr_status *status = expand(a, file, limit, bytes, n);
    zip_fclose(file);
    return status;
}

tsr_status *npz_open(const char *path, size_t limit, tsr_array **out, unsigned char **bytes)
{
    const char *rest = rest_of(path);
    archive a = { .path = strndup(path, (size_t)(rest - path)), .name = *rest ? rest + 1 : NULL };
    size_t n = 0;
    *bytes = NULL;
    *out = NULL;
    tsr_status *status = a.path ? open_archive(&a) : tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", path);
    if (!status)
        status = find_member(&a);
    if (!status)
        status = read_member(&a, limit, bytes, &n);
    if (!status)
        status = tsr_npy_parse(path, *bytes, n, out);
    if (a.zip)
        zip_discard(a.zip);
    free(a.path);
    if (status) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}
