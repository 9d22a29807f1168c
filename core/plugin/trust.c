/* Trust by owner and mode. Folders above the plugin's own are of little use to others: what they put there is
   theirs, which the owner of the plugin's folder tells; so a sticky one such as /tmp is fine. */
#include "plugin/trust.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/libraries.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTEAD ", or set allow_unsafe_plugins = true in the config"

/* Whoever owns the program that asks could make it do anything already. */
static uid_t owner_of_program(void)
{
    static const char here = 0;
    Dl_info info;
    struct stat file;
    if (dladdr(&here, &info) != 0 && info.dli_fname && stat(info.dli_fname, &file) == 0)
        return file.st_uid;
    return 0;
}

static bool is_trusted(uid_t owner)
{
    return owner == 0 || owner == geteuid() || owner == owner_of_program();
}

/* The group that a user has alone, as Debian makes one for each: writable by it is writable by its user. */
static bool is_private(gid_t group, uid_t owner)
{
    const struct passwd *user = owner == 0 ? NULL : getpwuid(owner);
    const struct group *members = user && user->pw_gid == group ? getgrgid(group) : NULL;
    if (!members || strcmp(members->gr_name, user->pw_name) != 0)
        return false;
    for (char **name = members->gr_mem; name && *name; name++)
        if (strcmp(*name, user->pw_name) != 0)
            return false;
    return true;
}

static bool others_write(const struct stat *info)
{
    return (info->st_mode & S_IWOTH) ||
           ((info->st_mode & S_IWGRP) && !is_private(info->st_gid, info->st_uid));
}

/* `place`: the plugin's file itself, or a folder that it lies in. */
static tsr_status *check_place(const char *file, const char *place, bool sticky_is_fine)
{
    struct stat info;
    if (stat(place, &info) != 0)
        return NULL;
    const char *what = S_ISDIR(info.st_mode) ? "its folder" : "the file";
    unsigned mode = (unsigned)info.st_mode & 07777;
    if (!is_trusted(info.st_uid))
        return tsr_fail(TSR_REFUSED,
                        "%s: cannot be trusted: %s %s belongs to user %u (mode %04o), neither to you nor to "
                        "root; copy the plugin to a folder of your own" INSTEAD,
                        file, what, place, (unsigned)info.st_uid, mode);
    if (!others_write(&info) || (sticky_is_fine && (mode & S_ISVTX)))
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "%s: cannot be trusted: others than the owner may write %s (mode %04o); run 'chmod go-w "
                    "%s'" INSTEAD,
                    file, what, mode, place);
}

/* The folder that holds `path`, and those above up to `root`. */
static tsr_status *check_folders(const char *file, const char *path, const char *root)
{
    char *folder = tsr_path_folder(path);
    tsr_status *status = folder ? check_place(file, folder, false) : tsr_no_memory("a path");
    while (!status && root && strlen(folder) > strlen(root)) {
        char *above = tsr_path_folder(folder);
        free(folder);
        folder = above;
        status = above ? check_place(file, above, true) : tsr_no_memory("a path");
    }
    free(folder);
    return status;
}

/* `shown` is what messages call it. */
static tsr_status *check_file(const char *shown, const char *file, const char *root)
{
    TSR_TRY(check_folders(shown, file, root));
    char *real = realpath(file, NULL);
    if (!real)
        return tsr_error_of(errno) == TSR_REFUSED
                   ? NULL
                   : tsr_fail(tsr_error_of(errno), "%s: cannot be looked at: %s", shown, strerror(errno));
    tsr_status *status = check_place(shown, real, false);
    if (!status && strcmp(real, file) != 0)
        status = check_folders(shown, real, NULL);
    free(real);
    return status;
}

static tsr_status *check_library(void *context, const char *library)
{
    const char *plugin = context;
    char *shown = tsr_format("%s: its library %s", plugin, library);
    tsr_status *status = shown ? check_file(shown, library, NULL) : tsr_no_memory("a path");
    free(shown);
    return status;
}

tsr_status *tsr_trust(const char *file, const char *root)
{
    TSR_TRY(check_file(file, file, root));
    return tsr_libraries_visit(file, check_library, (void *)(uintptr_t)file);
}
