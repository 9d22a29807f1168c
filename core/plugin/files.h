/* Files that the registry holds: what each contains, described by a child process once, and the module where
   one of its plugins was wanted here. A file is told from others by device and inode, so that two paths to it
   are one plugin. */
#ifndef TSR_PLUGIN_FILES_H
#define TSR_PLUGIN_FILES_H

#include "plugin/path.h"
#include "plugin/trial.h"

#include <sys/types.h>

typedef struct tsr_registered_file {
    dev_t device;
    ino_t inode;
    char *path;         /* by which it was found first */
    tsr_file_info info; /* its plugins */
    tsr_module *module; /* NULL until one of them is wanted */
} tsr_registered_file;

typedef struct tsr_registered_files {
    const tsr_plugin_path *path;   /* up to whose folders a file must be trusted */
    bool allow_unsafe;             /* files that others may write are taken too, see trust.h */
    tsr_describe_plugin *describe; /* NULL: descriptions are not wanted */
    size_t n;
    tsr_registered_file **list;
} tsr_registered_files;

/* The file at `path`, loaded in a child process unless it is registered already. It lives as long as `files`.
 */
TSR_MUST_CHECK tsr_status *tsr_file_register(tsr_registered_files *files, const char *path,
                                             tsr_registered_file **out);
void tsr_registered_files_clear(tsr_registered_files *files);

/* Which plugin of a file is meant: the one called `name`. Where that is NULL, the one that is called as the
   file, "path/to/NAME.so", else the only one of the kind: so a file may be renamed and still works. */
TSR_MUST_CHECK tsr_status *tsr_file_select(const tsr_registered_file *file, const char *path, tsr_kind kind,
                                           const char *name, size_t *out);

#endif
