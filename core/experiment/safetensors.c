/* Trained models as safetensors files (the format's own description: header length as a little-endian
   uint64, JSON header padded with blanks to 8 bytes, tensors back to back). A file that is read is a
   stranger's: nothing of its header is believed before it agrees with the file's length and with itself. */
#include "experiment/safetensors.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/params.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LENGTH_SIZE sizeof(uint64_t)
#define METADATA "__metadata__"
#define LONGEST_NAME 200 /* that a message shows */
#define MOST_NAMES 5     /* that a message lists */

/* What the network keeps, parameters and then running statistics, as one list. */
typedef struct kept_array {
    const char *name;
    size_t n_dims, n;
    const size_t *dims;
    float *values;
} kept_array;

static size_t count_arrays(const tsr_network *network)
{
    return tsr_network_n_tensors(network) + tsr_network_n_states(network);
}

static kept_array array_of(const tsr_network *network, size_t i)
{
    size_t n_tensors = tsr_network_n_tensors(network);
    if (i < n_tensors) {
        const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
        const tsr_parameter *p = &tensor->parameter;
        return (kept_array){ p->name, p->n_dims, p->n, p->dims, tensor->values };
    }
    const tsr_network_state *state = tsr_network_get_state(network, i - n_tensors);
    return (kept_array){ state->name, 1, state->n, &state->n, state->values };
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

static json_t *make_header(const tsr_network *network, const json_t *config)
{
    json_t *header = json_object();
    char *text = json_dumps(config, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_object_set_new(
        header, METADATA,
        json_pack("{s:s, s:s, s:s}", "format", "pt", "tessera", tsr_version(), "config", text ? text : "{}"));
    free(text);
    size_t offset = 0;
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        add_tensor(header, &array, &offset);
    }
    return header;
}

tsr_status *tsr_safetensors_write(const char *path, const tsr_network *network, const json_t *config)
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
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        fwrite(array.values, sizeof(float), array.n, file.stream);
    }
    free(text);
    return tsr_new_file_keep(&file);
}

/* Reading: the file against itself. */

/* A tensor as the header has it. */
typedef struct stored_tensor {
    const char *name;
    const json_t *shape;
    size_t begin, end; /* in the data */
    bool passed_over;  /* no array of ours can be meant */
} stored_tensor;

struct tsr_safetensors {
    char *path, *bytes;
    size_t length, data; /* of the file; where in it the arrays begin */
    json_t *header;
    size_t n;
    stored_tensor *tensors; /* in the order of their places */
    char hash[33];
};

/* A name as a message may show it, wherever it comes from. */
static const char *shown(const char *name)
{
    return strlen(name) > LONGEST_NAME ? "(a long name)" : tsr_line_shown(name);
}

static tsr_status *bad_tensor(const tsr_safetensors *file, const char *name, const char *format, ...)
    TSR_PRINTF(3, 4);

static tsr_status *bad_tensor(const tsr_safetensors *file, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
    return tsr_context(status, "%s: tensor %s", file->path, shown(name));
}

static tsr_status *read_header(tsr_safetensors *file)
{
    uint64_t promised;
    if (file->length < LENGTH_SIZE)
        return tsr_fail(TSR_REFUSED,
                        "%s: holds %zu bytes, expected a safetensors file, which begins with the %zu of its "
                        "header's length",
                        file->path, file->length, LENGTH_SIZE);
    memcpy(&promised, file->bytes, LENGTH_SIZE);
    promised = le64toh(promised);
    if (promised > file->length - LENGTH_SIZE)
        return tsr_fail(
            TSR_REFUSED,
            "%s: offset 0: a header of %llu bytes is promised, expected at most the %zu that follow",
            file->path, (unsigned long long)promised, file->length - LENGTH_SIZE);
    file->data = LENGTH_SIZE + (size_t)promised;
    json_error_t error;
    file->header = json_loadb(file->bytes + LENGTH_SIZE, (size_t)promised, JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: the header is no JSON: %s", file->path,
                        LENGTH_SIZE + (size_t)error.position, tsr_line_shown(error.text));
    if (!json_is_object(file->header))
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: expected a JSON object as the header", file->path,
                        LENGTH_SIZE);
    return NULL;
}

/* A count in JSON, which knows no sign. */
static bool read_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

/* Bytes of the tensor's elements. */
static tsr_status *measure(const tsr_safetensors *file, const stored_tensor *tensor, size_t element,
                           size_t *bytes)
{
    *bytes = element;
    if (!json_is_array(tensor->shape))
        return bad_tensor(file, tensor->name, "expected a list as its shape");
    for (size_t i = 0; i < json_array_size(tensor->shape); i++) {
        size_t dimension;
        if (!read_size(json_array_get(tensor->shape, i), &dimension))
            return bad_tensor(file, tensor->name, "dimension %zu of its shape is no count", i + 1);
        if (!tsr_multiply(*bytes, dimension, bytes))
            return bad_tensor(file, tensor->name, "its shape is more than memory can hold");
    }
    return NULL;
}

static tsr_status *read_place(const tsr_safetensors *file, const json_t *entry, stored_tensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t room = file->length - file->data;
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &tensor->begin) ||
        !read_size(json_array_get(offsets, 1), &tensor->end))
        return bad_tensor(file, tensor->name, "expected two counts as its data_offsets");
    if (tensor->begin > tensor->end || tensor->end > room)
        return bad_tensor(file, tensor->name,
                          "data_offsets %zu to %zu, expected a range of the %zu bytes behind the header",
                          tensor->begin, tensor->end, room);
    return NULL;
}

static const char *last_word(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* The batches that PyTorch's batch norm has seen: nothing that a network computes depends on them. */
static bool counts_batches(const char *name, const char *dtype)
{
    return strcmp(dtype, "I64") == 0 && strcmp(last_word(name), "num_batches_tracked") == 0;
}

static tsr_status *read_tensor(const tsr_safetensors *file, const char *name, const json_t *entry,
                               stored_tensor *tensor)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    *tensor = (stored_tensor){ .name = name, .shape = json_object_get(entry, "shape") };
    if (!dtype)
        return bad_tensor(file, name, "expected an object with dtype, shape and data_offsets");
    tensor->passed_over = counts_batches(name, dtype);
    if (!tensor->passed_over && strcmp(dtype, "F32") != 0)
        return bad_tensor(file, name, "its dtype is %s, expected F32", shown(dtype));
    size_t bytes;
    TSR_TRY(measure(file, tensor, tensor->passed_over ? sizeof(int64_t) : sizeof(float), &bytes));
    TSR_TRY(read_place(file, entry, tensor));
    if (tensor->end - tensor->begin != bytes)
        return bad_tensor(file, name, "data_offsets %zu to %zu, expected the %zu bytes of its shape",
                          tensor->begin, tensor->end, bytes);
    return NULL;
}

static int by_place(const void *a, const void *b)
{
    const stored_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static tsr_status *check_cover(const tsr_safetensors *file)
{
    size_t covered = 0;
    for (size_t i = 0; i < file->n; i++) {
        const stored_tensor *tensor = &file->tensors[i];
        if (tensor->begin < covered)
            return bad_tensor(file, tensor->name, "begins at data offset %zu, inside %s, which ends at %zu",
                              tensor->begin, shown(file->tensors[i - 1].name), covered);
        if (tensor->begin > covered)
            return tsr_fail(TSR_REFUSED, "%s: offset %zu: %zu bytes belong to no tensor", file->path,
                            file->data + covered, tensor->begin - covered);
        covered = tensor->end;
    }
    if (covered < file->length - file->data)
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: %zu bytes belong to no tensor", file->path,
                        file->data + covered, file->length - file->data - covered);
    return NULL;
}

static tsr_status *read_tensors(tsr_safetensors *file)
{
    const char *name;
    json_t *entry;
    file->tensors = tsr_alloc(json_object_size(file->header), sizeof(*file->tensors));
    if (!file->tensors)
        return tsr_no_memory(file->path);
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, METADATA) == 0)
            continue;
        TSR_TRY(read_tensor(file, name, entry, &file->tensors[file->n]));
        file->n++;
    }
    if (file->n)
        qsort(file->tensors, file->n, sizeof(*file->tensors), by_place);
    return check_cover(file);
}

/* The arrays stand anywhere in memory, and little-endian. */
static float value_at(const tsr_safetensors *file, size_t offset)
{
    uint32_t word;
    float value;
    memcpy(&word, file->bytes + file->data + offset, sizeof(word));
    word = le32toh(word);
    memcpy(&value, &word, sizeof(value));
    return value;
}

/* All are finite, and batch norm's variances, of which it takes the root, not negative. */
static tsr_status *check_values(const tsr_safetensors *file)
{
    for (size_t i = 0; i < file->n; i++) {
        const stored_tensor *tensor = &file->tensors[i];
        bool variances = strcmp(last_word(tensor->name), "running_var") == 0;
        for (size_t at = tensor->begin; !tensor->passed_over && at < tensor->end; at += sizeof(float)) {
            float value = value_at(file, at);
            if (!isfinite(value) || (variances && value < 0))
                return bad_tensor(file, tensor->name, "offset %zu: %g, expected %s", file->data + at,
                                  (double)value, variances ? "variances" : "finite values");
        }
    }
    return NULL;
}

static tsr_status *read_all(const char *path, tsr_safetensors *file)
{
    file->path = strdup(path);
    if (!file->path)
        return tsr_no_memory(path);
    TSR_TRY(tsr_read_given_file(path, "model", PTRDIFF_MAX, &file->bytes, &file->length));
    TSR_TRY(read_header(file));
    TSR_TRY(read_tensors(file));
    TSR_TRY(check_values(file));
    XXH128_hash_t hash = XXH3_128bits(file->bytes, file->length);
    snprintf(file->hash, sizeof(file->hash), "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    return NULL;
}

tsr_status *tsr_safetensors_read(const char *path, tsr_safetensors **out)
{
    *out = NULL;
    tsr_safetensors *file = calloc(1, sizeof(*file));
    if (!file)
        return tsr_no_memory(path);
    tsr_status *status = read_all(path, file);
    if (status)
        tsr_safetensors_free(file);
    else
        *out = file;
    return status;
}

void tsr_safetensors_free(tsr_safetensors *file)
{
    if (!file)
        return;
    json_decref(file->header);
    free(file->tensors);
    free(file->bytes);
    free(file->path);
    free(file);
}

const char *tsr_safetensors_path(const tsr_safetensors *file)
{
    return file->path;
}

const char *tsr_safetensors_hash(const tsr_safetensors *file)
{
    return file->hash;
}

/* Reading: the file against a network. */

static const stored_tensor *find_tensor(const tsr_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

static bool network_has(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < count_arrays(network); i++)
        if (strcmp(array_of(network, i).name, name) == 0)
            return true;
    return false;
}

/* Names for a message: the first few, and that there are more. */
typedef struct name_list {
    tsr_text text;
    size_t n;
} name_list;

static void add_name(name_list *list, const char *name)
{
    if (list->n < MOST_NAMES)
        tsr_text_add(&list->text, "%s%s", list->n ? ", " : "", shown(name));
    else if (list->n == MOST_NAMES)
        tsr_text_add(&list->text, " ...");
    list->n++;
}

static tsr_status *check_names(const tsr_safetensors *file, const tsr_network *network)
{
    name_list missing = { 0 }, surplus = { 0 };
    for (size_t i = 0; i < count_arrays(network); i++)
        if (!find_tensor(file, array_of(network, i).name))
            add_name(&missing, array_of(network, i).name);
    for (size_t i = 0; i < file->n; i++)
        if (!file->tensors[i].passed_over && !network_has(network, file->tensors[i].name))
            add_name(&surplus, file->tensors[i].name);
    tsr_status *status = NULL;
    if (missing.text.failed || surplus.text.failed)
        status = tsr_no_memory(file->path);
    else if (missing.n || surplus.n)
        status = tsr_fail(TSR_REFUSED, "%s: other tensors than the model's, expected the same:%s%s%s%s%s",
                          file->path, missing.n ? " it lacks " : "", missing.n ? missing.text.chars : "",
                          missing.n && surplus.n ? ";" : "", surplus.n ? " the model has no " : "",
                          surplus.n ? surplus.text.chars : "");
    free(missing.text.chars);
    free(surplus.text.chars);
    return status;
}

static bool same_shape(const stored_tensor *tensor, const kept_array *array)
{
    bool same = json_array_size(tensor->shape) == array->n_dims;
    for (size_t i = 0; same && i < array->n_dims; i++)
        same = (size_t)json_integer_value(json_array_get(tensor->shape, i)) == array->dims[i];
    return same;
}

static tsr_status *wrong_shape(const tsr_safetensors *file, const stored_tensor *tensor,
                               const kept_array *array)
{
    tsr_text expected = { 0 };
    for (size_t i = 0; i < array->n_dims; i++)
        tsr_text_add(&expected, "%s%zu", i ? ", " : "", array->dims[i]);
    char *found = json_dumps(tensor->shape, JSON_ENCODE_ANY);
    tsr_status *status = bad_tensor(file, tensor->name, "its shape is %s, expected [%s] as the model has it",
                                    found && strlen(found) <= LONGEST_NAME ? found : "too long to show",
                                    expected.chars ? expected.chars : "");
    free(found);
    free(expected.chars);
    return status;
}

tsr_status *tsr_safetensors_check(const tsr_safetensors *file, const tsr_network *network)
{
    TSR_TRY(check_names(file, network));
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        const stored_tensor *tensor = find_tensor(file, array.name);
        if (!same_shape(tensor, &array))
            return wrong_shape(file, tensor, &array);
    }
    return NULL;
}

tsr_status *tsr_safetensors_load(const tsr_safetensors *file, tsr_network *network)
{
    TSR_TRY(tsr_safetensors_check(file, network));
    for (size_t i = 0; i < count_arrays(network); i++) {
        kept_array array = array_of(network, i);
        size_t begin = find_tensor(file, array.name)->begin;
        for (size_t k = 0; k < array.n; k++)
            array.values[k] = value_at(file, begin + k * sizeof(float));
    }
    return NULL;
}
