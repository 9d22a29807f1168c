/* Writing .npy files: format 1.0, row-major, in this machine's byte order. */
#include "base/file.h"
#include "base/memory.h"
#include "data/array.h"

#include <endian.h>
#include <string.h>

#define ALIGNMENT 64
#define MAGIC "\x93NUMPY\x01\x00"
#define MAGIC_LENGTH 8

static const char kinds[TSR_N_ELEMENTS] = "biuiuiuiufff";

void tsr_npy_write_header(FILE *stream, tsr_element element, size_t n_dims, const size_t *dims)
{
    char text[TSR_ARRAY_DIMS * 24 + 128];
    size_t size = tsr_element_size(element);
    char order = size == 1 ? '|' : __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? '>' : '<';
    int length =
        sprintf(text, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (", order, kinds[element], size);
    for (size_t i = 0; i < n_dims; i++)
        length += sprintf(text + length, i ? ", %zu" : n_dims == 1 ? "%zu," : "%zu", dims[i]);
    length += sprintf(text + length, "), }");
    size_t used = MAGIC_LENGTH + sizeof(uint16_t) + (size_t)length + 1;
    int padding = (int)((ALIGNMENT - used % ALIGNMENT) % ALIGNMENT);
    uint16_t rest = htole16((uint16_t)(length + padding + 1));
    fwrite(MAGIC, 1, MAGIC_LENGTH, stream);
    fwrite(&rest, sizeof(rest), 1, stream);
    fprintf(stream, "%s%*s\n", text, padding, "");
}

tsr_status *tsr_npy_write(const char *path, tsr_element element, size_t n_dims, const size_t *dims,
                          const void *values)
{
    if (n_dims > TSR_ARRAY_DIMS)
        return tsr_fail(TSR_REFUSED, "%s: an array of %zu dimensions, expected at most %d", path, n_dims,
                        TSR_ARRAY_DIMS);
    size_t bytes = tsr_element_size(element);
    for (size_t i = 0; i < n_dims; i++)
        if (!tsr_checked_multiply(bytes, dims[i], &bytes))
            return tsr_fail(TSR_NO_MEMORY, "%s: the array is larger than memory can be", path);
    tsr_new_file file;
    TSR_TRY(tsr_new_file_open(path, &file));
    tsr_npy_write_header(file.stream, element, n_dims, dims);
    fwrite(values, 1, bytes, file.stream);
    return tsr_new_file_keep(&file);
}
