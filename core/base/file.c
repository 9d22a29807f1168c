/* Files: paths, whole reads, writes that happen entirely or not at all. */
#include "base/file.h"

#include "base/memory.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long a pipe may stay silent. */
#define PIPE_MILLISECONDS 30000

char *tsr_path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    return tsr_format("%s%s%s", folder, slash, name);
}

char *tsr_path_resolve(const char *path, const char *base)
{
    const char *home = getenv("HOME");
    if (home && path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
        return tsr_format("%s%s", home, path + 1);
    if (path[0] == '/' || !base)
        return strdup(path);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return tsr_path_join(base, path);
}

tsr_status *tsr_path_absolute(const char *path, char **out)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (path[0] != '/' && !here) {
        *out = NULL;
        return tsr_fail(TSR_REFUSED, "%s: cannot get the working folder: %s", path, strerror(errno));
    }
    *out = tsr_path_resolve(path, here);
    free(here);
    return *out ? NULL : tsr_no_memory("a path");
}

char *tsr_program_path(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    if (length > 0 && (size_t)length < sizeof(path))
        return strndup(path, (size_t)length);
    /* Without /proc, as in a bare chroot: what the kernel was told to start. */
    const char *started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    return started && !getauxval(AT_SECURE) ? realpath(started, NULL) : NULL;
}

char *tsr_library_path(void)
{
    Dl_info info;
    return dladdr((const void *)(uintptr_t)tsr_library_path, &info) && info.dli_fname
               ? realpath(info.dli_fname, NULL)
               : NULL;
}

char *tsr_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

tsr_status *tsr_make_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return tsr_no_memory("a path");
    int error = 0;
    for (char *end = copy + 1; !error; end++) {
        if (*end != '/' && *end != '\0')
            continue;
        char kept = *end;
        *end = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            error = errno;
        *end = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    struct stat info;
    if (!error && stat(path, &info) != 0)
        error = errno;
    if (!error && !S_ISDIR(info.st_mode))
        error = ENOTDIR;
    return error ? tsr_fail(TSR_IO, "%s: cannot make the folder: %s", path, strerror(error)) : NULL;
}

/* Reads to the end; `wait` milliseconds at most for more of a pipe, -1: for ever. */
static tsr_status *read_to_end(int fd, const char *path, size_t limit, int wait, char **out, size_t *length)
{
    tsr_status *status = NULL;
    char *bytes = NULL;
    size_t used = 0, capacity = 0;
    for (;;) {
        if (used + 1 >= capacity) {
            capacity = capacity ? capacity * 2 : 1 << 14;
            char *grown = realloc(bytes, capacity);
            if (!grown) {
                status = tsr_no_memory(path);
                break;
            }
            bytes = grown;
        }
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (wait >= 0 && poll(&ready, 1, wait) == 0) {
            status =
                tsr_fail(TSR_REFUSED, "%s: nothing was written into it for %d seconds", path, wait / 1000);
            break;
        }
        ssize_t got = read(fd, bytes + used, capacity - used - 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            status = tsr_fail(TSR_IO, "%s: %s", path, strerror(errno));
        if (got <= 0)
            break;
        used += (size_t)got;
        if (used > limit) {
            status = tsr_fail(TSR_REFUSED, "%s: larger than the %zu bytes expected at most", path, limit);
            break;
        }
    }
    if (status) {
        free(bytes);
        return status;
    }
    bytes[used] = '\0';
    *out = bytes;
    *length = used;
    return NULL;
}

tsr_error tsr_error_of(int error)
{
    switch (error) {
    case ENOMEM:
        return TSR_NO_MEMORY;
    case EMFILE:
    case ENFILE:
    case EIO:
        return TSR_IO;
    default:
        return TSR_REFUSED;
    }
}

/* *error: what opening it failed with. */
static tsr_status *read_path(const char *path, size_t limit, char **out, size_t *length, int *error)
{
    *out = NULL;
    *length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *error = fd < 0 ? errno : 0;
    if (fd < 0)
        return tsr_fail(TSR_IO, "%s: %s", path, strerror(*error));
    tsr_status *status = read_to_end(fd, path, limit, -1, out, length);
    close(fd);
    return status;
}

tsr_status *tsr_read_file(const char *path, size_t limit, char **out, size_t *length)
{
    int error;
    return read_path(path, limit, out, length, &error);
}

static tsr_status *refuse(tsr_status *status)
{
    if (tsr_status_error(status) != TSR_IO)
        return status;
    tsr_status *refused = tsr_fail(TSR_REFUSED, "%s", tsr_status_message(status));
    tsr_status_free(status);
    return refused;
}

tsr_status *tsr_read_given_input(const char *path, const char *what, size_t limit, char **out, size_t *length)
{
    struct stat info;
    *out = NULL;
    *length = 0;
    if (stat(path, &info) != 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot read the %s: %s", path, what, strerror(errno));
    if (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode) && !S_ISCHR(info.st_mode))
        return tsr_read_given_file(path, what, limit, out, length);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* which does not wait for a writer */
    if (fd < 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot read the %s: %s", path, what, strerror(errno));
    tsr_status *status = read_to_end(fd, path, limit, isatty(fd) ? -1 : PIPE_MILLISECONDS, out, length);
    close(fd);
    return refuse(status);
}

tsr_status *tsr_read_given_file(const char *path, const char *what, size_t limit, char **out, size_t *length)
{
    struct stat info;
    *out = NULL;
    *length = 0;
    if (stat(path, &info) != 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot read the %s: %s", path, what, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return tsr_fail(TSR_REFUSED, "%s: expected a %s file, not a %s", path, what,
                        S_ISDIR(info.st_mode) ? "folder" : "device");
    int error;
    tsr_status *status = read_path(path, limit, out, length, &error);
    return tsr_error_of(error) == TSR_REFUSED ? refuse(status) : status;
}

tsr_status *tsr_new_file_open(const char *path, tsr_new_file *file)
{
    *file = (tsr_new_file){ .path = strdup(path), .temporary = tsr_format("%s.XXXXXX", path) };
    if (!file->path || !file->temporary) {
        tsr_new_file_drop(file);
        return tsr_no_memory("a path");
    }
    int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd < 0) {
        tsr_status *status = tsr_fail(TSR_IO, "%s: cannot write: %s", path, strerror(errno));
        free(file->temporary);
        file->temporary = NULL;
        tsr_new_file_drop(file);
        return status;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    file->stream = fdopen(fd, "wb");
    if (!file->stream) {
        close(fd);
        tsr_new_file_drop(file);
        return tsr_no_memory(path);
    }
    return NULL;
}

static void sync_folder(const char *path)
{
    char *folder = tsr_path_folder(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* stdio remembers that a write failed, not why: another one tells. The file goes away anyway. */
static int stream_error(FILE *stream)
{
    static const char block[4096];
    for (int tries = 0; tries < 2; tries++)
        if (write(fileno(stream), block, sizeof(block)) < 0)
            return errno;
    return EIO;
}

tsr_status *tsr_new_file_keep(tsr_new_file *file)
{
    errno = 0;
    bool failed = ferror(file->stream);
    bool bad = failed || fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0;
    int error = failed ? stream_error(file->stream) : errno;
    if (fclose(file->stream) != 0 && !bad) {
        bad = true;
        error = errno;
    }
    file->stream = NULL;
    if (!bad && rename(file->temporary, file->path) != 0) {
        bad = true;
        error = errno;
    }
    tsr_status *status = NULL;
    if (bad) {
        status = tsr_fail(TSR_IO, "%s: cannot write: %s", file->path, strerror(error ? error : EIO));
    } else {
        sync_folder(file->path);
        free(file->temporary);
        file->temporary = NULL;
    }
    tsr_new_file_drop(file);
    return status;
}

void tsr_new_file_drop(tsr_new_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (tsr_new_file){ 0 };
}

tsr_status *tsr_write_file(const char *path, const void *bytes, size_t length)
{
    tsr_new_file file;
    TSR_TRY(tsr_new_file_open(path, &file));
    fwrite(bytes, 1, length, file.stream);
    return tsr_new_file_keep(&file);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_if_empty(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)place;
    if (kind == FTW_DP)
        rmdir(path); /* what holds something stays */
    return 0;
}

void tsr_remove_empty_folders(const char *path)
{
    nftw(path, remove_if_empty, 16, FTW_DEPTH | FTW_PHYS);
}

tsr_status *tsr_remove_tree(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return tsr_fail(errno == ENOMEM ? TSR_NO_MEMORY : TSR_IO, "%s: cannot remove: %s", path,
                        strerror(errno));
    return NULL;
}
