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
