/* Files that appear whole, and folders. Below the folders that the user names no link is followed: every name
   on a path is opened in the folder before it, so that nobody who can write there turns our files elsewhere.
 */
#include "base/file.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, SUFFIX = 7 }; /* ".XXXXXX" */

/* --- folders --- */

/* Takes the next name off a path; false where there is none. */
static bool next_name(const char **path, char name[static NAME_MAX + 1], int *error)
{
    *path += strspn(*path, "/");
    size_t length = strcspn(*path, "/");
    *error = length > NAME_MAX ? ENAMETOOLONG : 0;
    if (length == 0 || *error)
        return false;
    memcpy(name, *path, length);
    name[length] = '\0';
    *path += length;
    return true;
}

static int step_into(int folder, const char *name, bool make, int *error)
{
    if (make && mkdirat(folder, name, 0777) != 0 && errno != EEXIST) {
        *error = errno;
        return -1;
    }
    int below = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat info;
    *error = below < 0 ? errno : 0;
    if (below < 0 && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))
        *error = ELOOP;
    return below;
}

/* A descriptor of a folder (O_PATH) to which no link leads, made where it may be; -1, and the error. */
static int open_folder(const char *path, bool make, int *error)
{
    char name[NAME_MAX + 1];
    int folder = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *error = folder < 0 ? errno : 0;
    while (folder >= 0 && next_name(&path, name, error)) {
        int below = step_into(folder, name, make, error);
        close(folder);
        folder = below;
    }
    if (*error && folder >= 0) {
        close(folder);
        folder = -1;
    }
    return folder;
}

/* The link is on the way to what is ours, where only others can have put it. */
static tsr_status *fail(const char *path, const char *what, int error)
{
    if (error == ELOOP)
        return tsr_fail(TSR_IO, "%s: cannot %s: a link is on the way: expected a folder", path, what);
    return tsr_fail(error == ENOMEM ? TSR_NO_MEMORY : TSR_IO, "%s: cannot %s: %s", path, what,
                    strerror(error ? error : EIO));
}

tsr_status *tsr_make_folder(const char *path)
{
    int error, folder = open_folder(path, true, &error);
    if (folder < 0)
        return fail(path, "make the folder", error);
    close(folder);
    return NULL;
}

tsr_status *tsr_path_real(const char *path, char **out)
{
    TSR_TRY(tsr_path_absolute(path, out));
    char *whole = *out, *real = NULL;
    size_t end = strlen(whole); /* of the part that may be there */
    while (end > 1 && whole[end - 1] == '/')
        whole[--end] = '\0';
    for (;;) {
        char kept = whole[end];
        whole[end] = '\0';
        real = realpath(end ? whole : "/", NULL);
        whole[end] = kept;
        if (real || errno != ENOENT || end == 0)
            break;
        while (end > 0 && whole[--end] != '/')
            ;
    }
    if (!real && errno == ENOMEM) {
        free(whole);
        *out = NULL;
        return tsr_no_memory("a path");
    }
    if (!real)
        return NULL; /* as it is: who opens it says why it cannot be */
    *out = tsr_format("%s%s", strcmp(real, "/") == 0 && whole[end] ? "" : real, whole + end);
    free(real);
    free(whole);
    return *out ? NULL : tsr_no_memory("a path");
}

tsr_status *tsr_path_of_new_file(const char *path, char **out)
{
    const char *slash = strrchr(path, '/');
    char *folder = tsr_path_folder(path), *real = NULL;
    *out = NULL;
    tsr_status *status = folder ? tsr_path_real(folder, &real) : tsr_no_memory("a path");
    if (!status && !(*out = tsr_path_join(real, slash ? slash + 1 : path)))
        status = tsr_no_memory("a path");
    free(real);
    free(folder);
    return status;
}

tsr_status *tsr_make_temporary(const char *name, char **out)
{
    const char *place = getenv("TMPDIR");
    char *real;
    TSR_TRY(tsr_path_real(place && *place == '/' ? place : "/tmp", &real));
    char *folder = tsr_format("%s/tessera-%s-XXXXXX", real, name);
    tsr_status *status = !folder ? tsr_no_memory("a path")
                         : mkdtemp(folder)
                             ? NULL
                             : tsr_fail(TSR_IO, "%s: cannot make the folder: %s", folder, strerror(errno));
    if (status) {
        free(folder);
        folder = NULL;
    }
    free(real);
    *out = folder;
    return status;
}

/* --- new files --- */

/* The folder of a path and, in *name, what stands behind it. */
static int open_folder_of(const char *path, const char **name, int *error)
{
    const char *slash = strrchr(path, '/');
    char *folder = tsr_path_folder(path);
    *name = slash ? slash + 1 : path;
    int fd = folder ? open_folder(folder, false, error) : -1;
    if (!folder)
        *error = ENOMEM;
    free(folder);
    return fd;
}

/* Makes a file beside its place, whose name ends in six characters that nobody foresees. */
static int make_beside(int folder, char *name, int *error)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    char *suffix = name + strlen(name) - (SUFFIX - 1);
    for (int i = 0; i < TRIES; i++) {
        uint8_t random[SUFFIX - 1];
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            break;
        for (size_t k = 0; k < sizeof(random); k++)
            suffix[k] = letters[random[k] % (sizeof(letters) - 1)];
        int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            *error = fd < 0 ? errno : 0;
            return fd;
        }
    }
    *error = errno ? errno : EEXIST;
    return -1;
}

tsr_status *tsr_new_file_open(const char *path, tsr_new_file *file)
{
    const char *name;
    int error;
    *file = (tsr_new_file){ .path = strdup(path), .folder = -1 };
    file->folder = open_folder_of(path, &name, &error);
    char *temporary = tsr_format("%s.XXXXXX", name);
    if (!file->path || !temporary) {
        free(temporary);
        tsr_new_file_drop(file);
        return tsr_no_memory("a path");
    }
    int fd = file->folder < 0 ? -1 : make_beside(file->folder, temporary, &error);
    if (fd < 0) {
        free(temporary);
        tsr_new_file_drop(file);
        return fail(path, "write", error);
    }
    file->temporary = temporary;
    file->stream = fdopen(fd, "wb");
    if (!file->stream) {
        close(fd);
        tsr_new_file_drop(file);
        return tsr_no_memory(path);
    }
    return NULL;
}

static void sync_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
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
    const char *slash = strrchr(file->path, '/'), *name = slash ? slash + 1 : file->path;
    if (!bad && renameat(file->folder, file->temporary, file->folder, name) != 0) {
        bad = true;
        error = errno;
    }
    tsr_status *status = NULL;
    if (bad) {
        status = fail(file->path, "write", error);
    } else {
        sync_folder(file->folder);
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
        unlinkat(file->folder, file->temporary, 0);
    if (file->folder >= 0)
        close(file->folder);
    free(file->temporary);
    free(file->path);
    *file = (tsr_new_file){ .folder = -1 };
}

tsr_status *tsr_write_file(const char *path, const void *bytes, size_t length)
{
    tsr_new_file file;
    TSR_TRY(tsr_new_file_open(path, &file));
    fwrite(bytes, 1, length, file.stream);
    return tsr_new_file_keep(&file);
}

int tsr_open_lock(const char *path, int *error)
{
    const char *name;
    struct stat info;
    int folder = open_folder_of(path, &name, error);
    if (folder < 0)
        return -1;
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    *error = fd < 0 ? errno : 0;
    close(folder);
    if (fd < 0 || (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)))
        return fd;
    *error = ENODEV;
    close(fd);
    return -1;
}

/* --- removing --- */

/* Keeps the first error. */
static void remove_at(int folder, const char *name, int *error)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return;
    int first = errno, below = first == EISDIR || first == EPERM
                                   ? openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                   : -1;
    if (first == EISDIR)
        first = below < 0 ? errno : 0;
    DIR *entries = below < 0 ? NULL : fdopendir(below);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_at(below, entry->d_name, error);
    if (entries)
        closedir(entries);
    else if (below >= 0)
        close(below);
    if (entries && unlinkat(folder, name, AT_REMOVEDIR) == 0)
        return;
    if (!*error)
        *error = entries || !first ? errno : first;
}

tsr_status *tsr_remove_tree(const char *path)
{
    const char *name;
    int error = 0, folder = open_folder_of(path, &name, &error);
    if (folder < 0)
        return error == ENOENT ? NULL : fail(path, "remove", error);
    remove_at(folder, name, &error);
    close(folder);
    return error ? fail(path, "remove", error) : NULL;
}
