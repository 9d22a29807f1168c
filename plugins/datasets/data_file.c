/* Opening the files that datasets and models are read from: regular ones alone, and never waiting for one. */
#include "data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

tsr_status *data_file_open(const char *path, const char *expected, int *fd, size_t *size)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang here */
    if (*fd < 0)
        return tsr_fail(TSR_REFUSED, "%s: %s", path, strerror(errno));
    struct stat info;
    if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(*fd);
        return tsr_fail(TSR_REFUSED, "%s: not a file, expected %s", path, expected);
    }
    *size = (size_t)info.st_size;
    return NULL;
}

tsr_status *data_file_exists(const char *path)
{
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "%s: no such file; tools/get-data says where the data of configs/paper are to be had",
                    path);
}
