/* The list of an archive's files. Its reader trusts nothing: names stay within a results folder and are in
   their order, so that none is there twice. */
#include "session/manifest.h"

#include "base/memory.h"
#include "experiment/folder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_LENGTH 64
#define ID_LENGTH 16
#define MAX_NAME 1024 /* bytes */

/* --- names --- */

/* Whether all parts of a path are names of files: none is empty, "." or "..". */
static bool is_plain_path(const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length <= 2 && strspn(path, ".") >= length))
            return false;
        if (path[length] == '\0')
            return true;
        path += length + 1;
    }
}

/* "runs/<id>/..." */
static bool is_of_run(const char *name)
{
    static const char runs[] = "runs/";
    char id[ID_LENGTH + 1] = "";
    if (strncmp(name, runs, strlen(runs)) != 0)
        return false;
    strncpy(id, name + strlen(runs), ID_LENGTH);
    return tsr_is_run_id(id) && name[strlen(runs) + ID_LENGTH] == '/';
}

static bool is_of_folder(const char *name)
{
    for (const char *const *known = tsr_folder_files; *known; known++)
        if (strcmp(name, *known) == 0)
            return true;
    return is_of_run(name);
}

static bool has_control_characters(const char *name)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return true;
    return false;
}

tsr_status *tsr_manifest_check_name(const char *name)
{
    if (name[0] == '/')
        return tsr_fail(TSR_REFUSED, "'%s': expected a name below the results folder, not an absolute one",
                        name);
    if (!is_plain_path(name))
        return tsr_fail(TSR_REFUSED, "'%s': expected a name without '.', '..' and empty parts", name);
    if (has_control_characters(name))
        return tsr_fail(TSR_REFUSED, "'%s': expected a name without control characters", name);
    if (strlen(name) > MAX_NAME)
        return tsr_fail(TSR_REFUSED, "'%s': its name is longer than %d bytes", name, MAX_NAME);
    if (!is_of_folder(name))
        return tsr_fail(TSR_REFUSED, "'%s': no results folder holds a file of this name", name);
    return NULL;
}

/* --- files --- */

static tsr_status *grow(tsr_manifest *manifest)
{
    size_t capacity = manifest->capacity ? 2 * manifest->capacity : 64, bytes;
    if (manifest->n < manifest->capacity)
        return NULL;
    tsr_manifest_file *grown =
        tsr_checked_multiply(capacity, sizeof(*grown), &bytes) ? realloc(manifest->files, bytes) : NULL;
    if (!grown)
        return tsr_no_memory("the list of files");
    manifest->files = grown;
    manifest->capacity = capacity;
    return NULL;
}

tsr_status *tsr_manifest_add(tsr_manifest *manifest, const char *name, uint64_t size, const char *digest)
{
    TSR_TRY(tsr_manifest_check_name(name));
    if (size > INT64_MAX - manifest->bytes)
        return tsr_fail(TSR_REFUSED, "'%s': the files have more bytes than can be addressed", name);
    TSR_TRY(grow(manifest));
    tsr_manifest_file *file = &manifest->files[manifest->n];
    *file = (tsr_manifest_file){ .name = strdup(name), .size = size };
    if (!file->name)
        return tsr_no_memory("the list of files");
    memcpy(file->digest, digest, DIGEST_LENGTH);
    manifest->bytes += size;
    manifest->n++;
    return NULL;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const tsr_manifest_file *)a)->name, ((const tsr_manifest_file *)b)->name);
}

void tsr_manifest_sort(tsr_manifest *manifest)
{
    if (manifest->n)
        qsort(manifest->files, manifest->n, sizeof(*manifest->files), compare_files);
}

tsr_manifest_file *tsr_manifest_find(const tsr_manifest *manifest, const char *name)
{
    for (size_t begin = 0, end = manifest->n; begin < end;) {
        size_t middle = begin + (end - begin) / 2;
        int order = strcmp(name, manifest->files[middle].name);
        if (order == 0)
            return &manifest->files[middle];
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return NULL;
}

void tsr_manifest_clear(tsr_manifest *manifest)
{
    for (size_t i = 0; i < manifest->n; i++)
        free(manifest->files[i].name);
    free(manifest->files);
    *manifest = (tsr_manifest){ 0 };
}

/* --- as text --- */

void tsr_manifest_print(const tsr_manifest *manifest, tsr_text *out)
{
    for (size_t i = 0; i < manifest->n; i++) {
        const tsr_manifest_file *file = &manifest->files[i];
        tsr_text_add(out, "%s %" PRIu64 " %s\n", file->digest, file->size, file->name);
    }
}

/* The number at *text, and the blank behind it; false where there is none, or one that is too large. */
static bool read_size(const char **text, uint64_t *size)
{
    const char *c = *text;
    *size = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (*size > INT64_MAX / 10 - 1)
            return false;
        *size = *size * 10 + (uint64_t)(*c - '0');
    }
    bool found = c > *text && *c == ' ';
    *text = c + 1;
    return found;
}

static tsr_status *parse_line(const char *line, tsr_manifest *out)
{
    const char *rest = line + DIGEST_LENGTH + 1;
    uint64_t size;
    if (strspn(line, "0123456789abcdef") != DIGEST_LENGTH || line[DIGEST_LENGTH] != ' ' ||
        !read_size(&rest, &size))
        return tsr_fail(TSR_REFUSED, "expected a SHA-256, a size in bytes and a name, not '%.80s'", line);
    if (out->n && strcmp(out->files[out->n - 1].name, rest) >= 0)
        return tsr_fail(TSR_REFUSED, "'%s': expected names in their order, each once", rest);
    return tsr_manifest_add(out, rest, size, line);
}

/* The line's length, at most n; its end becomes a NUL. */
static tsr_status *end_line(char *line, size_t n, size_t *length)
{
    char *end = memchr(line, '\n', n);
    *length = end ? (size_t)(end - line) : 0;
    if (!end)
        return tsr_fail(TSR_REFUSED, "its last line has no end");
    if (memchr(line, '\0', *length))
        return tsr_fail(TSR_REFUSED, "holds a NUL");
    *end = '\0';
    return NULL;
}

tsr_status *tsr_manifest_parse(char *text, size_t length, tsr_manifest *out)
{
    tsr_status *status = NULL;
    size_t number = 0, own;
    for (size_t at = 0; at < length && !status; at += own + 1) {
        number++;
        status = end_line(text + at, length - at, &own);
        if (!status)
            status = parse_line(text + at, out);
    }
    return tsr_context(status, TSR_MANIFEST ":%zu", number);
}
