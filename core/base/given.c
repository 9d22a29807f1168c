/* Writing to where a user says. A file is replaced as a whole, through links; what is no file - a pipe, a
   device, the terminal - is written to as it is. */
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* followed, as Linux does */

static tsr_status *cannot_write(const char *path, int error)
{
    return tsr_fail(TSR_REFUSED, "%s: cannot write: %s", path, strerror(error));
}

static tsr_status *write_all(int fd, const char *path, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cannot_write(path, errno);
        bytes += written;
        length -= (size_t)written;
    }
    return NULL;
}

/* A FIFO that nobody reads would hold the program up for ever, and is an error instead. */
static tsr_status *write_through(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENXIO ? tsr_fail(TSR_REFUSED, "%s: cannot write: nobody reads this pipe", path)
                              : cannot_write(path, errno);
    int flags = fcntl(fd, F_GETFL);
    tsr_status *status = flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0
                             ? cannot_write(path, errno)
                             : write_all(fd, path, bytes, length);
    if (close(fd) != 0 && !status)
        status = cannot_write(path, errno);
    return status;
}

/* The stream of ours that the path leads to, as /dev/stdout does; -1: none. Replacing its file would cut it
 * off. */
static int stream_at(const struct stat *info)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        struct stat stream;
        if (fstat(fd, &stream) == 0 && stream.st_dev == info->st_dev && stream.st_ino == info->st_ino)
            return fd;
    }
    return -1;
}

/* What a link says, as a path from where the link is; NULL where it is none. free() it. */
static char *follow(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    if (target[0] == '/')
        return strdup(target);
    char *folder = tsr_path_folder(path), *followed = folder ? tsr_path_join(folder, target) : NULL;
    free(folder);
    return followed;
}

/* Replaces the file at the end of all links, beside which the new one is made. */
static tsr_status *replace(const char *path, const void *bytes, size_t length)
{
    char *at = strdup(path);
    for (int links = 0; at && links < MAX_LINKS; links++) {
        char *next = follow(at);
        if (!next)
            break;
        free(at);
        at = next;
    }
    char *file = NULL;
    tsr_status *status = at ? tsr_path_of_new_file(at, &file) : tsr_no_memory("a path");
    if (!status)
        status = tsr_write_file(file, bytes, length);
    free(file);
    free(at);
    return status;
}

tsr_status *tsr_write_given_file(const char *path, const void *bytes, size_t length)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT ? replace(path, bytes, length) : cannot_write(path, errno);
    if (S_ISDIR(info.st_mode))
        return cannot_write(path, EISDIR);
    int stream = stream_at(&info);
    if (stream >= 0)
        return write_all(stream, path, bytes, length);
    return S_ISREG(info.st_mode) ? replace(path, bytes, length) : write_through(path, bytes, length);
}
