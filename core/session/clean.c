/* Removing. What is looked at is removed by the open folder that it was found in. */
#include "session/clean.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/read.h"
#include "experiment/folder.h"
#include "experiment/model_file.h"
#include "experiment/record.h"
#include "experiment/saved_codes.h"
#include "experiment/skim.h"
#include "experiment/store.h"
#include "report/results.h"
#include "session/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct cleaning {
    const tsr_clean_options *options;
    const char *folder;
    tsr_cleaned *out;
    tsr_skim skim;
    char id[17];          /* of the run that is looked at */
    tsr_results *results; /* none of the runs: what the sweep is */
    bool goes;            /* all of the run does */
    json_t *gone;         /* as keys: the ids of runs of which all goes */
} cleaning;

/* --- which runs --- */

/* A record that cannot be read as one says nothing: its run's files stay. */
static tsr_status *judge(cleaning *c, const char *id, bool *goes)
{
    char *path = tsr_record_path(c->folder, id);
    json_t *record = NULL;
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status = tsr_record_skim(&c->skim, path, id, &record);
    *goes = !status && ((c->options->failed && !tsr_record_is_final(record)) ||
                        (c->options->outside && record && !tsr_results_has_place(c->results, record)));
    json_decref(record);
    free(path);
    if (tsr_status_error(status) == TSR_NO_MEMORY)
        return status;
    if (status)
        tsr_log_warning("%s; its run stays", tsr_status_message(status));
    tsr_status_free(status);
    return NULL;
}

static tsr_status *begin_run(cleaning *c, const char *id)
{
    if (strcmp(c->id, id) == 0)
        return NULL;
    memcpy(c->id, id, sizeof(c->id));
    c->goes = false;
    if (!c->options->failed && !c->options->outside)
        return NULL;
    TSR_TRY(judge(c, id, &c->goes));
    bool noted = !c->goes || json_object_set_new(c->gone, id, json_true()) == 0;
    return noted ? NULL : tsr_no_memory("the runs");
}

/* --- files --- */

static bool is_wanted(const cleaning *c, const tsr_left_file *file)
{
    if (c->goes)
        return true;
    return (c->options->models && (file->kind == TSR_LEFT_MODEL || file->kind == TSR_LEFT_STATE)) ||
           (c->options->codes && file->kind == TSR_LEFT_CODES);
}

static tsr_status *visit_file(void *context, const tsr_left_file *file)
{
    cleaning *c = context;
    TSR_TRY(begin_run(c, file->id));
    if (!is_wanted(c, file))
        return NULL;
    if (!c->options->pretend && unlinkat(file->folder, file->name, 0) != 0 && errno != ENOENT)
        return tsr_fail(TSR_IO, "runs/%s/%s: cannot be removed: %s", file->id, file->path, strerror(errno));
    c->out->files[file->kind]++;
    if (file->info.st_nlink == 1)
        c->out->bytes[file->kind] += (size_t)file->info.st_blocks * 512;
    return NULL;
}

/* --- folders --- */

/* What is empty goes; a folder in which something of somebody else's lies stays. */
static void remove_empty(const char *path)
{
    static const char *const below[] = { TSR_SAVED_CODES, TSR_SNAPSHOTS, "probes", "probing.unfinished" };
    for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
        char *folder = tsr_path_join(path, below[i]);
        if (folder)
            tsr_remove_empty_folders(folder);
        free(folder);
    }
    if (rmdir(path) != 0 && (errno == ENOTEMPTY || errno == EEXIST))
        tsr_log_warning("%s: holds what is not of tessera and stays", path);
}

static tsr_status *remove_folders(const cleaning *c)
{
    const char *id;
    json_t *ignored;
    json_object_foreach(c->gone, id, ignored)
    {
        char *path = tsr_format("%s/runs/%s", c->folder, id);
        if (!path)
            return tsr_no_memory("a path");
        remove_empty(path);
        free(path);
    }
    return NULL;
}

/* The folders of codes and of snapshots' networks. */
static tsr_status *remove_emptied(void *context, const char *id)
{
    static const char *const names[] = { TSR_SAVED_CODES, TSR_SNAPSHOTS };
    const cleaning *c = context;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && tsr_is_run_id(id); i++) {
        char *path = tsr_format("%s/runs/%s/%s", c->folder, id, names[i]);
        if (!path)
            return tsr_no_memory("a path");
        rmdir(path);
        free(path);
    }
    return NULL;
}

/* --- the config --- */

/* The runs are whole without what is not asked for: else the next command would do them again. */
static tsr_status *forget(const tsr_store *store, const tsr_clean_options *options)
{
    tsr_value *config = NULL;
    char *path = tsr_path_join(store->folder, "config.cfg");
    tsr_status *status = path ? tsr_config_read(path, 0, NULL, &config) : tsr_no_memory("a path");
    if (!status && options->models)
        status = tsr_value_set(config, "output.save_model", tsr_value_bool(false));
    if (!status && options->models)
        status = tsr_value_set(config, "output.save_state", tsr_value_bool(false));
    if (!status && options->models)
        status = tsr_value_set(config, "output.save_snapshots", tsr_value_bool(false));
    if (!status && options->codes)
        status = tsr_value_set(config, "output.save_codes", tsr_value_bool(false));
    if (!status)
        status = tsr_store_put_config(store, config);
    tsr_value_free(config);
    free(path);
    return status;
}

/* --- all of it --- */

static tsr_status *clean(cleaning *c, const tsr_store *store)
{
    const tsr_clean_options *options = c->options;
    if (!options->pretend && (options->models || options->codes))
        TSR_TRY(forget(store, options));
    TSR_TRY(tsr_each_left_file(store->folder, visit_file, c));
    c->out->runs = json_object_size(c->gone);
    if (options->pretend)
        return NULL;
    if (options->codes || options->models)
        TSR_TRY(tsr_folder_each_run(store->folder, remove_emptied, c));
    TSR_TRY(remove_folders(c));
    return c->out->runs ? tsr_tables_renew(store->folder) : NULL;
}

tsr_status *tsr_clean(const char *folder, const char *shown, const tsr_clean_options *options,
                      tsr_cleaned *out)
{
    tsr_store store;
    *out = (tsr_cleaned){ 0 };
    TSR_TRY(tsr_store_open_left(folder, shown, options->unlocked, &store));
    cleaning c = { .options = options,
                   .folder = folder,
                   .out = out,
                   .skim = { .skipped = tsr_skim_for_counts },
                   .gone = json_object() };
    tsr_status *status = c.gone ? NULL : tsr_no_memory("the runs");
    if (!status && options->outside)
        status = tsr_results_open(folder, 0, NULL, &c.results);
    if (!status)
        status = clean(&c, &store);
    tsr_results_free(c.results);
    json_decref(c.gone);
    tsr_skim_clear(&c.skim);
    tsr_store_close(&store);
    return tsr_context(status, "%s", shown);
}
