/* A run's config from its record: what the run resolved to, without what was found out of files. */
#include "experiment/record_config.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "config/read.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/spec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RECORD (256 << 20) /* bytes */
#define SHOWN_DIGITS 8         /* of the id, in the name */

bool tsr_is_record(const char *path)
{
    size_t length = strlen(path);
    return length > strlen(".json") && strcmp(path + length - strlen(".json"), ".json") == 0;
}

static tsr_status *read_json(const char *path, json_t **out)
{
    char *text;
    size_t length;
    json_error_t error;
    TSR_TRY(tsr_read_given_file(path, "run's record", MAX_RECORD, &text, &length));
    *out = json_loadb(text, length, 0, &error);
    free(text);
    return *out ? NULL
                : tsr_fail(TSR_REFUSED, "%s:%d: not a whole run.json: %s", path, error.line, error.text);
}

static bool has_folder(const tsr_value *list, const char *folder)
{
    for (size_t i = 0; i < tsr_value_length(list); i++)
        if (strcmp(list->items[i]->string, folder) == 0)
            return true;
    return false;
}

/* The folder that FOLDER/KINDs/NAME.so was found in. */
static tsr_status *add_folder(const char *file, tsr_value *list)
{
    char *kinds = tsr_path_folder(file), *folder = kinds ? tsr_path_folder(kinds) : NULL;
    tsr_status *status = folder ? NULL : tsr_no_memory("plugin_path");
    if (!status && *folder == '/' && access(folder, F_OK) == 0 && !has_folder(list, folder))
        status = tsr_value_append(list, tsr_value_string(folder));
    free(kinds);
    free(folder);
    return status;
}

static tsr_status *put_plugin_path(const json_t *record, tsr_value *config)
{
    const json_t *plugins = json_object_get(json_object_get(record, "environment"), "plugins");
    tsr_value *list = tsr_value_list();
    TSR_TRY(tsr_value_put(config, "plugin_path", list));
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const char *file = json_string_value(json_object_get(json_array_get(plugins, i), "file"));
        if (file)
            TSR_TRY(add_folder(file, list));
    }
    return NULL;
}

static tsr_status *make_config(const json_t *record, const char *id, tsr_value *config)
{
    const char *experiment = json_string_value(json_object_get(record, "experiment"));
    char *name = tsr_format("%s-%.*s", experiment ? experiment : "run", SHOWN_DIGITS, id);
    tsr_status *status = tsr_value_put(config, "name", name ? tsr_value_string(name) : NULL);
    free(name);
    tsr_value_remove(config, "weights_hash");
    tsr_value_remove(config, "model_hash");
    return status ? status : put_plugin_path(record, config);
}

tsr_status *tsr_record_config(const char *path, size_t n, const char *const *overrides, tsr_value **out,
                              json_t **record)
{
    *out = NULL;
    TSR_TRY(read_json(path, record));
    const json_t *said = json_object_get(*record, "config");
    const char *run = json_string_value(json_object_get(*record, "run"));
    tsr_status *status =
        run && tsr_is_run_id(run) && json_is_object(said)
            ? NULL
            : tsr_fail(TSR_REFUSED, "%s: expected a run's record, run.json, with its config", path);
    tsr_value *config = status ? NULL : tsr_value_from_json(said);
    if (!status && !config)
        status = tsr_no_memory("a config");
    if (!status)
        status = make_config(*record, run, config);
    if (status)
        tsr_value_free(config);
    else
        status = tsr_config_adopt(config, path, n, overrides, out);
    if (status) {
        json_decref(*record);
        *record = NULL;
    }
    return status;
}

/* Whether the run's config is the record's but for where files lie. */
static tsr_status *compare_settings(const json_t *record, const tsr_run *run, bool *same)
{
    tsr_value *then = tsr_value_from_json(json_object_get(record, "config")), *now = tsr_run_config(run);
    char ids[2][17] = { "", "" };
    tsr_status *status = then && now ? NULL : tsr_no_memory("a config");
    if (!status) {
        tsr_identity_shorten_paths(then);
        tsr_identity_shorten_paths(now);
        status = tsr_identity_of(then, ids[0]);
    }
    if (!status)
        status = tsr_identity_of(now, ids[1]);
    *same = strcmp(ids[0], ids[1]) == 0;
    tsr_value_free(then);
    tsr_value_free(now);
    return status;
}

tsr_status *tsr_record_tell_other_run(const char *path, const json_t *record, const tsr_run *run)
{
    const char *id = json_string_value(json_object_get(record, "run"));
    tsr_text changed = { 0 };
    bool same = true;
    tsr_status *status = tsr_identity_compare(run, record, &changed);
    if (!status && !changed.length && strcmp(id, run->id) != 0)
        status = compare_settings(record, run, &same);
    if (!status && changed.length)
        tsr_log_warning("%s: what run %s read is not what is read now: %s", path, id, changed.chars);
    else if (!status && !same)
        tsr_log_warning(
            "%s: is of run %s, and is run %s here: a setting, or a file that it reads, is another", path, id,
            run->id);
    else if (!status && strcmp(id, run->id) != 0)
        tsr_log_info("%s: the files of run %s lie elsewhere here, where it is run %s", path, id, run->id);
    free(changed.chars);
    return status;
}
