/* The state of a training as a file. The optimizer's numbers are kept by parameter, so that nothing depends
   on how parameters lie in memory. */
#include "experiment/training_state.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SLOTS 16 /* as tessera/optimizer.h says */

/* Arrays with names that are their own. */
typedef struct arrays {
    size_t n;
    tsr_array_to_store *of;
    size_t n_names;
    char **names;
} arrays;

static void arrays_clear(arrays *a)
{
    for (size_t i = 0; i < a->n_names; i++)
        free(a->names[i]);
    free(a->names);
    free(a->of);
}

static tsr_status *add(arrays *a, tsr_array_to_store array, char *name)
{
    if (!name)
        return tsr_no_memory("the state of the training");
    a->names[a->n_names++] = name;
    array.name = name;
    a->of[a->n++] = array;
    return NULL;
}

static tsr_status *add_slot(arrays *a, tsr_network *network, size_t slot, float *values)
{
    tsr_flat flat = tsr_network_flat(network);
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
        tsr_array_to_store array = { .n_dims = 1,
                                     .dims = { tensor->parameter.n },
                                     .n = tensor->parameter.n,
                                     .values = values + (tensor->values - flat.values) };
        TSR_TRY(add(a, array, tsr_format("optimizer.%zu.%s", slot, tensor->parameter.name)));
    }
    return NULL;
}

/* All that a state's file has, where the network and the slots have it. */
static tsr_status *list(tsr_network *network, size_t n_slots, float *const *slots, arrays *out)
{
    size_t n, all;
    tsr_array_to_store *own;
    *out = (arrays){ 0 };
    TSR_TRY(tsr_model_file_arrays(network, &n, &own));
    bool fits = n_slots <= MAX_SLOTS && tsr_checked_multiply(n_slots + 1, n, &all);
    out->of = fits ? tsr_alloc(all, sizeof(*out->of)) : NULL;
    out->names = fits ? tsr_alloc(all, sizeof(*out->names)) : NULL;
    tsr_status *status = out->of && out->names ? NULL : tsr_no_memory("the state of the training");
    for (size_t i = 0; i < n && !status; i++)
        status = add(out, own[i], tsr_format("network.%s", own[i].name));
    for (size_t i = 0; i < n_slots && !status; i++)
        status = add_slot(out, network, i, slots[i]);
    free(own);
    return status;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *make_metadata(const tsr_training_state *state)
{
    size_t before = tsr_json_failures();
    json_t *told = json_pack("{s:I, s:o, s:I, s:o, s:o, s:I}", "epochs", (json_int_t)state->epochs, "best",
                             number(state->best), "since_best", (json_int_t)state->since_best, "loss",
                             number(state->loss), "accuracy", number(state->accuracy), "slots",
                             (json_int_t)state->n_slots);
    char *text = told ? tsr_json_dump(told, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_t *metadata = text ? json_pack("{s:s, s:s}", "tessera", tsr_version(), "training", text) : NULL;
    free(text);
    json_decref(told);
    if (before == tsr_json_failures())
        return metadata;
    json_decref(metadata);
    return NULL;
}

tsr_status *tsr_training_state_write(const char *path, tsr_network *network, const tsr_training_state *state)
{
    arrays all;
    tsr_status *status = list(network, state->n_slots, state->slots, &all);
    if (!status)
        status = tsr_safetensors_write(path, make_metadata(state), all.n, all.of);
    arrays_clear(&all);
    return status;
}

/* --- reading --- */

static double real_of(const json_t *told, const char *key, double otherwise)
{
    const json_t *value = json_object_get(told, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static bool count_of(const json_t *told, const char *key, size_t *out)
{
    const json_t *value = json_object_get(told, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static tsr_status *read_metadata(const tsr_safetensors *file, tsr_training_state *state)
{
    const char *text = tsr_safetensors_metadata(file, "training");
    json_t *told = text ? tsr_json_load(text, strlen(text), 0, NULL) : NULL;
    bool whole = count_of(told, "epochs", &state->epochs) &&
                 count_of(told, "since_best", &state->since_best) &&
                 count_of(told, "slots", &state->n_slots) && state->n_slots <= MAX_SLOTS;
    state->best = real_of(told, "best", INFINITY);
    state->loss = real_of(told, "loss", NAN);
    state->accuracy = real_of(told, "accuracy", NAN);
    json_decref(told);
    return whole ? NULL
                 : tsr_fail(TSR_REFUSED, "%s: expected the state of a training in its metadata",
                            tsr_safetensors_path(file));
}

static tsr_status *make_slots(tsr_network *network, tsr_read_state *out)
{
    out->slots = tsr_alloc(out->state.n_slots, sizeof(*out->slots));
    for (size_t i = 0; out->slots && i < out->state.n_slots; i++)
        if (!(out->slots[i] = tsr_alloc(tsr_network_flat(network).count, sizeof(float))))
            return tsr_no_memory("the state of the training");
    out->state.slots = out->slots;
    return out->slots ? NULL : tsr_no_memory("the state of the training");
}

static tsr_status *read_arrays(const tsr_safetensors *file, const arrays *all)
{
    if (tsr_safetensors_count(file) != all->n)
        return tsr_fail(TSR_REFUSED, "%s: has %zu arrays, expected %zu", tsr_safetensors_path(file),
                        tsr_safetensors_count(file), all->n);
    for (size_t i = 0; i < all->n; i++) {
        const tsr_stored_tensor *tensor = tsr_safetensors_find(file, all->of[i].name);
        if (!tensor || tensor->passed_over || tensor->end - tensor->begin != all->of[i].n * sizeof(float))
            return tsr_fail(TSR_REFUSED, "%s: lacks %s with %zu numbers", tsr_safetensors_path(file),
                            all->of[i].name, all->of[i].n);
        tsr_safetensors_values(file, tensor, all->of[i].n, all->of[i].values);
    }
    return NULL;
}

tsr_status *tsr_training_state_read(const char *path, tsr_network *network, tsr_read_state *out)
{
    tsr_safetensors *file;
    arrays all = { 0 };
    *out = (tsr_read_state){ 0 };
    TSR_TRY(tsr_safetensors_read(path, &file));
    tsr_status *status = read_metadata(file, &out->state);
    if (status)
        out->state.n_slots = 0;
    if (!status)
        status = make_slots(network, out);
    if (!status)
        status = list(network, out->state.n_slots, out->slots, &all);
    if (!status)
        status = read_arrays(file, &all);
    arrays_clear(&all);
    tsr_safetensors_free(file);
    return status;
}

void tsr_read_state_clear(tsr_read_state *state)
{
    for (size_t i = 0; state->slots && i < state->state.n_slots; i++)
        free(state->slots[i]);
    free(state->slots);
    *state = (tsr_read_state){ 0 };
}
