/* Reading an archive. Nothing in it is believed before it is compared with its list: every entry is a regular
   file that the list has, of the size and the SHA-256 that the list says. Files are written into a folder of
   our own beside the place that they are for, which gets its name when all of them are right. */
#include "session/archive.h"

#include "base/file.h"
#include "base/memory.h"
#include "experiment/folder.h"
#include "experiment/store.h"
#include "session/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 16)          /* bytes */
#define MAX_MANIFEST ((size_t)256 << 20) /* bytes; a million files have about 128 */

typedef struct reading {
    const tsr_archive_options *options;
    const char *folder; /* where files are written; NULL: nowhere */
    struct archive *archive;
    tsr_manifest manifest;
    char block[BLOCK];
} reading;

/* --- one entry --- */

static tsr_status *damaged(const reading *r)
{
    const char *why = archive_error_string(r->archive);
    return tsr_fail(TSR_REFUSED, "is damaged, or no archive: %s", why ? why : "it cannot be read");
}

/* The next entry, which is a regular file; NULL: there is none. */
static tsr_status *next_entry(const reading *r, struct archive_entry **out, const char **name)
{
    *out = NULL;
    *name = "";
    int result = archive_read_next_header(r->archive, out);
    if (result == ARCHIVE_EOF) {
        *out = NULL;
        return NULL;
    }
    if (result != ARCHIVE_OK)
        return damaged(r);
    *name = archive_entry_pathname(*out);
    if (!*name)
        return tsr_fail(TSR_REFUSED, "holds an entry whose name cannot be read");
    if (archive_entry_filetype(*out) != AE_IFREG || archive_entry_hardlink(*out) ||
        archive_entry_symlink(*out))
        return tsr_fail(TSR_REFUSED, "'%s': expected a regular file, not a link, a folder or a device",
                        *name);
    return archive_entry_size_is_set(*out) && archive_entry_size(*out) >= 0
               ? NULL
               : tsr_fail(TSR_REFUSED, "'%s': has no size", *name);
}

/* Reads a listed file's bytes, and writes them where there is a stream. */
static tsr_status *read_bytes(reading *r, const tsr_manifest_file *file, FILE *to)
{
    SHA2_CTX state;
    uint64_t size = 0;
    char sum[65];
    la_ssize_t n;
    SHA256Init(&state);
    while ((n = archive_read_data(r->archive, r->block, BLOCK)) > 0) {
        size += (uint64_t)n;
        if (size > file->size)
            break;
        SHA256Update(&state, (const uint8_t *)r->block, (size_t)n);
        if (to && fwrite(r->block, 1, (size_t)n, to) != (size_t)n)
            return tsr_fail(TSR_IO, "'%s': cannot be written: %s", file->name, strerror(errno));
        if (r->options->interrupted && r->options->interrupted(NULL))
            return tsr_fail(TSR_INTERRUPTED, "interrupted");
    }
    if (n < 0)
        return tsr_context(damaged(r), "'%s'", file->name);
    SHA256End(&state, sum);
    if (size != file->size)
        return tsr_fail(TSR_REFUSED, "'%s': has %s than the %" PRIu64 " bytes that " TSR_MANIFEST " says",
                        file->name, size > file->size ? "more" : "fewer", file->size);
    return strcmp(sum, file->digest) == 0
               ? NULL
               : tsr_fail(TSR_REFUSED, "'%s': has changed: its SHA-256 is %.8s, " TSR_MANIFEST " says %.8s",
                          file->name, sum, file->digest);
}

/* The folder is ours, and every name below it was checked. */
static tsr_status *write_entry(reading *r, const tsr_manifest_file *file)
{
    char *path = tsr_path_join(r->folder, file->name), *folder = path ? tsr_path_folder(path) : NULL;
    tsr_status *status = folder ? tsr_make_folder(folder) : tsr_no_memory("a path");
    FILE *to = status ? NULL : fopen(path, "wxe");
    if (!status && !to)
        status = tsr_fail(TSR_IO, "'%s': cannot be written: %s", file->name, strerror(errno));
    if (!status)
        status = read_bytes(r, file, to);
    if (to && fclose(to) != 0 && !status)
        status = tsr_fail(TSR_IO, "'%s': cannot be written: %s", file->name, strerror(errno));
    free(folder);
    free(path);
    return status;
}

static tsr_status *read_entry(reading *r, struct archive_entry *entry, const char *name)
{
    TSR_TRY(tsr_manifest_check_name(name));
    tsr_manifest_file *file = tsr_manifest_find(&r->manifest, name);
    uint64_t size = (uint64_t)archive_entry_size(entry);
    if (!file)
        return tsr_fail(TSR_REFUSED, "'%s': is not in " TSR_MANIFEST, name);
    if (file->met)
        return tsr_fail(TSR_REFUSED, "'%s': is there twice", name);
    file->met = true;
    if (size != file->size)
        return tsr_fail(TSR_REFUSED, "'%s': has %" PRIu64 " bytes, " TSR_MANIFEST " says %" PRIu64, name,
                        size, file->size);
    return r->folder ? write_entry(r, file) : read_bytes(r, file, NULL);
}

/* --- all of them --- */

static tsr_status *read_text(const reading *r, size_t size, char *text)
{
    size_t used = 0;
    la_ssize_t n = 0;
    while (used < size && (n = archive_read_data(r->archive, text + used, size - used)) > 0)
        used += (size_t)n;
    return used == size ? NULL : tsr_context(damaged(r), TSR_MANIFEST);
}

static tsr_status *read_manifest(reading *r)
{
    struct archive_entry *entry;
    const char *name;
    TSR_TRY(next_entry(r, &entry, &name));
    if (!entry)
        return tsr_fail(TSR_REFUSED, "holds nothing: expected an archive that tessera has written");
    if (strcmp(name, TSR_MANIFEST) != 0)
        return tsr_fail(TSR_REFUSED,
                        "begins with '%s': expected an archive that tessera has written, which begins "
                        "with " TSR_MANIFEST,
                        name);
    if (archive_entry_size(entry) > (la_int64_t)MAX_MANIFEST)
        return tsr_fail(TSR_REFUSED, TSR_MANIFEST ": has %" PRId64 " bytes, expected at most %zu",
                        archive_entry_size(entry), MAX_MANIFEST);
    size_t size = (size_t)archive_entry_size(entry);
    char *text = tsr_alloc(size + 1, 1);
    tsr_status *status = text ? read_text(r, size, text) : tsr_no_memory("the list of files");
    if (!status)
        status = tsr_manifest_parse(text, size, &r->manifest);
    free(text);
    if (!status && !tsr_manifest_find(&r->manifest, "config.cfg"))
        status = tsr_fail(TSR_REFUSED, TSR_MANIFEST ": lists no config.cfg, which every study has");
    return status;
}

static tsr_status *read_all(reading *r)
{
    struct archive_entry *entry;
    const char *name;
    TSR_TRY(read_manifest(r));
    for (;;) {
        TSR_TRY(next_entry(r, &entry, &name));
        if (!entry)
            break;
        TSR_TRY(read_entry(r, entry, name));
    }
    for (size_t i = 0; i < r->manifest.n; i++)
        if (!r->manifest.files[i].met)
            return tsr_fail(TSR_REFUSED, "'%s': is missing", r->manifest.files[i].name);
    return NULL;
}

/* tar alone, compressed or not, whatever its name: what else libarchive reads is nothing that we write. */
static tsr_status *open_archive(reading *r, const char *file, int *fd)
{
    struct stat info;
    *fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &info) != 0)
        return tsr_fail(TSR_REFUSED, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return tsr_fail(TSR_REFUSED, "expected an archive, not a folder or a device");
    r->archive = archive_read_new();
    if (!r->archive)
        return tsr_no_memory("an archive");
    bool ready = archive_read_support_filter_gzip(r->archive) == ARCHIVE_OK &&
                 archive_read_support_filter_zstd(r->archive) == ARCHIVE_OK &&
                 archive_read_support_format_tar(r->archive) == ARCHIVE_OK;
    if (!ready)
        return tsr_fail(TSR_REFUSED, "this build's libarchive lacks gzip or zstd");
    return archive_read_open_fd(r->archive, *fd, BLOCK) == ARCHIVE_OK ? NULL : damaged(r);
}

static tsr_status *read_file(reading *r, const char *file)
{
    int fd;
    tsr_status *status = open_archive(r, file, &fd);
    if (!status)
        status = read_all(r);
    archive_read_free(r->archive);
    if (fd >= 0)
        close(fd);
    return tsr_context(status, "%s", file);
}

/* --- into a folder --- */

/* The nearest folder above a path that there is; free() it. */
static char *folder_above(const char *path)
{
    char *folder = tsr_path_folder(path);
    while (folder && access(folder, F_OK) != 0 && strcmp(folder, "/") != 0) {
        char *above = tsr_path_folder(folder);
        free(folder);
        folder = above;
    }
    return folder;
}

/* A file system that cannot sync a folder says EINVAL. */
static tsr_status *sync_folder(const char *path, int (*sync)(int fd))
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool whole = fd >= 0 && (sync(fd) == 0 || errno == EINVAL);
    tsr_status *status = whole ? NULL : tsr_fail(TSR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

/* What was written gets its place. An empty folder there is replaced, and one that is not empty any more
 * stays. */
static tsr_status *put_in_place(const char *written, const char *folder, const char *shown)
{
    mode_t mask = umask(0);
    umask(mask);
    char *above = tsr_path_folder(folder);
    tsr_status *status = above ? tsr_make_folder(above) : tsr_no_memory("a path");
    if (!status)
        status = sync_folder(written, syncfs);
    if (!status && (chmod(written, 0777 & ~mask) != 0 || rename(written, folder) != 0))
        status = errno == ENOTEMPTY || errno == EEXIST
                     ? tsr_fail(TSR_REFUSED, "%s: holds something: expected a new or an empty folder", shown)
                     : tsr_fail(TSR_IO, "%s: cannot be made: %s", shown, strerror(errno));
    if (!status)
        status = sync_folder(above, fsync);
    free(above);
    return status;
}

static tsr_status *extract(reading *r, const char *file, const char *folder, const char *shown)
{
    char *above = folder_above(folder), *own = above ? tsr_format("%s/.tessera-archive.XXXXXX", above) : NULL;
    tsr_status *status = own ? NULL : tsr_no_memory("a path");
    if (!status && !mkdtemp(own))
        status = tsr_fail(TSR_REFUSED, "%s: cannot be made: %s", shown, strerror(errno));
    if (!status) {
        r->folder = own;
        status = read_file(r, file);
        if (!status && !tsr_folder_is_ours(own))
            status = tsr_fail(TSR_REFUSED, "%s: its config.cfg is none that tessera has written", file);
        if (!status)
            status = put_in_place(own, folder, shown);
        if (status)
            tsr_status_free(tsr_remove_tree(own));
    }
    free(own);
    free(above);
    return status;
}

static tsr_status *read_into(reading *r, const char *file, const char *folder, const char *shown)
{
    TSR_TRY(tsr_store_check_empty(folder, shown));
    return extract(r, file, folder, shown);
}

tsr_status *tsr_archive_read(const char *file, const char *folder, const char *shown,
                             const tsr_archive_options *options, tsr_archived *out)
{
    reading *r = tsr_alloc(1, sizeof(*r));
    *out = (tsr_archived){ 0 };
    if (!r)
        return tsr_no_memory("an archive");
    r->options = options;
    tsr_status *status = folder ? read_into(r, file, folder, shown) : read_file(r, file);
    *out = (tsr_archived){ r->manifest.n, r->manifest.bytes };
    tsr_manifest_clear(&r->manifest);
    free(r);
    return status;
}
