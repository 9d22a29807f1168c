/* Networks outside of runs: built, or read with what their file says of them. */
#include "host/host.h"
#include "host/numerics.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/shape.h"
#include "base/text.h"
#include "experiment/model_file.h"
#include "experiment/model_metadata.h"
#include "experiment/schema.h"
#include "nn/network.h"
#include "plugin/instance.h"
#include "plugin/kinds.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tessera/model.h>

#define SAFETENSORS "safetensors"

struct tsr_encoder {
    tsr_instance *model; /* of its own; NULL: the caller's */
    tsr_network *network;
    float *mean;     /* that is subtracted; NULL: nothing is */
    uint64_t *units; /* a row of the whole code: the columns that are units'; NULL: not known yet */
};

static tsr_status *build(tsr_encoder *encoder, const tsr_instance *model, tsr_shape shape, int outputs,
                         uint64_t seed)
{
    if (outputs < 1 || tsr_shape_size(shape) == 0)
        return tsr_fail(TSR_REFUSED, "an input of no values or %d outputs, expected 1 or more of both",
                        outputs);
    tsr_guarded before = tsr_instance_enter(model, TSR_CALL_BUILD);
    tsr_status *status = tsr_network_new(model, shape, outputs, seed, &encoder->network);
    tsr_guard_leave(before);
    return status;
}

tsr_status *tsr_encoder_new(const tsr_instance *model, tsr_shape shape, int outputs, uint64_t seed,
                            tsr_encoder **out)
{
    *out = NULL;
    if (tsr_instance_loaded(model)->plugin.kind != TSR_MODEL)
        return tsr_fail(TSR_REFUSED, "%s is no model", tsr_instance_name(model));
    tsr_encoder *encoder = tsr_alloc(1, sizeof(*encoder));
    if (!encoder)
        return tsr_no_memory("a network");
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = build(encoder, model, shape, outputs, seed);
    tsr_numerics_leave(before);
    if (status)
        tsr_encoder_free(encoder);
    else
        *out = encoder;
    return status;
}

void tsr_encoder_free(tsr_encoder *encoder)
{
    if (!encoder)
        return;
    tsr_network_free(encoder->network);
    tsr_instance_free(encoder->model);
    free(encoder->mean);
    free(encoder->units);
    free(encoder);
}

tsr_network *tsr_encoder_network(const tsr_encoder *encoder)
{
    return encoder->network;
}

/* --- from files --- */

/* Where a network comes from, and what is known of it. */
typedef struct source {
    const tsr_host *host;
    const char *path;
    const tsr_value *settings, *otherwise;
    tsr_safetensors *file; /* NULL: of another format */
    tsr_value *config;     /* of the run that saved the file; or NULL */
    tsr_value *model;      /* the group that is built */
} source;

static void source_clear(source *from)
{
    tsr_safetensors_free(from->file);
    tsr_value_free(from->config);
    tsr_value_free(from->model);
}

static tsr_status *check_settings(const tsr_value *settings)
{
    static const char *const keys[] = { "model", "shape", "outputs", "codes", NULL };
    for (size_t i = 0; i < settings->n; i++) {
        const char *const *key = keys;
        while (*key && strcmp(*key, settings->items[i]->key) != 0)
            key++;
        if (!*key)
            return tsr_value_fail(settings->items[i],
                                  "unknown key '%s': expected model, shape, outputs or codes",
                                  settings->items[i]->key);
    }
    return NULL;
}

/* Puts the members of `settings.model`, if there are some, over those of what the file says. */
static tsr_status *add_settings_of_model(source *from)
{
    const tsr_value *given;
    TSR_TRY(tsr_config_group(from->settings, "model", &given));
    for (size_t i = 0; i < tsr_value_length(given); i++)
        TSR_TRY(tsr_value_put(from->model, given->items[i]->key, tsr_value_copy(given->items[i])));
    return NULL;
}

static tsr_status *find_saved_model(source *from)
{
    TSR_TRY(tsr_safetensors_read(from->path, &from->file));
    TSR_TRY(tsr_model_metadata_read(from->file, "config", &from->config));
    const tsr_value *model = tsr_value_member(from->config, "model");
    from->model = model ? tsr_value_copy(model) : tsr_value_group();
    if (!from->model)
        return tsr_no_memory("a model's settings");
    tsr_value_remove(from->model, "weights"); /* which the file holds as they became */
    TSR_TRY(add_settings_of_model(from));
    const tsr_value *other = tsr_value_member(from->otherwise, "model");
    if (from->model->n == 0 && other) {
        tsr_value_free(from->model);
        if (!(from->model = tsr_value_copy(other)))
            return tsr_no_memory("a model's settings");
        tsr_value_set_origin(from->model, other->origin);
        tsr_value_remove(from->model, "weights");
    }
    if (from->model->n == 0)
        return tsr_fail(TSR_REFUSED,
                        "%s: does not say what model it is of: expected settings with model = { plugin = "
                        "\"NAME\"; ... };",
                        from->path);
    return NULL;
}

/* A file of format FORMAT is what the model plugin FORMAT reads, if there is one. */
static tsr_status *find_other_model(source *from)
{
    const char *slash = strrchr(from->path, '/'), *dot = strrchr(slash ? slash : from->path, '.');
    if (!dot || !dot[1] || dot[1 + strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        return tsr_fail(TSR_REFUSED,
                        "%s: expected a model.safetensors, the folder of a run that has one, or a file of "
                        "another format, NAME.FORMAT",
                        from->path);
    from->model = tsr_value_group();
    TSR_TRY(tsr_value_put(from->model, "plugin", tsr_value_string(dot + 1)));
    TSR_TRY(tsr_value_put(from->model, "file", tsr_value_string(from->path)));
    tsr_origin *origin = tsr_origin_new(TSR_ORIGIN_FILE, from->path, 0, from->host->folder);
    if (!origin)
        return tsr_no_memory("a model's settings");
    tsr_value_set_origin(from->model, origin);
    tsr_origin_release(origin);
    return add_settings_of_model(from);
}

static bool ends_in(const char *path, const char *format)
{
    size_t length = strlen(path), n = strlen(format);
    return length > n && path[length - n - 1] == '.' && strcmp(path + length - n, format) == 0;
}

/* --- shape and outputs --- */

static tsr_status *shape_of_value(const tsr_value *value, tsr_shape *out)
{
    size_t n = tsr_value_length(value), size = 1;
    bool good = value->type == TSR_VALUE_LIST && n >= 1 && n <= TSR_MAX_DIMS;
    for (size_t i = 0; good && i < n; i++) {
        const tsr_value *dim = value->items[i];
        good = dim->type == TSR_VALUE_INT && dim->integer >= 1 && dim->integer <= INT_MAX &&
               tsr_checked_multiply(size, (size_t)dim->integer, &size) && size <= INT_MAX;
        if (good)
            out->dims[i] = (size_t)dim->integer;
    }
    out->n_dims = n;
    return good ? NULL
                : tsr_value_fail(value, "shape: expected a list of 1 to %d counts, such as [1, 28, 28]",
                                 TSR_MAX_DIMS);
}

static tsr_status *outputs_of_value(const tsr_value *value, int *out)
{
    if (value->type != TSR_VALUE_INT || value->integer < 1 || value->integer > INT_MAX)
        return tsr_value_fail(value, "outputs: expected a number from 1 to %d", INT_MAX);
    *out = (int)value->integer;
    return NULL;
}

static tsr_status *copy_value(const tsr_value *value, tsr_value **out)
{
    if (!(*out = tsr_value_copy(value)))
        return tsr_no_memory("settings");
    if (tsr_value_origin(value))
        tsr_value_set_origin(*out, (tsr_origin *)(uintptr_t)tsr_value_origin(value));
    return NULL;
}

/* A value of the settings, else of the file; NULL: there is none. */
static tsr_status *find_value(const source *from, const char *key, const char *metadata, tsr_value **out)
{
    const tsr_value *given = tsr_value_member(from->settings, key);
    *out = NULL;
    if (given)
        return copy_value(given, out);
    return from->file ? tsr_model_metadata_read(from->file, metadata, out) : NULL;
}

static tsr_status *missing(const source *from, const char *what, const char *key)
{
    return tsr_fail(TSR_REFUSED, "%s: does not say %s: expected it in the settings, %s", from->path, what,
                    key);
}

/* What is said of both, and takes the place of what was known before. */
static tsr_status *take_sizes(const tsr_value *dims, const tsr_value *number, tsr_shape *shape, int *outputs)
{
    if (dims)
        TSR_TRY(shape_of_value(dims, shape));
    return number ? outputs_of_value(number, outputs) : NULL;
}

/* From the settings or the file, else from the model, else from what else is known. */
static tsr_status *find_sizes(const source *from, const tsr_instance *model, tsr_shape *shape, int *outputs)
{
    tsr_value *dims = NULL, *number = NULL;
    *shape = (tsr_shape){ 0 };
    *outputs = 0;
    TSR_TRY(take_sizes(tsr_value_member(from->otherwise, "shape"),
                       tsr_value_member(from->otherwise, "outputs"), shape, outputs));
    TSR_TRY(tsr_model_sizes(model, shape, outputs));
    tsr_status *status = find_value(from, "shape", "input", &dims);
    if (!status)
        status = find_value(from, "outputs", "outputs", &number);
    if (!status)
        status = take_sizes(dims, number, shape, outputs);
    tsr_value_free(dims);
    tsr_value_free(number);
    TSR_TRY(status);
    if (shape->n_dims == 0)
        return missing(from, "which shape an input has", "shape = [1, 28, 28];");
    return *outputs ? NULL : missing(from, "how many values come out", "outputs = 10;");
}

/* --- making it --- */

/* Chooses the bits that the settings say, else those that the run had. */
static tsr_status *choose_code(const source *from, tsr_network *network)
{
    const tsr_value *root = tsr_value_member(from->settings, "codes") ? from->settings
                            : from->config                            ? from->config
                                                                      : from->otherwise;
    tsr_settings with = { .folder = from->host->folder };
    tsr_codes_settings codes = { 0 };
    tsr_value *said = tsr_value_group();
    tsr_status *status =
        said ? tsr_codes_settings_read(&with, root, &codes, said) : tsr_no_memory("the settings of codes");
    if (!status)
        status = tsr_network_choose_code(network,
                                         &(tsr_code_choice){ .n_layers = codes.n_layers,
                                                             .layers = (const char *const *)codes.layers,
                                                             .by_channel = codes.pool == TSR_POOL_CHANNEL });
    tsr_codes_settings_clear(&codes);
    tsr_value_free(said);
    return status;
}

/* Parameters, constants and the mean. */
static tsr_status *load(const tsr_safetensors *file, tsr_encoder *encoder)
{
    TSR_TRY(tsr_model_file_load(file, encoder->network));
    if (!tsr_model_file_has_mean(file))
        return NULL;
    size_t size = tsr_shape_size(tsr_network_input(encoder->network));
    if (!(encoder->mean = tsr_alloc(size, sizeof(float))))
        return tsr_no_memory("the mean input");
    tsr_model_file_mean(file, size, encoder->mean);
    tsr_network_subtract(encoder->network, encoder->mean);
    return NULL;
}

static tsr_status *make(const source *from, tsr_encoder *encoder)
{
    tsr_shape shape;
    int outputs;
    TSR_TRY(tsr_host_instance(from->host, TSR_MODEL, from->model, &encoder->model));
    TSR_TRY(find_sizes(from, encoder->model, &shape, &outputs));
    TSR_TRY(build(encoder, encoder->model, shape, outputs, 0));
    TSR_TRY(choose_code(from, encoder->network));
    return from->file ? load(from->file, encoder) : NULL;
}

static tsr_status *open_from(source *from, tsr_encoder *encoder)
{
    TSR_TRY(check_settings(from->settings));
    TSR_TRY(ends_in(from->path, SAFETENSORS) ? find_saved_model(from) : find_other_model(from));
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = make(from, encoder);
    tsr_numerics_leave(before);
    return status;
}

/* A folder stands for the model that a run has saved in it. free() *out. */
static tsr_status *find_file(const char *path, char **out)
{
    struct stat info;
    *out = NULL;
    if (stat(path, &info) != 0)
        return tsr_fail(TSR_REFUSED, "%s: cannot be read: %s", path, strerror(errno));
    *out = S_ISDIR(info.st_mode) ? tsr_path_join(path, "model." SAFETENSORS) : strdup(path);
    return *out ? NULL : tsr_no_memory("a path");
}

tsr_status *tsr_encoder_open_with(const tsr_host *host, const char *path, const tsr_value *settings,
                                  const tsr_value *otherwise, tsr_encoder **out)
{
    *out = NULL;
    char *file;
    TSR_TRY(find_file(path, &file));
    tsr_encoder *encoder = tsr_alloc(1, sizeof(*encoder));
    source from = { .host = host, .path = file, .settings = settings, .otherwise = otherwise };
    tsr_status *status = encoder ? open_from(&from, encoder) : tsr_no_memory("a network");
    source_clear(&from);
    free(file);
    if (status)
        tsr_encoder_free(encoder);
    else
        *out = encoder;
    return status;
}

tsr_status *tsr_encoder_open(tsr_host *host, const char *path, const char *settings, tsr_encoder **out)
{
    tsr_value *group;
    *out = NULL;
    TSR_TRY(tsr_host_settings(host, settings, &group));
    tsr_status *status = tsr_encoder_open_with(host, path, group, NULL, out);
    tsr_value_free(group);
    return status;
}

/* --- using it --- */

static tsr_status *find_units(tsr_encoder *encoder, const tsr_codes *whole)
{
    size_t none = tsr_network_n_layers(encoder->network);
    if (encoder->units)
        return NULL;
    if (!(encoder->units = tsr_alloc(tsr_codes_used_words(whole), sizeof(*encoder->units))))
        return tsr_no_memory("a code");
    for (size_t j = 0; j < whole->bits; j++)
        if (tsr_network_column(encoder->network, j).layer != none)
            encoder->units[j / 64] |= UINT64_C(1) << j % 64;
    return NULL;
}

tsr_status *tsr_encoder_encode(tsr_encoder *encoder, size_t n, const float *inputs, tsr_codes **out)
{
    tsr_codes *whole = NULL;
    *out = NULL;
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = tsr_network_encode(encoder->network, n, inputs, &whole);
    if (!status)
        status = find_units(encoder, whole);
    if (!status)
        status = tsr_codes_columns(whole, encoder->units, out);
    tsr_numerics_leave(before);
    tsr_codes_free(whole);
    return status;
}

tsr_status *tsr_encoder_see(tsr_encoder *encoder, size_t n, const float *inputs, tsr_layer_function *see,
                            void *context, float *outputs, tsr_codes **codes)
{
    tsr_codes *whole = NULL;
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status =
        tsr_network_see(encoder->network, n, inputs, see, context, outputs, codes ? &whole : NULL);
    if (!status && codes)
        status = find_units(encoder, whole);
    if (!status && codes)
        status = tsr_codes_columns(whole, encoder->units, codes);
    tsr_numerics_leave(before);
    tsr_codes_free(whole);
    return status;
}

tsr_status *tsr_encoder_predict(tsr_encoder *encoder, size_t n, const float *inputs, float *outputs)
{
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = tsr_network_predict(encoder->network, n, inputs, outputs);
    tsr_numerics_leave(before);
    return status;
}

tsr_status *tsr_encoder_values(tsr_encoder *encoder, size_t layer, size_t n, const float *inputs,
                               float *values)
{
    size_t layers = tsr_network_n_layers(encoder->network);
    if (layer >= layers)
        return tsr_fail(TSR_REFUSED, "layer %zu is asked for, counted from 0, and there are %zu", layer,
                        layers);
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = tsr_network_values(encoder->network, layer, n, inputs, values);
    tsr_numerics_leave(before);
    return status;
}
