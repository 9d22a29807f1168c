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
#include <unistd.h>
#include <xxhash.h>

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

/* All that a state's file has, where the network, the slots and `before` (NULL: it has none) have it. */
static tsr_status *list(tsr_network *network, size_t n_slots, float *const *slots, float *before, arrays *out)
{
    size_t n, all;
    tsr_array_to_store *own;
    *out = (arrays){ 0 };
    TSR_TRY(tsr_model_file_arrays(network, &n, &own));
    bool fits = n_slots <= MAX_SLOTS && tsr_checked_multiply(n_slots + 2, n, &all);
    out->of = fits ? tsr_alloc(all, sizeof(*out->of)) : NULL;
    out->names = fits ? tsr_alloc(all, sizeof(*out->names)) : NULL;
    tsr_status *status = out->of && out->names ? NULL : tsr_no_memory("the state of the training");
    for (size_t i = 0; i < n && !status; i++)
        status = add(out, own[i], tsr_format("network.%s", own[i].name));
    for (size_t i = 0; i < n_slots && !status; i++)
        status = add_slot(out, network, i, slots[i]);
    for (size_t i = 0; before && i < n && !status; i++) {
        tsr_array_to_store array = own[i];
        array.values = before;
        before += array.n;
        status = add(out, array, tsr_format("before.%s", own[i].name));
    }
    free(own);
    return status;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* As JSON; NULL without memory. free() it. */
static char *describe(const tsr_training_state *state)
{
    size_t before = tsr_json_failures();
    json_t *told = json_pack("{s:I, s:o, s:I, s:o, s:o, s:I}", "epochs", (json_int_t)state->epochs, "best",
                             number(state->best), "since_best", (json_int_t)state->since_best, "loss",
                             number(state->loss), "accuracy", number(state->accuracy), "slots",
                             (json_int_t)state->n_slots);
    char *text = told ? tsr_json_dump(told, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(told);
    if (before == tsr_json_failures())
        return text;
    free(text);
    return NULL;
}

/* Of both texts and all arrays, which are handed over one by one. */
static XXH3_state_t *begin_digest(const char *training, const char *run)
{
    XXH3_state_t *digest = XXH3_createState();
    if (digest) {
        XXH3_64bits_reset(digest);
        XXH3_64bits_update(digest, training, strlen(training) + 1);
        XXH3_64bits_update(digest, run, strlen(run) + 1);
    }
    return digest;
}

/* In hexadecimal; frees the state. NULL without memory. free() it. */
static char *end_digest(XXH3_state_t *digest)
{
    char *digits = digest ? tsr_format("%016llx", (unsigned long long)XXH3_64bits_digest(digest)) : NULL;
    XXH3_freeState(digest);
    return digits;
}

static char *digest_of(const char *training, const char *run, const arrays *all)
{
    XXH3_state_t *digest = begin_digest(training, run);
    for (size_t i = 0; digest && i < all->n; i++)
        XXH3_64bits_update(digest, all->of[i].values, all->of[i].n * sizeof(float));
    return end_digest(digest);
}

/* NULL without memory. */
static json_t *make_metadata(const tsr_training_state *state, const char *run, const arrays *all)
{
    char *training = describe(state), *digest = training && run ? digest_of(training, run, all) : NULL;
    json_t *metadata =
        training ? json_pack("{s:s, s:s}", "tessera", tsr_version(), "training", training) : NULL;
    bool whole =
        metadata && (!run || (digest && json_object_set_new(metadata, "run", json_string(run)) == 0 &&
                              json_object_set_new(metadata, "digest", json_string(digest)) == 0));
    free(training);
    free(digest);
    if (whole)
        return metadata;
    json_decref(metadata);
    return NULL;
}

tsr_status *tsr_training_state_write(const char *path, tsr_network *network, const tsr_training_state *state,
                                     const char *run, float *before)
{
    arrays all;
    tsr_status *status = list(network, state->n_slots, state->slots, before, &all);
    if (!status)
        status = tsr_safetensors_write(path, make_metadata(state, run, &all), all.n, all.of);
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

/* Before anything is copied. */
static tsr_status *check_arrays(const tsr_safetensors *file, const arrays *all)
{
    if (tsr_safetensors_count(file) != all->n)
        return tsr_fail(TSR_REFUSED, "%s: has %zu arrays, expected %zu", tsr_safetensors_path(file),
                        tsr_safetensors_count(file), all->n);
    for (size_t i = 0; i < all->n; i++) {
        const tsr_stored_tensor *tensor = tsr_safetensors_find(file, all->of[i].name);
        if (!tensor || tensor->passed_over || tensor->end - tensor->begin != all->of[i].n * sizeof(float))
            return tsr_fail(TSR_REFUSED, "%s: lacks %s with %zu numbers", tsr_safetensors_path(file),
                            all->of[i].name, all->of[i].n);
    }
    return NULL;
}

static void copy_arrays(const tsr_safetensors *file, const arrays *all)
{
    for (size_t i = 0; i < all->n; i++)
        tsr_safetensors_values(file, tsr_safetensors_find(file, all->of[i].name), all->of[i].n,
                               all->of[i].values);
}

tsr_status *tsr_training_state_take(const tsr_safetensors *file, tsr_network *network, float *before,
                                    tsr_read_state *out)
{
    arrays all = { 0 };
    *out = (tsr_read_state){ 0 };
    tsr_status *status = read_metadata(file, &out->state);
    if (status)
        out->state.n_slots = 0;
    if (!status)
        status = make_slots(network, out);
    if (!status)
        status = list(network, out->state.n_slots, out->slots, before, &all);
    if (!status)
        status = check_arrays(file, &all);
    if (!status)
        copy_arrays(file, &all);
    arrays_clear(&all);
    return status;
}

tsr_status *tsr_training_state_read(const char *path, tsr_network *network, tsr_read_state *out)
{
    tsr_safetensors *file;
    *out = (tsr_read_state){ 0 };
    TSR_TRY(tsr_safetensors_read(path, &file));
    tsr_status *status = tsr_training_state_take(file, network, NULL, out);
    tsr_safetensors_free(file);
    return status;
}

size_t tsr_training_state_epochs(const char *path)
{
    tsr_safetensors *file = NULL;
    tsr_training_state state = { 0 };
    if (access(path, F_OK) != 0)
        return 0;
    tsr_status *status = tsr_safetensors_read(path, &file);
    if (!status)
        status = read_metadata(file, &state);
    size_t epochs = status ? 0 : state.epochs;
    tsr_status_free(status);
    tsr_safetensors_free(file);
    return epochs;
}

tsr_status *tsr_training_state_check(const tsr_safetensors *file)
{
    const char *training = tsr_safetensors_metadata(file, "training"),
               *run = tsr_safetensors_metadata(file, "run"),
               *written = tsr_safetensors_metadata(file, "digest");
    size_t length;
    const char *data = tsr_safetensors_data(file, &length);
    if (!training || !run || !written)
        return tsr_fail(TSR_REFUSED, "%s: is no checkpoint", tsr_safetensors_path(file));
    XXH3_state_t *digest = begin_digest(training, run);
    if (digest)
        XXH3_64bits_update(digest, data, length);
    char *found = end_digest(digest);
    if (!found)
        return tsr_no_memory("a digest");
    bool whole = strcmp(found, written) == 0;
    free(found);
    return whole ? NULL
                 : tsr_fail(TSR_REFUSED, "%s: is damaged: its digest is not that of what it holds",
                            tsr_safetensors_path(file));
}

void tsr_read_state_clear(tsr_read_state *state)
{
    for (size_t i = 0; state->slots && i < state->state.n_slots; i++)
        free(state->slots[i]);
    free(state->slots);
    *state = (tsr_read_state){ 0 };
}
