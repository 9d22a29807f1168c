/* Foreign codes: read, checked, measured, kept. */
#include "host/foreign.h"
#include "host/host.h"
#include "host/output_folder.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "codes/extract.h"
#include "codes/npy.h"
#include "config/settings.h"
#include "experiment/experiment.h"
#include "experiment/plugins.h"
#include "experiment/validate.h"
#include "plugin/kinds.h"
#include "report/csv.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/host.h>
#include <unistd.h>

enum { TRAIN, TEST };

/* --- settings --- */

typedef struct own_settings {
    int64_t seed;
    bool allow_unsafe_plugins;
} own_settings;

static const tsr_key own_keys[] = {
    TSR_KEY_INT(own_settings, seed, 1, 0, INT64_MAX, "of the probes' random numbers"),
    TSR_KEY_BOOL(own_settings, allow_unsafe_plugins, false,
                 "load plugins too that others than the user and root may write"),
    TSR_KEY_END
};
static const char *const others[] = { "probes", "plugin_path", NULL };

static tsr_status *read_settings(const tsr_value *root, tsr_foreign *out)
{
    own_settings own;
    tsr_value *path = NULL;
    tsr_settings with = { .folder = tsr_value_origin(root)->folder };
    if (!(out->resolved = tsr_value_group()))
        return tsr_no_memory("settings");
    TSR_TRY(tsr_settings_read(&with, own_keys, root, "tessera probe", others, &own, out->resolved));
    out->seed = (uint64_t)own.seed;
    TSR_TRY(tsr_plugin_path_read(root, &path));
    tsr_status *status = tsr_plugin_path_open(path, own.allow_unsafe_plugins, &out->registry);
    tsr_value_free(path);
    with.registry = out->registry;
    if (!status)
        status =
            tsr_plugins_read(&with, TSR_PROBE, root, "probes", &out->probes, &out->n_probes, out->resolved);
    TSR_TRY(status);
    if (out->n_probes == 0)
        return tsr_fail(TSR_USAGE, "no probes are given: expected -s 'probes=(\"redundancy\", ...)'");
    return tsr_probes_check_labels(out->n_probes, out->probes, tsr_value_member(root, "probes"));
}

/* --- files --- */

/* Whether some element is neither 0 nor 1: then a byte holds more than one bit. */
static bool has_more_than_bits(const tsr_array *array)
{
    enum { CHUNK = 4096 };
    float values[CHUNK];
    size_t size = tsr_array_size(array);
    for (size_t first = 0; first < size; first += CHUNK) {
        size_t n = size - first < CHUNK ? size - first : CHUNK;
        tsr_array_floats(array, first, n, values);
        for (size_t i = 0; i < n; i++)
            if (values[i] > 1)
                return true;
    }
    return false;
}

/* Bytes are packed bits where their number is told, or where they are seen to be in either part. */
static bool are_packed(const tsr_foreign_files *files, tsr_array *const arrays[2])
{
    if (files->bits || files->highest_first)
        return true;
    if (files->has_threshold || arrays[TRAIN]->element != TSR_ELEMENT_UINT8 ||
        arrays[TEST]->element != TSR_ELEMENT_UINT8)
        return false;
    return has_more_than_bits(arrays[TRAIN]) || has_more_than_bits(arrays[TEST]);
}

static tsr_status *take_codes(const tsr_foreign_files *files, tsr_array *const arrays[2], tsr_foreign *out)
{
    const tsr_codes_form form = { .packed = are_packed(files, arrays),
                                  .highest_first = files->highest_first,
                                  .bits = files->bits,
                                  .has_threshold = files->has_threshold,
                                  .threshold = files->threshold };
    for (int part = 0; part < 2; part++)
        TSR_TRY(tsr_context(tsr_codes_from_array(arrays[part], &form, &out->codes[part]), "%s",
                            files->codes[part]));
    return NULL;
}

static tsr_status *read_codes(const tsr_foreign_files *files, tsr_foreign *out)
{
    tsr_array *arrays[2] = { NULL, NULL };
    tsr_status *status = tsr_npy_open(files->codes[TRAIN], &arrays[TRAIN]);
    if (!status)
        status = tsr_npy_open(files->codes[TEST], &arrays[TEST]);
    if (!status)
        status = take_codes(files, arrays, out);
    for (int part = 0; part < 2; part++)
        tsr_array_free(arrays[part]);
    TSR_TRY(status);
    for (int part = 0; part < 2; part++)
        if (out->codes[part]->n == 0)
            return tsr_fail(TSR_REFUSED, "%s: has no rows, expected one for each example",
                            files->codes[part]);
    if (out->codes[TRAIN]->bits != out->codes[TEST]->bits)
        return tsr_fail(TSR_REFUSED, "%s: codes have %zu bits, expected %zu as in %s", files->codes[TEST],
                        out->codes[TEST]->bits, out->codes[TRAIN]->bits, files->codes[TRAIN]);
    return tsr_drop_constant(out->codes[TRAIN], out->codes[TEST], NULL);
}

static tsr_status *read_labels(const char *path, const char *codes_path, size_t n, int32_t **out)
{
    tsr_array *array;
    TSR_TRY(tsr_npy_open(path, &array));
    tsr_status *status = NULL;
    if (array->n_dims == 1 && array->dims[0] != n)
        status = tsr_fail(TSR_REFUSED, "has %zu labels, expected %zu, one for each row of %s", array->dims[0],
                          n, codes_path);
    if (!status)
        status = tsr_labels_from_array(array, TSR_MAX_CLASSES - 1, out);
    tsr_array_free(array);
    return tsr_context(status, "%s", path);
}

static tsr_status *read_files(const tsr_foreign_files *files, tsr_foreign *out)
{
    TSR_TRY(read_codes(files, out));
    for (int part = 0; part < 2 && files->labels[part]; part++)
        TSR_TRY(
            read_labels(files->labels[part], files->codes[part], out->codes[part]->n, &out->labels[part]));
    return NULL;
}

/* --- all of it --- */

static tsr_probe_input input_of(const tsr_foreign *foreign, size_t place, const char *folder)
{
    return (tsr_probe_input){ .train = foreign->codes[TRAIN],
                              .test = foreign->codes[TEST],
                              .train_labels = foreign->labels[TRAIN],
                              .test_labels = foreign->labels[TEST],
                              .seed = foreign->seed,
                              .place = place,
                              .folder = folder };
}

/* What was measured belongs to what results are of. */
static tsr_status *resolve_files(const tsr_foreign_files *files, tsr_value *resolved)
{
    static const char *const parts[] = { "train", "test" };
    for (int part = 0; part < 2; part++) {
        tsr_value *list = tsr_value_list();
        char *codes = NULL, *labels = NULL;
        tsr_status *status = tsr_value_put(resolved, parts[part], list);
        if (!status)
            status = tsr_path_absolute(files->codes[part], &codes);
        if (!status)
            status = tsr_value_append(list, tsr_value_string(codes));
        if (!status && files->labels[part])
            status = tsr_path_absolute(files->labels[part], &labels);
        if (!status && labels)
            status = tsr_value_append(list, tsr_value_string(labels));
        free(codes);
        free(labels);
        TSR_TRY(status);
    }
    return NULL;
}

tsr_status *tsr_foreign_read(const tsr_foreign_files *files, const tsr_value *settings, tsr_foreign *out)
{
    *out = (tsr_foreign){ 0 };
    TSR_TRY(read_settings(settings, out));
    TSR_TRY(resolve_files(files, out->resolved));
    TSR_TRY(read_files(files, out));
    if (!(out->metrics = tsr_alloc(out->n_probes, sizeof(*out->metrics))))
        return tsr_no_memory("metrics");
    for (size_t i = 0; i < out->n_probes; i++) {
        const tsr_probe_input input = input_of(out, i, NULL);
        TSR_TRY(tsr_host_probe_check(out->probes[i], &input));
    }
    return NULL;
}

void tsr_foreign_clear(tsr_foreign *foreign)
{
    for (size_t i = 0; i < foreign->n_probes; i++) {
        if (foreign->metrics)
            tsr_metrics_free(foreign->metrics[i]);
        tsr_instance_free(foreign->probes[i]);
    }
    free(foreign->metrics);
    free(foreign->probes);
    for (int part = 0; part < 2; part++) {
        tsr_codes_free(foreign->codes[part]);
        free(foreign->labels[part]);
    }
    tsr_registry_free(foreign->registry);
    tsr_value_free(foreign->resolved);
    *foreign = (tsr_foreign){ 0 };
}

/* --- measuring --- */

/* A probe's own folder below DIR/probes, which goes away if it stays empty. */
static tsr_status *measure_one(tsr_foreign *foreign, size_t i, const char *folder)
{
    char *own = folder ? tsr_format("%s/probes/%s", folder, tsr_probe_label(foreign->probes[i])) : NULL;
    if (folder && !own)
        return tsr_no_memory("a path");
    tsr_status *status = own ? tsr_make_folder(own) : NULL;
    const tsr_probe_input input = input_of(foreign, i, own);
    if (!status)
        status = tsr_host_probe(foreign->probes[i], &input, &foreign->metrics[i]);
    if (own && rmdir(own) == 0) {
        *strrchr(own, '/') = '\0';
        rmdir(own);
    }
    free(own);
    return status;
}

/* As a run's results.csv has them, in one row. */
static tsr_status *write_results(const tsr_foreign *foreign, const char *folder)
{
    tsr_text names = { 0 }, row = { 0 };
    tsr_text_add(&names, "seed,code.bits");
    tsr_text_add(&row, "%llu,%zu", (unsigned long long)foreign->seed, foreign->codes[TRAIN]->bits);
    for (size_t i = 0; i < foreign->n_probes; i++)
        for (size_t j = 0; foreign->metrics[i] && j < tsr_metrics_count(foreign->metrics[i]); j++) {
            tsr_metric_value metric = tsr_metrics_get(foreign->metrics[i], j);
            tsr_text_add(&names, ",%s.%s", tsr_metrics_label(foreign->metrics[i]), metric.name);
            tsr_text_add(&row, ",");
            tsr_csv_add_real(metric.value, &row);
        }
    tsr_text_add(&names, "\n%s\n", row.chars ? row.chars : "");
    char *path = tsr_path_join(folder, "results.csv");
    tsr_status *status = names.failed || row.failed || !path
                             ? tsr_no_memory("results.csv")
                             : tsr_write_file(path, names.chars, names.length);
    free(path);
    free(names.chars);
    free(row.chars);
    return status;
}

tsr_status *tsr_foreign_measure(tsr_foreign *foreign, const char *folder, const char *shown)
{
    static const char *const names[] = { "results.csv", "probes", NULL };
    if (folder)
        TSR_TRY(tsr_output_folder_begin(folder, shown, names, "probe", foreign->resolved));
    for (size_t i = 0; i < foreign->n_probes; i++) {
        tsr_status *failure = measure_one(foreign, i, folder);
        if (!failure)
            continue;
        foreign->n_failed++;
        tsr_log_error("%s", tsr_status_message(failure));
        tsr_status_free(failure);
    }
    return folder ? write_results(foreign, folder) : NULL;
}
