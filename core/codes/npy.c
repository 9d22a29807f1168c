/* Codes and labels as .npy files. */
#include "codes/npy.h"

#include "base/file.h"
#include "data/array.h"

#include <endian.h>

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
