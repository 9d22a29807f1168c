/* The search path. Nothing is looked up in the working folder unless it was given: parts of
   $TESSERA_PLUGIN_PATH that are empty or relative are left out. */
#include "plugin/path.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Takes over `folder`. A folder that is on the path already is not searched twice. */
static tsr_status *add_folder(tsr_plugin_path *path, char *folder)
{
    if (!folder)
        return tsr_no_memory("the plugin path");
    for (size_t i = 0; i < path->n; i++) {
        if (strcmp(path->folders[i], folder) == 0) {
            free(folder);
            return NULL;
        }
    }
    char **grown = realloc(path->folders, (path->n + 1) * sizeof(*grown));
    if (!grown) {
        free(folder);
        return tsr_no_memory("the plugin path");
    }
    path->folders = grown;
    path->folders[path->n++] = folder;
    return NULL;
}

static tsr_status *add_given(tsr_plugin_path *path, const char *folder)
{
    char *absolute;
    TSR_TRY(tsr_path_absolute(folder, &absolute));
    return add_folder(path, absolute);
}

/* Colon-separated. */
static tsr_status *add_environment(tsr_plugin_path *path)
{
    const char *at = secure_getenv("TESSERA_PLUGIN_PATH");
    while (at && *at) {
        size_t length = strcspn(at, ":");
        if (at[0] == '/')
            TSR_TRY(add_folder(path, strndup(at, length)));
        at += length + (at[length] == ':');
    }
    return NULL;
}

static tsr_status *add_home(tsr_plugin_path *path)
{
    const char *home = secure_getenv("HOME");
    return home && home[0] == '/' ? add_folder(path, tsr_path_join(home, ".local/lib/tessera")) : NULL;
}

/* Libtool leaves the library of a build tree in X/.libs; its plugins are then in X/plugins. The program may
   be another language's. */
static tsr_status *build_folder(char **out)
{
    *out = NULL;
    errno = 0;
    char *library = tsr_library_path();
    if (!library)
        return errno == ENOMEM ? tsr_no_memory("a path") : NULL;
    char *name = strrchr(library, '/');
    bool built = name && name - library >= 6 && strncmp(name - 6, "/.libs", 6) == 0;
    if (built)
        name[-6] = '\0';
    char *folder = built ? tsr_path_join(library, "plugins") : NULL;
    free(library);
    if (built && !folder)
        return tsr_no_memory("a path");
    struct stat info;
    if (folder && stat(folder, &info) == 0 && S_ISDIR(info.st_mode))
        *out = folder;
    else
        free(folder);
    return NULL;
}

static tsr_status *add_installed(tsr_plugin_path *path)
{
    char *folder;
    TSR_TRY(build_folder(&folder));
    return add_folder(path, folder ? folder : strdup(TSR_PLUGIN_FOLDER));
}

tsr_status *tsr_plugin_path_make(size_t n, const char *const *folders, tsr_plugin_path *out)
{
    *out = (tsr_plugin_path){ 0 };
    for (size_t i = 0; i < n; i++)
        TSR_TRY(add_given(out, folders[i]));
    TSR_TRY(add_environment(out));
    TSR_TRY(add_home(out));
    return add_installed(out);
}

void tsr_plugin_path_clear(tsr_plugin_path *path)
{
    for (size_t i = 0; i < path->n; i++)
        free(path->folders[i]);
    free(path->folders);
    *path = (tsr_plugin_path){ 0 };
}
