/* Trust by owner, mode and access list of all that stands on the way to a file. Where every folder and link
   on it is trusted, nobody else can put another file there between the judgement and the loading. In a sticky
   folder such as /tmp others cannot replace what is not theirs; only the one that holds the plugin must not
   be such, as the linker may look for more beside it. */
#include "plugin/trust.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/libraries.h"

#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

/* An access list as Linux keeps it, in little endian. */
typedef struct access_entry {
    uint16_t tag, permissions;
    uint32_t id;
} access_entry;
enum { ACCESS_USER = 2, ACCESS_GROUP = 8, ACCESS_MASK = 16, ACCESS_WRITE = 2, MAX_ACCESS_ENTRIES = 1024 };

/* Whether an access list lets other users or groups write `place`. Where there is one, the group's bits of
   the mode are its mask, so that this is asked of what they let write. A list that cannot be read may hold
   anybody. */
static bool list_lets_write(const char *place)
{
    struct {
        uint32_t version;
        access_entry entries[MAX_ACCESS_ENTRIES];
    } list;
    ssize_t size = getxattr(place, "system.posix_acl_access", &list, sizeof(list));
    if (size < 0)
        return errno != ENODATA && errno != ENOTSUP;
    size_t n = size < (ssize_t)sizeof(list.version)
                   ? 0
                   : ((size_t)size - sizeof(list.version)) / sizeof(*list.entries);
    for (size_t i = 0; i < n; i++) {
        const access_entry *entry = &list.entries[i];
        unsigned tag = le16toh(entry->tag);
        bool is_other = tag == ACCESS_GROUP || (tag == ACCESS_USER && !is_trusted(le32toh(entry->id)));
        if (is_other && (le16toh(entry->permissions) & ACCESS_WRITE))
            return true;
    }
    return false;
}

static bool others_write(const char *place, const struct stat *info)
{
    return (info->st_mode & S_IWOTH) ||
           ((info->st_mode & S_IWGRP) && (!is_private(info->st_gid, info->st_uid) || list_lets_write(place)));
}

/* --- the way to a file --- */

enum { MAX_LINKS = 40 }; /* as the kernel has it */

typedef struct way {
    const char *shown;        /* the plugin, as messages call it */
    const char *program;      /* where this program lies, without links; may be NULL */
    char place[PATH_MAX];     /* how far it has been gone, without links; "" is the root */
    char remaining[PATH_MAX]; /* of the path, from there */
    size_t links;
} way;

/* `what` stands at the way's place. */
static tsr_status *check_place(const way *w, const char *what, const struct stat *info, bool sticky_is_fine)
{
    const char *place = *w->place ? w->place : "/";
    unsigned mode = (unsigned)info->st_mode & 07777;
    if (!is_trusted(info->st_uid))
        return tsr_fail(TSR_REFUSED,
                        "%s: cannot be trusted: %s %s belongs to user %u (mode %04o), neither to you nor to "
                        "root; copy the plugin to a folder of your own" INSTEAD,
                        w->shown, what, place, (unsigned)info->st_uid, mode);
    if (S_ISLNK(info->st_mode) || (sticky_is_fine && (mode & S_ISVTX)) || !others_write(place, info))
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "%s: cannot be trusted: others than the owner may write %s (mode %04o); run 'chmod go-w "
                    "%s'" INSTEAD,
                    w->shown, what, mode, place);
}

/* Whoever may swap a folder that this program lies in can swap the program. */
static bool holds_program(const way *w)
{
    size_t length = strlen(w->place);
    return w->program && strncmp(w->program, w->place, length) == 0 && w->program[length] == '/';
}

static void step_back(way *w)
{
    char *slash = strrchr(w->place, '/');
    if (slash)
        *slash = '\0';
}

/* Takes the first name off what remains; false: none does. */
static bool take_name(way *w, char name[static NAME_MAX + 1])
{
    const char *begin = w->remaining + strspn(w->remaining, "/");
    size_t length = strcspn(begin, "/");
    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, begin, length);
    name[length] = '\0';
    memmove(w->remaining, begin + length, strlen(begin + length) + 1);
    return true;
}

/* What the link at the way's place leads to comes before what remains; false: that is too long, or no link.
 */
static bool follow_link(way *w)
{
    char target[PATH_MAX];
    size_t rest = strlen(w->remaining);
    ssize_t length = readlink(w->place, target, sizeof(target));
    if (length <= 0 || ++w->links > MAX_LINKS || (size_t)length + rest >= sizeof(w->remaining))
        return false;
    memmove(w->remaining + length, w->remaining, rest + 1);
    memcpy(w->remaining, target, (size_t)length);
    if (*target == '/')
        *w->place = '\0';
    else
        step_back(w);
    return true;
}

/* What is not there or too long passes: the loader has the better word for it. */
static tsr_status *go(way *w)
{
    char name[NAME_MAX + 1];
    struct stat info;
    if (stat("/", &info) == 0 && !holds_program(w))
        TSR_TRY(check_place(w, "the folder", &info, true));
    while (take_name(w, name)) {
        size_t length = strlen(w->place);
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            step_back(w);
            continue;
        }
        int added = snprintf(w->place + length, sizeof(w->place) - length, "/%s", name);
        if (added < 0 || (size_t)added >= sizeof(w->place) - length)
            return NULL;
        if (lstat(w->place, &info) != 0)
            return tsr_error_of(errno) == TSR_REFUSED
                       ? NULL
                       : tsr_fail(tsr_error_of(errno), "%s: cannot be looked at: %s", w->shown,
                                  strerror(errno));
        const char *rest = w->remaining + strspn(w->remaining, "/");
        bool is_last_folder = !strchr(rest, '/');
        if (S_ISLNK(info.st_mode)) {
            TSR_TRY(check_place(w, "the link", &info, true));
            if (!follow_link(w))
                return NULL;
        } else if (!S_ISDIR(info.st_mode)) {
            return check_place(w, "the file", &info, false);
        } else if (is_last_folder || !holds_program(w)) {
            TSR_TRY(check_place(w, is_last_folder ? "its folder" : "the folder", &info, !is_last_folder));
        }
    }
    return NULL;
}

/* `shown` is what messages call it. */
static tsr_status *check_file(const char *shown, const char *file)
{
    char *absolute;
    errno = 0;
    char *program = tsr_library_path();
    if (!program && errno == ENOMEM)
        return tsr_no_memory("a path");
    way w = { .shown = shown, .program = program };
    tsr_status *status = tsr_path_absolute(file, &absolute);
    if (!status && strlen(absolute) < sizeof(w.remaining)) {
        strcpy(w.remaining, absolute);
        status = go(&w);
    }
    free(absolute);
    free(program);
    return status;
}

static tsr_status *check_library(void *context, const char *library)
{
    const char *plugin = context;
    char *shown = tsr_format("%s: its library %s", plugin, library);
    tsr_status *status = shown ? check_file(shown, library) : tsr_no_memory("a path");
    free(shown);
    return status;
}

tsr_status *tsr_trust(const char *file)
{
    TSR_TRY(check_file(file, file));
    return tsr_libraries_visit(file, check_library, (void *)(uintptr_t)file);
}
