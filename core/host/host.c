/* The host of a program that is not ours: a registry of plugins, and what is opened with it. */
#include "host/host.h"

#include "base/machine.h"
#include "base/memory.h"
#include "config/parse.h"
#include "config/settings.h"
#include "config/source.h"
#include "data/samples.h"
#include "plugin/kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS "settings" /* what messages call them */

static tsr_status *fill(tsr_host *host, const tsr_host_options *options)
{
    TSR_TRY(tsr_check_thread_stacks());
    if (!(host->folder = getcwd(NULL, 0)))
        return tsr_fail(TSR_IO, "cannot get the working folder: %s", strerror(errno));
    TSR_TRY(tsr_registry_new(options->n_folders, options->folders, &host->registry));
    if (options->allow_unsafe_plugins)
        tsr_registry_allow_unsafe(host->registry);
    tsr_set_threads(options->threads > 0 ? options->threads : tsr_cores());
    return NULL;
}

tsr_status *tsr_host_new_sized(const tsr_host_options *options, size_t size, tsr_host **out)
{
    tsr_host_options own = { 0 };
    *out = NULL;
    if (options)
        memcpy(&own, options, size < sizeof(own) ? size : sizeof(own));
    tsr_host *host = tsr_alloc(1, sizeof(*host));
    tsr_status *status = host ? fill(host, &own) : tsr_no_memory("a host");
    if (status)
        tsr_host_free(host);
    else
        *out = host;
    return status;
}

void tsr_host_free(tsr_host *host)
{
    if (!host)
        return;
    tsr_registry_free(host->registry);
    free(host->folder);
    free(host);
}

/* --- plugins --- */

tsr_status *tsr_host_settings(const tsr_host *host, const char *settings, tsr_value **out)
{
    *out = NULL;
    if (!settings)
        settings = "";
    TSR_TRY(tsr_source_check_text(settings, SETTINGS));
    return tsr_parse_config(settings, SETTINGS, host->folder, out);
}

tsr_status *tsr_host_instance(const tsr_host *host, tsr_kind kind, const tsr_value *group, tsr_instance **out)
{
    tsr_settings with = { .registry = host->registry, .folder = host->folder };
    tsr_value *resolved = NULL;
    *out = NULL;
    tsr_status *status =
        tsr_settings_plugin(&with, kind, group, tsr_kind_get(kind)->name, NULL, out, &resolved);
    tsr_value_free(resolved);
    return status;
}

tsr_status *tsr_host_plugin(tsr_host *host, tsr_kind kind, const char *name, const char *settings,
                            tsr_instance **out)
{
    *out = NULL;
    if (!tsr_kind_get(kind))
        return tsr_fail(TSR_REFUSED, "%d is no kind of plugin, expected one of tsr_kind", (int)kind);
    tsr_value *group;
    TSR_TRY(tsr_host_settings(host, settings, &group));
    tsr_value *naming = tsr_value_string(name);
    if (naming && tsr_value_origin(group))
        tsr_value_set_origin(naming, group->origin);
    tsr_status *status = tsr_value_put(group, "plugin", naming);
    if (!status)
        status = tsr_host_instance(host, kind, group, out);
    tsr_value_free(group);
    return status;
}

/* --- data --- */

const tsr_dataset_info *tsr_data_info(const tsr_data *data)
{
    return &data->info;
}

tsr_status *tsr_data_read(const tsr_data *data, tsr_split split, size_t n, const size_t *index, float *inputs,
                          int32_t *labels)
{
    if (split != TSR_TRAIN && split != TSR_TEST)
        return tsr_fail(TSR_REFUSED, "%d is no part of a dataset, expected TSR_TRAIN or TSR_TEST",
                        (int)split);
    for (size_t i = 0; i < n; i++)
        if (index[i] >= data->info.n[split])
            return tsr_fail(TSR_REFUSED, "sample %zu is asked for, counted from 0, and there are %zu",
                            index[i], data->info.n[split]);
    const tsr_samples all = { .data = data, .split = split, .n = data->info.n[split] };
    size_t *scratch = tsr_alloc(n, sizeof(*scratch));
    if (!scratch)
        return tsr_no_memory("samples");
    tsr_samples_read(&all, n, index, scratch, inputs, data->info.classes ? labels : NULL);
    free(scratch);
    return NULL;
}
