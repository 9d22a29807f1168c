/* Safetensors files (the format's own description: header length as a little-endian uint64, JSON header
   padded with blanks to 8 bytes, tensors back to back). A file that is read is a stranger's: nothing of its
   header is believed before it agrees with the file's length and with itself. */
#include "experiment/safetensors.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "plugin/keys.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define LENGTH_SIZE sizeof(uint64_t)
#define METADATA "__metadata__"
#define MAX_NAME 200 /* that a message shows */

struct tsr_safetensors {
    char *path, *bytes;
    size_t length, data; /* of the file; where in it the arrays begin */
    json_t *header;
    size_t n;
    tsr_stored_tensor *tensors; /* in the order of their places */
    char hash[33];
};

const char *tsr_tensor_shown(const char *name)
{
    return strlen(name) > MAX_NAME ? "(a long name)" : tsr_line_shown(name);
}

tsr_status *tsr_bad_tensor(const tsr_safetensors *file, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
    return tsr_context(status, "%s: tensor %s", file->path, tsr_tensor_shown(name));
}

/* Files of other formats that are taken for models, by how they begin. */
static const struct {
    const char *start;
    size_t length;
    const char *what;
} other_formats[] = {
    { "PK\3\4", 4, "a PyTorch file (a zip archive, as torch.save writes it)" },
    { "\x80\2", 2, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x80\3", 2, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x80\4", 2, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x80\5", 2, "a PyTorch file (a pickle, as torch.save writes it)" },
    { "\x89HDF\r\n\x1a\n", 8, "an HDF5 file, as Keras writes it" },
    { "\x93NUMPY", 6, "a NumPy array" },
    { "\x1f\x8b", 2, "a gzip file" },
};

/* A file too short for the header that its first bytes would promise: another format's, or cut. A header
   begins with a brace. */
static tsr_status *not_whole(const tsr_safetensors *file, uint64_t promised)
{
    bool other = file->length > LENGTH_SIZE && file->bytes[LENGTH_SIZE] != '{';
    for (size_t i = 0; other && i < sizeof(other_formats) / sizeof(other_formats[0]); i++)
        if (memcmp(file->bytes, other_formats[i].start, other_formats[i].length) == 0)
            return tsr_fail(TSR_REFUSED,
                            "%s: %s, expected a safetensors file; save it as one, in PyTorch by "
                            "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")",
                            file->path, other_formats[i].what);
    if (file->length < LENGTH_SIZE)
        return tsr_fail(TSR_REFUSED,
                        "%s: holds %zu bytes, expected a safetensors file, which begins with the %zu of its "
                        "header's length",
                        file->path, file->length, LENGTH_SIZE);
    return tsr_fail(TSR_REFUSED,
                    "%s: offset 0: a header of %llu bytes is promised, expected at most the %zu that follow",
                    file->path, (unsigned long long)promised, file->length - LENGTH_SIZE);
}

static tsr_status *read_header(tsr_safetensors *file)
{
    uint64_t promised = 0;
    if (file->length >= LENGTH_SIZE)
        memcpy(&promised, file->bytes, LENGTH_SIZE);
    promised = le64toh(promised);
    if (file->length < LENGTH_SIZE || promised > file->length - LENGTH_SIZE)
        return not_whole(file, promised);
    file->data = LENGTH_SIZE + (size_t)promised;
    json_error_t error;
    file->header = tsr_json_load(file->bytes + LENGTH_SIZE, (size_t)promised, JSON_REJECT_DUPLICATES, &error);
    if (!file->header && tsr_json_had_no_memory(&error))
        return tsr_no_memory(file->path);
    if (!file->header)
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: the header is not JSON: %s", file->path,
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
static tsr_status *measure(const tsr_safetensors *file, const tsr_stored_tensor *tensor, size_t element,
                           size_t *bytes)
{
    *bytes = element;
    if (!json_is_array(tensor->shape))
        return tsr_bad_tensor(file, tensor->name, "expected a list as its shape");
    for (size_t i = 0; i < json_array_size(tensor->shape); i++) {
        size_t dimension;
        if (!read_size(json_array_get(tensor->shape, i), &dimension))
            return tsr_bad_tensor(file, tensor->name, "dimension %zu of its shape is no count", i + 1);
        if (!tsr_checked_multiply(*bytes, dimension, bytes))
            return tsr_bad_tensor(file, tensor->name, "its shape is more than memory can hold");
    }
    return NULL;
}

static tsr_status *read_place(const tsr_safetensors *file, const json_t *entry, tsr_stored_tensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t capacity = file->length - file->data;
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &tensor->begin) ||
        !read_size(json_array_get(offsets, 1), &tensor->end))
        return tsr_bad_tensor(file, tensor->name, "expected two counts as its data_offsets");
    if (tensor->begin > tensor->end || tensor->end > capacity)
        return tsr_bad_tensor(file, tensor->name,
                              "data_offsets %zu to %zu, expected a range of the %zu bytes behind the header",
                              tensor->begin, tensor->end, capacity);
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
                               tsr_stored_tensor *tensor)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    *tensor = (tsr_stored_tensor){ .name = name, .shape = json_object_get(entry, "shape") };
    if (!dtype)
        return tsr_bad_tensor(file, name, "expected an object with dtype, shape and data_offsets");
    tensor->passed_over = counts_batches(name, dtype);
    if (!tensor->passed_over && strcmp(dtype, "F32") != 0)
        return tsr_bad_tensor(file, name, "its dtype is %s, expected F32", tsr_tensor_shown(dtype));
    size_t bytes;
    TSR_TRY(measure(file, tensor, tensor->passed_over ? sizeof(int64_t) : sizeof(float), &bytes));
    TSR_TRY(read_place(file, entry, tensor));
    if (tensor->end - tensor->begin != bytes)
        return tsr_bad_tensor(file, name, "data_offsets %zu to %zu, expected the %zu bytes of its shape",
                              tensor->begin, tensor->end, bytes);
    return NULL;
}

static int by_place(const void *a, const void *b)
{
    const tsr_stored_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static tsr_status *check_cover(const tsr_safetensors *file)
{
    size_t covered = 0;
    for (size_t i = 0; i < file->n; i++) {
        const tsr_stored_tensor *tensor = &file->tensors[i];
        if (tensor->begin < covered)
            return tsr_bad_tensor(file, tensor->name,
                                  "begins at data offset %zu, inside %s, which ends at %zu", tensor->begin,
                                  tsr_tensor_shown(file->tensors[i - 1].name), covered);
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
        const tsr_stored_tensor *tensor = &file->tensors[i];
        bool variances = strcmp(last_word(tensor->name), "running_var") == 0;
        for (size_t at = tensor->begin; !tensor->passed_over && at < tensor->end; at += sizeof(float)) {
            float value = value_at(file, at);
            if (!isfinite(value) || (variances && value < 0))
                return tsr_bad_tensor(file, tensor->name, "offset %zu: %g, expected %s", file->data + at,
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

const char *tsr_safetensors_data(const tsr_safetensors *file, size_t *length)
{
    *length = file->length - file->data;
    return file->bytes + file->data;
}

/* What it holds. */

size_t tsr_safetensors_count(const tsr_safetensors *file)
{
    return file->n;
}

const tsr_stored_tensor *tsr_safetensors_tensor(const tsr_safetensors *file, size_t i)
{
    return &file->tensors[i];
}

const tsr_stored_tensor *tsr_safetensors_find(const tsr_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

void tsr_safetensors_values(const tsr_safetensors *file, const tsr_stored_tensor *tensor, size_t n,
                            float *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = value_at(file, tensor->begin + i * sizeof(float));
}

const char *tsr_safetensors_metadata(const tsr_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, METADATA), key));
}
