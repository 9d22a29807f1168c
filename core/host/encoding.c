/* Encoding a dataset: batch after batch goes through the network, and what comes out into files. */
#include "host/encoding.h"
#include "host/host.h"
#include "host/output_folder.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/shape.h"
#include "base/text.h"
#include "codes/npy.h"
#include "config/settings.h"
#include "data/array.h"
#include "data/samples.h"
#include "experiment/plugins.h"
#include "report/csv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 256

typedef struct encoding {
    tsr_host host;
    tsr_instance *dataset;
    tsr_data *data;
    tsr_encoder *encoder;
    tsr_network *network;
    tsr_value *resolved; /* the dataset */
    float *inputs;       /* of a batch */
    const char *folder;
} encoding;

static const char *const parts[] = { "train", "test" };

/* --- opening --- */

/* What the data say of the network, as settings have it. */
static tsr_status *sizes_of_data(const tsr_data *data, tsr_value *out)
{
    tsr_value *shape = tsr_value_list();
    TSR_TRY(tsr_value_put(out, "shape", shape));
    for (size_t i = 0; i < data->info.shape.n_dims; i++)
        TSR_TRY(tsr_value_append(shape, tsr_value_int((int64_t)data->info.shape.dims[i])));
    return data->info.classes ? tsr_value_put(out, "outputs", tsr_value_int(data->info.classes)) : NULL;
}

static tsr_status *find_otherwise(const tsr_value *config, const tsr_data *data, tsr_value *out)
{
    static const char *const keys[] = { "model", "codes" };
    TSR_TRY(sizes_of_data(data, out));
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const tsr_value *given = tsr_value_member(config, keys[i]);
        if (given)
            TSR_TRY(tsr_value_put(out, keys[i], tsr_value_copy(given)));
    }
    return NULL;
}

static tsr_status *open_encoder(const tsr_value *config, const char *model, encoding *e)
{
    tsr_value *settings = tsr_value_group(), *otherwise = tsr_value_group();
    tsr_status *status =
        settings && otherwise ? find_otherwise(config, e->data, otherwise) : tsr_no_memory("settings");
    if (!status)
        status = tsr_encoder_open_with(&e->host, model, settings, otherwise, &e->encoder);
    tsr_value_free(settings);
    tsr_value_free(otherwise);
    TSR_TRY(status);
    e->network = tsr_encoder_network(e->encoder);
    if (tsr_shape_size(tsr_network_input(e->network)) == tsr_shape_size(e->data->info.shape))
        return NULL;
    char takes[TSR_SHAPE_TEXT], gives[TSR_SHAPE_TEXT];
    tsr_shape_format(tsr_network_input(e->network), takes, sizeof(takes));
    tsr_shape_format(e->data->info.shape, gives, sizeof(gives));
    return tsr_fail(TSR_REFUSED, "%s: its network takes inputs of %s, and dataset %s gives %s", model, takes,
                    tsr_instance_name(e->dataset), gives);
}

static tsr_status *open_all(const tsr_value *config, const char *model, encoding *e)
{
    const tsr_value *group = tsr_value_member(config, "dataset"),
                    *unsafe = tsr_value_member(config, "allow_unsafe_plugins");
    tsr_settings with = { .folder = tsr_value_origin(config)->folder };
    tsr_value *path;
    if (!group)
        return tsr_value_fail(config, "'dataset' is missing: expected dataset = { plugin = \"NAME\"; ... };");
    TSR_TRY(tsr_plugin_path_read(config, &path));
    tsr_status *status = tsr_plugin_path_open(path, tsr_value_is(unsafe, TSR_VALUE_BOOL) && unsafe->boolean,
                                              &e->host.registry);
    tsr_value_free(path);
    TSR_TRY(status);
    with.registry = e->host.registry;
    if (!(e->host.folder = getcwd(NULL, 0)))
        return tsr_fail(TSR_IO, "cannot get the working folder");
    TSR_TRY(tsr_settings_plugin(&with, TSR_DATASET, group, "dataset", NULL, &e->dataset, &e->resolved));
    status = tsr_context(tsr_data_open(e->dataset, &e->data), "dataset %s", tsr_instance_name(e->dataset));
    TSR_TRY(tsr_value_context(group, status));
    TSR_TRY(open_encoder(config, model, e));
    size_t size;
    if (!tsr_checked_multiply(tsr_shape_size(e->data->info.shape), BATCH, &size) ||
        !(e->inputs = tsr_alloc(size, sizeof(float))))
        return tsr_no_memory("inputs");
    return NULL;
}

static void clear(encoding *e)
{
    free(e->inputs);
    tsr_encoder_free(e->encoder);
    tsr_data_close(e->data);
    tsr_instance_free(e->dataset);
    tsr_value_free(e->resolved);
    tsr_registry_free(e->host.registry);
    free(e->host.folder);
}

/* --- writing --- */

/* The inputs and labels (NULL: not wanted) of examples first .. first + n - 1, n at most BATCH. */
static tsr_status *read_batch(encoding *e, int part, size_t first, size_t n, int32_t *labels)
{
    size_t index[BATCH];
    for (size_t i = 0; i < n; i++)
        index[i] = first + i;
    return tsr_data_read(e->data, (tsr_split)part, n, index, e->inputs, labels);
}

static size_t batch_at(const encoding *e, int part, size_t first)
{
    size_t left = e->data->info.n[part] - first;
    return left < BATCH ? left : BATCH;
}

/* The codes of a batch go behind those before. */
static tsr_status *append(tsr_codes **all, size_t n, size_t first, const tsr_codes *batch)
{
    if (!*all)
        TSR_TRY(tsr_codes_new(n, batch->bits, all));
    memcpy((*all)->words + first * (*all)->stride, batch->words, batch->n * batch->stride * sizeof(uint64_t));
    return NULL;
}

static tsr_status *encode_part(encoding *e, int part, tsr_codes **codes, int32_t *labels)
{
    size_t n = e->data->info.n[part];
    for (size_t first = 0; first < n; first += BATCH) {
        size_t count = batch_at(e, part, first);
        tsr_codes *batch;
        TSR_TRY(read_batch(e, part, first, count, labels ? labels + first : NULL));
        TSR_TRY(tsr_encoder_encode(e->encoder, count, e->inputs, &batch));
        tsr_status *status = append(codes, n, first, batch);
        tsr_codes_free(batch);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *write_codes(encoding *e, int part)
{
    size_t n = e->data->info.n[part];
    tsr_codes *codes = NULL;
    int32_t *labels = e->data->info.classes ? tsr_alloc(n, sizeof(*labels)) : NULL;
    char *path = tsr_format("%s/codes/%s.npy", e->folder, parts[part]),
         *labels_path = tsr_format("%s/codes/%s_labels.npy", e->folder, parts[part]);
    tsr_status *status = path && labels_path && (labels || !e->data->info.classes)
                             ? encode_part(e, part, &codes, labels)
                             : tsr_no_memory("codes");
    if (!status)
        status = tsr_npy_write_codes(path, codes);
    if (!status && labels)
        status = tsr_npy_write_labels(labels_path, n, labels);
    tsr_codes_free(codes);
    free(labels);
    free(path);
    free(labels_path);
    return status;
}

/* Numbers of each example: a layer's, or, where it is none of them, logits. */
static tsr_status *numbers(encoding *e, size_t layer, size_t n, float *out)
{
    return layer < tsr_network_n_layers(e->network) ? tsr_encoder_values(e->encoder, layer, n, e->inputs, out)
                                                    : tsr_encoder_predict(e->encoder, n, e->inputs, out);
}

static tsr_status *stream_numbers(encoding *e, int part, size_t layer, size_t width, float *batch,
                                  FILE *stream)
{
    size_t n = e->data->info.n[part];
    tsr_npy_write_header(stream, TSR_ELEMENT_FLOAT32, 2, (size_t[]){ n, width });
    for (size_t first = 0; first < n; first += BATCH) {
        size_t count = batch_at(e, part, first);
        TSR_TRY(read_batch(e, part, first, count, NULL));
        TSR_TRY(numbers(e, layer, count, batch));
        fwrite(batch, sizeof(float), count * width, stream);
    }
    return NULL;
}

static tsr_status *write_numbers(encoding *e, int part, size_t layer, size_t width, const char *folder)
{
    size_t size;
    float *batch = tsr_checked_multiply(width, BATCH, &size) ? tsr_alloc(size, sizeof(*batch)) : NULL;
    char *path = tsr_format("%s/%s.npy", folder, parts[part]);
    tsr_new_file file;
    tsr_status *status = batch && path ? tsr_make_folder(folder) : tsr_no_memory("values");
    if (!status)
        status = tsr_new_file_open(path, &file);
    if (!status) {
        status = stream_numbers(e, part, layer, width, batch, file.stream);
        if (status)
            tsr_new_file_drop(&file);
        else
            status = tsr_new_file_keep(&file);
    }
    free(batch);
    free(path);
    return status;
}

static tsr_status *write_logits(encoding *e)
{
    size_t none = tsr_network_n_layers(e->network), width = (size_t)tsr_network_outputs(e->network);
    char *folder = tsr_path_join(e->folder, "logits");
    tsr_status *status = folder ? NULL : tsr_no_memory("a path");
    for (int part = 0; part < 2 && !status; part++)
        status = write_numbers(e, part, none, width, folder);
    free(folder);
    return status;
}

/* A layer's name as one of a folder, with its number, which tells apart what becomes alike. */
static char *folder_of_layer(const encoding *e, size_t layer)
{
    char *name = strdup(tsr_network_layer(e->network, layer).name);
    for (char *c = name; c && *c; c++)
        if (*c == '/' || (unsigned char)*c < ' ')
            *c = '_';
    char *folder = name ? tsr_format("%s/values/%zu-%s", e->folder, layer, name) : NULL;
    free(name);
    return folder;
}

static tsr_status *write_values(encoding *e)
{
    for (size_t layer = 0; layer < tsr_network_n_layers(e->network); layer++) {
        tsr_layer_info info = tsr_network_layer(e->network, layer);
        char *folder = folder_of_layer(e, layer);
        tsr_status *status = folder ? NULL : tsr_no_memory("a path");
        for (int part = 0; part < 2 && !status; part++)
            status = write_numbers(e, part, layer, info.units * info.positions, folder);
        free(folder);
        TSR_TRY(status);
    }
    return NULL;
}

/* The columns of the codes: breakpoint after breakpoint of layer after layer. */
static tsr_status *write_layers(const encoding *e)
{
    tsr_text text = { 0 };
    size_t first = 0;
    tsr_text_add(&text, "layer,name,first,bits,units,channels,positions,breakpoints\n");
    for (size_t i = 0; i < tsr_network_n_layers(e->network); i++) {
        tsr_layer_info info = tsr_network_layer(e->network, i);
        size_t bits = info.units * info.n_breakpoints;
        tsr_text_add(&text, "%zu,", i);
        tsr_csv_add_text(info.name, &text);
        tsr_text_add(&text, ",%zu,%zu,%zu,%zu,%zu,%zu\n", first, bits, info.units, info.channels,
                     info.positions, info.n_breakpoints);
        first += bits;
    }
    char *path = tsr_path_join(e->folder, "layers.csv");
    tsr_status *status =
        text.failed || !path ? tsr_no_memory("layers.csv") : tsr_write_file(path, text.chars, text.length);
    free(path);
    free(text.chars);
    return status;
}

static tsr_status *begin_folder(const encoding *e, const char *model, const char *shown)
{
    static const char *const names[] = { "codes", "logits", "values", "layers.csv", NULL };
    char *absolute = NULL, *codes = tsr_path_join(e->folder, "codes");
    tsr_value *root = tsr_value_group();
    tsr_status *status = codes && root ? tsr_path_absolute(model, &absolute) : tsr_no_memory("a folder");
    if (!status)
        status = tsr_value_put(root, "encoded_by", tsr_value_string(absolute));
    if (!status)
        status = tsr_value_put(root, "dataset", tsr_value_copy(e->resolved));
    if (!status)
        status = tsr_output_folder_begin(e->folder, shown, names, "encode", root);
    if (!status)
        status = tsr_make_folder(codes);
    tsr_value_free(root);
    free(absolute);
    free(codes);
    return status;
}

static tsr_status *write_all(encoding *e, const tsr_encoding_options *options, const char *shown)
{
    if (tsr_network_n_layers(e->network) == 0)
        return tsr_fail(TSR_REFUSED, "%s: its network has no layer that gives bits", options->model);
    TSR_TRY(begin_folder(e, options->model, shown));
    TSR_TRY(write_layers(e));
    for (int part = 0; part < 2; part++)
        TSR_TRY(write_codes(e, part));
    if (options->logits)
        TSR_TRY(write_logits(e));
    return options->values ? write_values(e) : NULL;
}

tsr_status *tsr_encoding_write(const tsr_value *config, const tsr_encoding_options *options,
                               const char *folder, const char *shown)
{
    encoding e = { .folder = folder };
    tsr_status *status = open_all(config, options->model, &e);
    if (!status)
        status = write_all(&e, options, shown);
    clear(&e);
    return status;
}
