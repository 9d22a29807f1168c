/* Writing safetensors files: the length of the header, the header as JSON, filled up to eight bytes, the
 * arrays. */
#include "experiment/safetensors_write.h"

#include "base/file.h"
#include "base/memory.h"
#include "config/json.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define METADATA "__metadata__"

static void add_tensor(json_t *header, const tsr_array_to_store *array, size_t *offset)
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

/* The header's text; NULL without memory. */
static char *make_header(json_t *metadata, size_t n, const tsr_array_to_store *arrays)
{
    size_t before = tsr_json_failures(), offset = 0;
    json_t *header = json_object();
    if (json_object_set_new(header, METADATA, metadata) != 0) {
        json_decref(header);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        add_tensor(header, &arrays[i], &offset);
    bool whole = before == tsr_json_failures() && json_object_size(header) == n + 1;
    char *text = whole ? tsr_json_dump(header, JSON_COMPACT) : NULL;
    json_decref(header);
    return text;
}

tsr_status *tsr_safetensors_write(const char *path, json_t *metadata, size_t n,
                                  const tsr_array_to_store *arrays)
{
    char *text = make_header(metadata, n, arrays);
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
    for (size_t i = 0; i < n; i++)
        fwrite(arrays[i].values, sizeof(float), arrays[i].n, file.stream);
    return tsr_new_file_keep(&file);
}
