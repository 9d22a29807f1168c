/* The arrays of a model's file, written from a network and read into one, whose names and shapes must be the
   same. */
#include "experiment/model_file.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/model_metadata.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"
#define MEAN "input.mean" /* no parameter's: "input" is the name of the input's node */
#define MAX_NAMES 5       /* that a message lists */
#define MAX_SHAPE 200     /* that a message shows */

/* An array that the network keeps. */
typedef struct kept_array {
    const char *name;
    size_t n_dims, dims[TSR_MAX_DIMS], n;
    float *values;
} kept_array;

/* Parameters, and then running statistics: what a network is given. */
static size_t count_arrays(const tsr_network *network)
{
    return tsr_network_n_tensors(network) + tsr_network_n_states(network);
}

static kept_array array_of(const tsr_network *network, size_t i)
{
    size_t n_tensors = tsr_network_n_tensors(network);
    if (i >= n_tensors) {
        const tsr_network_state *state = tsr_network_get_state(network, i - n_tensors);
        return (kept_array){
            .name = state->name, .n_dims = 1, .dims = { state->n }, .n = state->n, .values = state->values
        };
    }
    const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
    kept_array array = { .name = tensor->parameter.name,
                         .n_dims = tensor->parameter.n_dims,
                         .n = tensor->parameter.n,
                         .values = tensor->values };
    memcpy(array.dims, tensor->parameter.dims, sizeof(array.dims));
    return array;
}

/* The mean input, as the network would have it; its values are NULL where nothing is subtracted. */
static kept_array mean_of(const tsr_network *network)
{
    tsr_shape shape = tsr_network_input(network);
    kept_array array = { .name = MEAN,
                         .n_dims = shape.n_dims,
                         .n = tsr_shape_size(shape),
                         .values = (float *)(uintptr_t)tsr_network_subtracted(network) };
    memcpy(array.dims, shape.dims, shape.n_dims * sizeof(*shape.dims));
    return array;
}

/* Writing. */

static void add_tensor(json_t *header, const kept_array *array, size_t *offset)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < array->n_dims; i++)
        json_array_append_new(shape, json_integer((json_int_t)array->dims[i]));
    size_t end = *offset + array->n * sizeof(float);
    json_object_set_new(header, array->name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                  (json_int_t)*offset, (json_int_t)end));
    *offset = end;
}

static json_t *make_header(const tsr_network *network, const tsr_value *config)
{
    json_t *header = json_object();
    json_object_set_new(header, METADATA, tsr_model_metadata_make(network, config));
    size_t offset = 0;
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        add_tensor(header, &array, &offset);
    }
    kept_array mean = mean_of(network);
    if (mean.values)
        add_tensor(header, &mean, &offset);
    return header;
}

static void write_arrays(const tsr_network *network, FILE *stream)
{
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        fwrite(array.values, sizeof(float), array.n, stream);
    }
    kept_array mean = mean_of(network);
    if (mean.values)
        fwrite(mean.values, sizeof(float), mean.n, stream);
}

tsr_status *tsr_model_file_write(const char *path, const tsr_network *network, const tsr_value *config)
{
    json_t *header = make_header(network, config);
    char *text = header ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text)
        return tsr_no_memory(path);
    tsr_new_file file;
    tsr_status *status = tsr_new_file_open(path, &file);
    if (status) {
        free(text);
        return status;
    }
    size_t length = strlen(text), padding = (8 - length % 8) % 8;
    uint64_t prefix = htole64(length + padding);
    fwrite(&prefix, sizeof(prefix), 1, file.stream);
    fwrite(text, 1, length, file.stream);
    fwrite("        ", 1, padding, file.stream);
    free(text);
    write_arrays(network, file.stream);
    return tsr_new_file_keep(&file);
}

/* Names and shapes. */

static bool network_has(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < count_arrays(network); i++)
        if (strcmp(array_of(network, i).name, name) == 0)
            return true;
    return strcmp(name, MEAN) == 0;
}

/* Names for a message: the first few, and that there are more. */
typedef struct name_list {
    tsr_text text;
    size_t n;
} name_list;

static void add_name(name_list *list, const char *name)
{
    if (list->n < MAX_NAMES)
        tsr_text_add(&list->text, "%s%s", list->n ? ", " : "", tsr_tensor_shown(name));
    else if (list->n == MAX_NAMES)
        tsr_text_add(&list->text, " ...");
    list->n++;
}

static tsr_status *check_names(const tsr_safetensors *file, const tsr_network *network)
{
    name_list missing = { 0 }, surplus = { 0 };
    for (size_t i = 0; i < count_arrays(network); i++)
        if (!tsr_safetensors_find(file, array_of(network, i).name))
            add_name(&missing, array_of(network, i).name);
    for (size_t i = 0; i < tsr_safetensors_count(file); i++) {
        const tsr_stored_tensor *tensor = tsr_safetensors_tensor(file, i);
        if (!tensor->passed_over && !network_has(network, tensor->name))
            add_name(&surplus, tensor->name);
    }
    const char *path = tsr_safetensors_path(file);
    tsr_status *status = NULL;
    if (missing.text.failed || surplus.text.failed)
        status = tsr_no_memory(path);
    else if (missing.n || surplus.n)
        status = tsr_fail(TSR_REFUSED, "%s: other tensors than the model's, expected the same:%s%s%s%s%s",
                          path, missing.n ? " it lacks " : "", missing.n ? missing.text.chars : "",
                          missing.n && surplus.n ? ";" : "", surplus.n ? " the model has no " : "",
                          surplus.n ? surplus.text.chars : "");
    free(missing.text.chars);
    free(surplus.text.chars);
    return status;
}

static bool same_shape(const tsr_stored_tensor *tensor, const kept_array *array)
{
    bool same = json_array_size(tensor->shape) == array->n_dims;
    for (size_t i = 0; same && i < array->n_dims; i++)
        same = (size_t)json_integer_value(json_array_get(tensor->shape, i)) == array->dims[i];
    return same;
}

static tsr_status *check_shape(const tsr_safetensors *file, const tsr_stored_tensor *tensor,
                               const kept_array *array)
{
    if (same_shape(tensor, array))
        return NULL;
    tsr_text expected = { 0 };
    for (size_t i = 0; i < array->n_dims; i++)
        tsr_text_add(&expected, "%s%zu", i ? ", " : "", array->dims[i]);
    char *found = json_dumps(tensor->shape, JSON_ENCODE_ANY);
    tsr_status *status =
        tsr_bad_tensor(file, tensor->name, "its shape is %s, expected [%s] as the model has it",
                       found && strlen(found) <= MAX_SHAPE ? found : "too long to show",
                       expected.chars ? expected.chars : "");
    free(found);
    free(expected.chars);
    return status;
}

static tsr_status *check_arrays(const tsr_safetensors *file, const tsr_network *network)
{
    TSR_TRY(check_names(file, network));
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        TSR_TRY(check_shape(file, tsr_safetensors_find(file, array.name), &array));
    }
    kept_array mean = mean_of(network);
    return tsr_model_file_has_mean(file) ? check_shape(file, tsr_safetensors_find(file, MEAN), &mean) : NULL;
}

/* Reading. */

tsr_status *tsr_model_file_check(const tsr_safetensors *file, tsr_network *network, const tsr_value *model)
{
    TSR_TRY(check_arrays(file, network));
    return tsr_model_metadata_apply(file, tsr_network_graph(network), model);
}

tsr_status *tsr_model_file_load(const tsr_safetensors *file, tsr_network *network)
{
    TSR_TRY(tsr_model_file_check(file, network, NULL));
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        tsr_safetensors_values(file, tsr_safetensors_find(file, array.name), array.n, array.values);
    }
    return NULL;
}

/* The mean input. */

bool tsr_model_file_has_mean(const tsr_safetensors *file)
{
    const tsr_stored_tensor *tensor = tsr_safetensors_find(file, MEAN);
    return tensor && !tensor->passed_over;
}

void tsr_model_file_mean(const tsr_safetensors *file, size_t size, float *mean)
{
    tsr_safetensors_values(file, tsr_safetensors_find(file, MEAN), size, mean);
}
