/* Files in blocks. */
#include "base/copy.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20) /* bytes */

tsr_status *tsr_open_plain(int folder, const char *name, FILE **out)
{
    struct stat info;
    *out = NULL;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return tsr_fail(TSR_IO, "%s: cannot be read: %s", name, strerror(errno));
    bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    *out = regular ? fdopen(fd, "r") : NULL;
    if (*out)
        return NULL;
    close(fd);
    return regular ? tsr_no_memory("a file") : tsr_fail(TSR_IO, "%s: expected a file", name);
}

static tsr_status *unreadable(void)
{
    return tsr_fail(TSR_IO, "a file cannot be read: %s", strerror(errno));
}

static tsr_status *copy(FILE *from, FILE *to)
{
    char *block = tsr_alloc(BLOCK, 1);
    if (!block)
        return tsr_no_memory("a file");
    for (size_t n; (n = fread(block, 1, BLOCK, from)) > 0;)
        if (fwrite(block, 1, n, to) != n)
            break; /* keeping it will say why */
    free(block);
    return ferror(from) ? unreadable() : NULL;
}

tsr_status *tsr_copy_plain(int folder, const char *name, const char *to)
{
    FILE *from;
    tsr_new_file file;
    TSR_TRY(tsr_open_plain(folder, name, &from));
    tsr_status *status = tsr_new_file_open(to, &file);
    if (!status) {
        status = tsr_context(copy(from, file.stream), "%s", name);
        if (status)
            tsr_new_file_drop(&file);
        else
            status = tsr_new_file_keep(&file);
    }
    fclose(from);
    return status;
}

tsr_status *tsr_streams_differ(FILE *a, FILE *b, bool *differ)
{
    char *blocks = tsr_alloc(2 * BLOCK, 1);
    *differ = false;
    if (!blocks)
        return tsr_no_memory("a file");
    for (size_t n = BLOCK; n == BLOCK && !*differ;) {
        n = fread(blocks, 1, BLOCK, a);
        *differ = fread(blocks + BLOCK, 1, BLOCK, b) != n || memcmp(blocks, blocks + BLOCK, n) != 0;
    }
    free(blocks);
    return ferror(a) || ferror(b) ? unreadable() : NULL;
}
