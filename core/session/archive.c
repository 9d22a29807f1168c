/* Writing an archive: all files are read once for the list, which comes first, and once more into the
   archive. One that has changed in between is refused. Whose a file is and when it was written is left out,
   so that only what files hold makes the archive's bytes. */
#include "session/archive.h"

#include "base/copy.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "experiment/folder.h"
#include "experiment/leavings.h"
#include "experiment/store.h"
#include "session/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 16) /* bytes */

typedef struct archiving {
    const tsr_archive_options *options;
    const char *root; /* the folder, as it is given */
    int folder;       /* the same, open */
    tsr_manifest manifest;
    tsr_manifest unfinished; /* what is left out and needs no word */
    size_t others;           /* that are none of ours */
    char *other;             /* the first of these */
    struct archive *archive;
    FILE *stream;  /* that it goes to */
    int unwritten; /* the errno of the first write that has failed; 0: none has */
    char block[BLOCK];
} archiving;

/* --- names of archives --- */

typedef struct format {
    const char *ending;
    int (*add_filter)(struct archive *archive);
} format;

static const format formats[] = { { ".tar.zst", archive_write_add_filter_zstd },
                                  { ".tar.gz", archive_write_add_filter_gzip },
                                  { ".tar", archive_write_add_filter_none },
                                  { NULL, NULL } };

static const format *find_format(const char *file)
{
    size_t length = strlen(file);
    for (const format *f = formats; f->ending; f++)
        if (length > strlen(f->ending) && strcmp(file + length - strlen(f->ending), f->ending) == 0)
            return f;
    return NULL;
}

static tsr_status *check_name(const char *file)
{
    return find_format(file)
               ? NULL
               : tsr_fail(TSR_REFUSED,
                          "%s: expected the name of an archive, which ends in .tar.zst, .tar.gz or .tar",
                          file);
}

/* --- which files --- */

static tsr_status *write_failed(struct archive *to)
{
    const char *why = archive_errno(to) > 0 ? strerror(archive_errno(to)) : archive_error_string(to);
    return tsr_fail(TSR_IO, "cannot be written: %s", why ? why : "libarchive does not say why");
}

/* libarchive is not told that a write has failed: an archive that has failed it does not free whole. */
static la_ssize_t take_bytes(struct archive *from, void *context, const void *bytes, size_t n)
{
    archiving *a = context;
    (void)from;
    if (!a->unwritten && fwrite(bytes, 1, n, a->stream) != n)
        a->unwritten = errno ? errno : EIO;
    return (la_ssize_t)n;
}

static tsr_status *check_written(const archiving *a)
{
    return a->unwritten ? tsr_fail(TSR_IO, "cannot be written: %s", strerror(a->unwritten)) : NULL;
}

/* Reads the stream to its end, and writes it into the archive where there is one. */
static tsr_status *digest(archiving *a, FILE *from, struct archive *to, uint64_t *size, char out[65])
{
    SHA2_CTX state;
    *size = 0;
    SHA256Init(&state);
    for (size_t n; (n = fread(a->block, 1, BLOCK, from)) > 0; *size += n) {
        SHA256Update(&state, (const uint8_t *)a->block, n);
        if (a->options->interrupted && a->options->interrupted(NULL))
            return tsr_fail(TSR_INTERRUPTED, "interrupted");
        if (to && archive_write_data(to, a->block, n) != (la_ssize_t)n)
            return archive_errno(to) ? write_failed(to) : tsr_fail(TSR_IO, "has grown while it was read");
        TSR_TRY(check_written(a));
    }
    if (ferror(from))
        return tsr_fail(TSR_IO, "cannot be read: %s", strerror(errno));
    SHA256End(&state, out);
    return NULL;
}

static tsr_status *list_file(archiving *a, int folder, const char *file, const char *name)
{
    FILE *stream;
    uint64_t size;
    char sum[65];
    TSR_TRY(tsr_open_plain(folder, file, &stream));
    tsr_status *status = digest(a, stream, NULL, &size, sum);
    fclose(stream);
    if (!status)
        status = tsr_manifest_add(&a->manifest, name, size, sum);
    return tsr_context(status, "%s", name);
}

static tsr_status *visit_left(void *context, const tsr_left_file *file)
{
    static const char none[65] = "";
    archiving *a = context;
    char *name = tsr_format("runs/%s/%s", file->id, file->path);
    if (!name)
        return tsr_no_memory("a path");
    tsr_status *status = file->kind == TSR_LEFT_UNFINISHED ? tsr_manifest_add(&a->unfinished, name, 0, none)
                                                           : list_file(a, file->folder, file->name, name);
    free(name);
    return status;
}

static tsr_status *list_tables(archiving *a)
{
    for (const char *const *name = tsr_folder_files; *name; name++)
        if (faccessat(a->folder, *name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            TSR_TRY(list_file(a, a->folder, *name, *name));
    return NULL;
}

/* --- what else lies there --- */

/* What processes leave for each other in the folder. */
static bool is_of_work(const char *name)
{
    return strncmp(name, ".lock", strlen(".lock")) == 0 || tsr_folder_is_unfinished(name);
}

static tsr_status *judge_other(archiving *a, const FTSENT *entry)
{
    const char *name = entry->fts_path + strlen(a->root);
    name += strspn(name, "/");
    if (tsr_manifest_find(&a->manifest, name) || tsr_manifest_find(&a->unfinished, name) ||
        (entry->fts_level == 1 && is_of_work(name)))
        return NULL;
    if (S_ISLNK(entry->fts_statp->st_mode) && strncmp(name, "runs/", strlen("runs/")) == 0)
        return tsr_fail(TSR_REFUSED, "%s: is a link, which an archive does not follow: expected files", name);
    if (a->others++ == 0 && !(a->other = strdup(name)))
        return tsr_no_memory("a path");
    return NULL;
}

static tsr_status *look_for_others(archiving *a)
{
    char *paths[] = { (char *)(uintptr_t)a->root, NULL };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    tsr_status *status = walk ? NULL : tsr_fail(TSR_IO, "cannot be read: %s", strerror(errno));
    while (walk && !status) {
        errno = 0;
        const FTSENT *entry = fts_read(walk);
        if (!entry && errno)
            status = tsr_fail(TSR_IO, "cannot be read: %s", strerror(errno));
        if (!entry)
            break;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
            status = tsr_fail(TSR_IO, "%s: cannot be read: %s", entry->fts_path, strerror(entry->fts_errno));
        else if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP && entry->fts_info != FTS_NS)
            status = judge_other(a, entry);
    }
    if (walk)
        fts_close(walk);
    return status;
}

/* What is in the archive, before a byte of it is written. */
static tsr_status *list_all(archiving *a)
{
    TSR_TRY(list_tables(a));
    TSR_TRY(tsr_each_left_file(a->root, visit_left, a));
    tsr_manifest_sort(&a->manifest);
    tsr_manifest_sort(&a->unfinished);
    TSR_TRY(look_for_others(a));
    if (a->others)
        tsr_log_warning("%s: %zu file%s none of tessera's and left out, such as '%s'", a->root, a->others,
                        a->others == 1 ? " is" : "s are", a->other);
    return NULL;
}

/* --- writing --- */

static tsr_status *begin_entry(const archiving *a, const char *name, uint64_t size)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return tsr_no_memory("an archive");
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    int result = archive_write_header(a->archive, entry);
    archive_entry_free(entry);
    return result == ARCHIVE_OK ? NULL : write_failed(a->archive);
}

static tsr_status *write_manifest(const archiving *a)
{
    tsr_text text = { 0 };
    tsr_manifest_print(&a->manifest, &text);
    tsr_status *status =
        text.failed ? tsr_no_memory("the list of files") : begin_entry(a, TSR_MANIFEST, text.length);
    if (!status && archive_write_data(a->archive, text.chars, text.length) != (la_ssize_t)text.length)
        status = write_failed(a->archive);
    free(text.chars);
    return status;
}

static tsr_status *write_listed(archiving *a, const tsr_manifest_file *file)
{
    FILE *stream;
    uint64_t size;
    char sum[65];
    TSR_TRY(tsr_open_plain(a->folder, file->name, &stream));
    tsr_status *status = begin_entry(a, file->name, file->size);
    if (!status)
        status = digest(a, stream, a->archive, &size, sum);
    fclose(stream);
    if (!status && (size != file->size || strcmp(sum, file->digest) != 0))
        status = tsr_fail(TSR_IO, "has changed while it was read");
    return tsr_context(status, "%s", file->name);
}

/* The compressor's own time stays out too. What needs another program to compress is refused. */
static tsr_status *begin_archive(archiving *a, const char *file, FILE *stream)
{
    const format *f = find_format(file);
    a->stream = stream;
    a->archive = archive_write_new();
    if (!a->archive)
        return tsr_no_memory("an archive");
    if (f->add_filter(a->archive) != ARCHIVE_OK)
        return tsr_fail(TSR_REFUSED,
                        "%s: this build's libarchive cannot compress to %s: expected another ending", file,
                        f->ending);
    if (f->add_filter == archive_write_add_filter_gzip &&
        archive_write_set_filter_option(a->archive, "gzip", "timestamp", NULL) != ARCHIVE_OK)
        return write_failed(a->archive);
    bool begun = archive_write_set_format_gnutar(a->archive) == ARCHIVE_OK &&
                 archive_write_set_bytes_in_last_block(a->archive, 1) == ARCHIVE_OK &&
                 archive_write_open(a->archive, a, NULL, take_bytes, NULL) == ARCHIVE_OK;
    return begun ? NULL : write_failed(a->archive);
}

static tsr_status *write_all(archiving *a, const char *file, FILE *stream)
{
    TSR_TRY(begin_archive(a, file, stream));
    TSR_TRY(write_manifest(a));
    for (size_t i = 0; i < a->manifest.n; i++)
        TSR_TRY(write_listed(a, &a->manifest.files[i]));
    return archive_write_close(a->archive) == ARCHIVE_OK ? check_written(a) : write_failed(a->archive);
}

static tsr_status *write_file(archiving *a, const char *file)
{
    tsr_new_file new;
    char *path;
    TSR_TRY(tsr_path_of_new_file(file, &path));
    tsr_status *status = tsr_new_file_open(path, &new);
    free(path);
    TSR_TRY(status);
    status = tsr_context(write_all(a, file, new.stream), "%s", file);
    archive_write_free(a->archive); /* before its stream is closed */
    if (status)
        tsr_new_file_drop(&new);
    else
        status = tsr_new_file_keep(&new);
    return status;
}

static tsr_status *archive(archiving *a, const char *shown, const char *file)
{
    a->folder = open(a->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->folder < 0)
        return tsr_fail(TSR_IO, "%s: cannot be read: %s", shown, strerror(errno));
    tsr_status *status = tsr_context(list_all(a), "%s", shown);
    if (!status)
        status = write_file(a, file);
    close(a->folder);
    return status;
}

tsr_status *tsr_archive_write(const char *folder, const char *shown, const char *file,
                              const tsr_archive_options *options, tsr_archived *out)
{
    tsr_store store;
    *out = (tsr_archived){ 0 };
    TSR_TRY(check_name(file));
    archiving *a = tsr_alloc(1, sizeof(*a));
    if (!a)
        return tsr_no_memory("an archive");
    a->options = options;
    a->root = folder;
    tsr_status *status = tsr_store_open_left(folder, shown, options->unlocked, &store);
    if (!status) {
        status = archive(a, shown, file);
        *out = (tsr_archived){ a->manifest.n, a->manifest.bytes };
        tsr_store_close(&store);
    }
    tsr_manifest_clear(&a->manifest);
    tsr_manifest_clear(&a->unfinished);
    free(a->other);
    free(a);
    return status;
}
