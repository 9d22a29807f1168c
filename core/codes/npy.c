/* Codes and labels as .npy files. */
#include "codes/npy.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/array.h"

#include <endian.h>
#include <stdlib.h>

#define CHUNK 512 /* words converted at once */

static void write_row(FILE *stream, const uint64_t *row, size_t bytes)
{
    uint64_t chunk[CHUNK];
    for (size_t done = 0; done < bytes; done += sizeof(chunk), row += CHUNK) {
        size_t length = bytes - done < sizeof(chunk) ? bytes - done : sizeof(chunk);
        for (size_t i = 0; i < (length + 7) / 8; i++)
            chunk[i] = htole64(row[i]);
        fwrite(chunk, 1, length, stream);
    }
}

tsr_status *tsr_npy_write_codes(const char *path, const tsr_codes *codes)
{
    tsr_new_file file;
    TSR_TRY(tsr_new_file_open(path, &file));
    size_t bytes = (codes->bits + 7) / 8;
    tsr_npy_write_header(file.stream, TSR_ELEMENT_UINT8, 2, (size_t[]){ codes->n, bytes });
    for (size_t i = 0; i < codes->n; i++)
        write_row(file.stream, tsr_codes_row(codes, i), bytes);
    return tsr_new_file_keep(&file);
}

tsr_status *tsr_npy_write_labels(const char *path, size_t n, const int32_t *labels)
{
    return tsr_npy_write(path, TSR_ELEMENT_INT32, 1, &n, labels);
}

#define CHUNK_OF_LABELS 1024

tsr_status *tsr_labels_from_array(const tsr_array *array, int32_t most, int32_t **out)
{
    *out = NULL;
    if (array->n_dims != 1)
        return tsr_fail(TSR_REFUSED, "it has %zu dimensions, expected one: a label for each example",
                        array->n_dims);
    if (array->element >= TSR_ELEMENT_FLOAT16)
        return tsr_fail(TSR_REFUSED, "its elements are %s, expected whole numbers",
                        tsr_element_name(array->element));
    size_t n = array->dims[0];
    double values[CHUNK_OF_LABELS];
    int32_t *labels = tsr_alloc(n, sizeof(*labels));
    if (!labels)
        return tsr_no_memory("labels");
    for (size_t first = 0; first < n; first += CHUNK_OF_LABELS) {
        size_t count = n - first < CHUNK_OF_LABELS ? n - first : CHUNK_OF_LABELS;
        tsr_array_doubles(array, first, count, values);
        for (size_t i = 0; i < count; i++) {
            if (!(values[i] >= 0 && values[i] <= most)) {
                free(labels);
                return tsr_fail(TSR_REFUSED, "label %zu, counted from 0, is %.0f, expected 0 to %d",
                                first + i, values[i], most);
            }
            labels[first + i] = (int32_t)values[i];
        }
    }
    *out = labels;
    return NULL;
}
