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
#define LAYERS_TOGETHER 64 /* files of values that are written at a time */

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

/* A file of numbers of each example, whose .npy header is written. */
static tsr_status *begin_numbers(const encoding *e, int part, size_t width, const char *folder,
                                 tsr_new_file *out)
{
    char *path = folder ? tsr_format("%s/%s.npy", folder, parts[part]) : NULL;
    tsr_status *status = path ? tsr_make_folder(folder) : tsr_no_memory("a path");
    if (!status)
        status = tsr_new_file_open(path, out);
    if (!status)
        tsr_npy_write_header(out->stream, TSR_ELEMENT_FLOAT32, 2, (size_t[]){ e->data->info.n[part], width });
    free(path);
    return status;
}

/* What is taken from one pass over a part. */
typedef struct taking {
    tsr_codes *codes; /* of all examples, where has_codes */
    bool has_codes;
    int32_t *labels;             /* or NULL */
    float *logits;               /* of a batch, or NULL */
    size_t first_layer, n_files; /* layers whose values are written; logits' file comes behind them */
    tsr_new_file files[LAYERS_TOGETHER + 1];
} taking;

static void write_layer(void *context, const tsr_layer_values *layer)
{
    const taking *t = context;
    size_t file = layer->number - t->first_layer, n_layers = t->n_files - (t->logits != NULL);
    if (layer->number >= t->first_layer && file < n_layers)
        fwrite(layer->x, sizeof(float), layer->n * layer->width, t->files[file].stream);
}

static tsr_status *pass(encoding *e, int part, taking *t)
{
    size_t n = e->data->info.n[part], width = (size_t)tsr_network_outputs(e->network);
    for (size_t first = 0; first < n; first += BATCH) {
        size_t count = batch_at(e, part, first);
        tsr_codes *batch = NULL;
        TSR_TRY(read_batch(e, part, first, count, t->labels ? t->labels + first : NULL));
        TSR_TRY(tsr_encoder_see(e->encoder, count, e->inputs, write_layer, t, t->logits,
                                t->has_codes ? &batch : NULL));
        tsr_status *status = batch ? append(&t->codes, n, first, batch) : NULL;
        tsr_codes_free(batch);
        TSR_TRY(status);
        if (t->logits)
            fwrite(t->logits, sizeof(float), count * width, t->files[t->n_files - 1].stream);
    }
    return NULL;
}

/* The files of some layers, then that of logits. */
static tsr_status *open_files(const encoding *e, int part, size_t n_layers, taking *t)
{
    for (size_t i = 0; i < n_layers + (t->logits != NULL); i++) {
        size_t layer = t->first_layer + i;
        tsr_layer_info info = { .units = (size_t)tsr_network_outputs(e->network), .positions = 1 };
        if (i < n_layers)
            info = tsr_network_layer(e->network, layer);
        char *folder = i < n_layers ? folder_of_layer(e, layer) : tsr_path_join(e->folder, "logits");
        tsr_status *status = begin_numbers(e, part, info.units * info.positions, folder, &t->files[i]);
        free(folder);
        TSR_TRY(status);
        t->n_files++;
    }
    return NULL;
}

/* Keeps the files, or drops them after a failure. */
static tsr_status *close_files(taking *t, tsr_status *status)
{
    for (size_t i = 0; i < t->n_files; i++)
        if (status)
            tsr_new_file_drop(&t->files[i]);
        else
            status = tsr_new_file_keep(&t->files[i]);
    return status;
}

static tsr_status *write_codes(const encoding *e, int part, const taking *t)
{
    char *path = tsr_format("%s/codes/%s.npy", e->folder, parts[part]),
         *labels_path = tsr_format("%s/codes/%s_labels.npy", e->folder, parts[part]);
    tsr_status *status = path && labels_path ? tsr_npy_write_codes(path, t->codes) : tsr_no_memory("codes");
    if (!status && t->labels)
        status = tsr_npy_write_labels(labels_path, t->codes->n, t->labels);
    free(path);
    free(labels_path);
    return status;
}

/* In one pass, and one more for each LAYERS_TOGETHER further layers whose values are wanted. */
static tsr_status *write_part(encoding *e, const tsr_encoding_options *options, int part)
{
    size_t left = options->values ? tsr_network_n_layers(e->network) : 0, size;
    taking t = { .has_codes = true };
    bool fits = tsr_checked_multiply((size_t)tsr_network_outputs(e->network), BATCH, &size);
    int32_t *labels = e->data->info.classes ? tsr_alloc(e->data->info.n[part], sizeof(*labels)) : NULL;
    float *logits = options->logits && fits ? tsr_alloc(size, sizeof(*logits)) : NULL;
    tsr_status *status =
        (!e->data->info.classes || labels) && (!options->logits || logits) ? NULL : tsr_no_memory("codes");
    t.labels = labels;
    t.logits = logits;
    do {
        size_t n_layers = left < LAYERS_TOGETHER ? left : LAYERS_TOGETHER;
        if (!status)
            status = open_files(e, part, n_layers, &t);
        if (!status)
            status = pass(e, part, &t);
        status = close_files(&t, status);
        if (!status && t.has_codes)
            status = write_codes(e, part, &t);
        tsr_codes_free(t.codes);
        left -= n_layers;
        t = (taking){ .first_layer = t.first_layer + n_layers };
    } while (!status && left);
    free(labels);
    free(logits);
    return status;
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
        TSR_TRY(write_part(e, options, part));
    return NULL;
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
