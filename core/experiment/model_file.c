/* The arrays of a model's file, written from a network and read into one, whose names and shapes must be the
   same. */
#include "experiment/model_file.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/model_metadata.h"

#include <stdlib.h>
#include <string.h>

#define MEAN "input.mean" /* no parameter's: "input" is the name of the input's node */
#define MAX_NAMES 5       /* that a message lists */
#define MAX_SHAPE 200     /* that a message shows */

/* Parameters, and then running statistics: what a network is given. */
static size_t count_arrays(const tsr_network *network)
{
    return tsr_network_n_tensors(network) + tsr_network_n_states(network);
}

static tsr_array_to_store array_of(const tsr_network *network, size_t i)
{
    size_t n_tensors = tsr_network_n_tensors(network);
    if (i >= n_tensors) {
        const tsr_network_state *state = tsr_network_get_state(network, i - n_tensors);
        return (tsr_array_to_store){
            .name = state->name, .n_dims = 1, .dims = { state->n }, .n = state->n, .values = state->values
        };
    }
    const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
    tsr_array_to_store array = { .name = tensor->parameter.name,
                                 .n_dims = tensor->parameter.n_dims,
                                 .n = tensor->parameter.n,
                                 .values = tensor->values };
    memcpy(array.dims, tensor->parameter.dims, sizeof(array.dims));
    return array;
}

/* The mean input, as the network would have it; its values are NULL where nothing is subtracted. */
static tsr_array_to_store mean_of(const tsr_network *network)
{
    tsr_shape shape = tsr_network_input(network);
    tsr_array_to_store array = { .name = MEAN,
                                 .n_dims = shape.n_dims,
                                 .n = tsr_shape_size(shape),
                                 .values = (float *)(uintptr_t)tsr_network_subtracted(network) };
    memcpy(array.dims, shape.dims, shape.n_dims * sizeof(*shape.dims));
    return array;
}

/* Writing. */

tsr_status *tsr_model_file_write(const char *path, const tsr_network *network, const tsr_value *config)
{
    size_t n = count_arrays(network);
    tsr_array_to_store *arrays = tsr_alloc(n + 1, sizeof(*arrays));
    if (!arrays)
        return tsr_no_memory(path);
    for (size_t i = 0; i < n; i++)
        arrays[i] = array_of(network, i);
    arrays[n] = mean_of(network);
    n += arrays[n].values != NULL;
    tsr_status *status = tsr_safetensors_write(path, tsr_model_metadata_make(network, config), n, arrays);
    free(arrays);
    return status;
}

tsr_status *tsr_model_file_arrays(const tsr_network *network, size_t *n, tsr_array_to_store **out)
{
    *n = count_arrays(network);
    *out = tsr_alloc(*n, sizeof(**out));
    if (!*out)
        return tsr_no_memory("a network's arrays");
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = array_of(network, i);
    return NULL;
}

char *tsr_snapshot_path(const char *run_folder, size_t epoch)
{
    return tsr_format("%s/" TSR_SNAPSHOT_FILE, run_folder, epoch);
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

static bool same_shape(const tsr_stored_tensor *tensor, const tsr_array_to_store *array)
{
    bool same = json_array_size(tensor->shape) == array->n_dims;
    for (size_t i = 0; same && i < array->n_dims; i++)
        same = (size_t)json_integer_value(json_array_get(tensor->shape, i)) == array->dims[i];
    return same;
}

static tsr_status *check_shape(const tsr_safetensors *file, const tsr_stored_tensor *tensor,
                               const tsr_array_to_store *array)
{
    if (same_shape(tensor, array))
        return NULL;
    tsr_text expected = { 0 };
    for (size_t i = 0; i < array->n_dims; i++)
        tsr_text_add(&expected, "%s%zu", i ? ", " : "", array->dims[i]);
    char *found = tsr_json_dump(tensor->shape, JSON_ENCODE_ANY);
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
        tsr_array_to_store array = array_of(network, i);
        TSR_TRY(check_shape(file, tsr_safetensors_find(file, array.name), &array));
    }
    tsr_array_to_store mean = mean_of(network);
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
        tsr_array_to_store array = array_of(network, i);
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
