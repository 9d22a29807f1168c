/* Beginning a folder. */
#include "host/output_folder.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/print.h"
#include "experiment/folder.h"

#include <stdlib.h>
#include <sys/stat.h>

/* *there: whether the folder holds something of this name. */
static tsr_status *look(const char *folder, const char *name, bool *there)
{
    struct stat info;
    char *path = tsr_path_join(folder, name);
    *there = path && lstat(path, &info) == 0;
    free(path);
    return path ? NULL : tsr_no_memory("a path");
}

static tsr_status *refuse_foreign(const char *folder, const char *shown, const char *const *names)
{
    bool ours, there;
    TSR_TRY(tsr_folder_check(folder, shown));
    TSR_TRY(look(folder, "runs", &there));
    if (there)
        return tsr_fail(TSR_REFUSED,
                        "%s: holds the results of an experiment: expected an empty or a new folder", shown);
    TSR_TRY(look(folder, "config.cfg", &ours)); /* another one's was refused */
    for (; !ours && *names; names++) {
        TSR_TRY(look(folder, *names, &there));
        if (there)
            return tsr_fail(TSR_REFUSED,
                            "%s: holds '%s' and is not a folder of tessera: expected an empty or a new one",
                            shown, *names);
    }
    return NULL;
}

static tsr_status *remove_names(const char *folder, const char *const *names)
{
    for (; *names; names++) {
        char *path = tsr_path_join(folder, *names);
        tsr_status *status = path ? tsr_remove_tree(path) : tsr_no_memory("a path");
        free(path);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *write_config(const char *folder, const char *what, const tsr_value *resolved)
{
    tsr_text text = { 0 };
    char *path = tsr_path_join(folder, "config.cfg");
    tsr_text_add(&text, TSR_FOLDER_MARK "%s %s made it.\n", what, tsr_version());
    tsr_print_config(resolved, &text);
    tsr_status *status =
        text.failed || !path ? tsr_no_memory("config.cfg") : tsr_write_file(path, text.chars, text.length);
    free(path);
    free(text.chars);
    return status;
}

tsr_status *tsr_output_folder_begin(const char *folder, const char *shown, const char *const *names,
                                    const char *what, const tsr_value *resolved)
{
    TSR_TRY(refuse_foreign(folder, shown, names));
    TSR_TRY(tsr_make_folder(folder));
    TSR_TRY(remove_names(folder, names));
    return write_config(folder, what, resolved);
}
