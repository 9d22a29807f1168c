/* Arrays as .npy files: a header padded to 64 bytes that tells type and shape, then the bytes. */
#include "codes/npy.h"

#include "base/file.h"
#include "base/text.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64
#define MAGIC "\x93NUMPY\x01\x00" /* version 1.0 */
#define MAGIC_LENGTH 8
#define CHUNK 512 /* words converted at once */

/* The header of an array with this NumPy type and this shape, "3, 4" or "3,". */
static void write_header(FILE *stream, const char *type, const char *shape)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    size_t used = MAGIC_LENGTH + 2 + (size_t)length + 1;
    int padding = (int)((ALIGNMENT - used % ALIGNMENT) % ALIGNMENT);
    uint16_t rest = htole16((uint16_t)(length + padding + 1));
    fwrite(MAGIC, 1, MAGIC_LENGTH, stream);
    fwrite(&rest, sizeof(rest), 1, stream);
    fprintf(stream, "%s%*s\n", text, padding, "");
}

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
    char shape[64];
    size_t bytes = (codes->bits + 7) / 8;
    snprintf(shape, sizeof(shape), "%zu, %zu", codes->n, bytes);
    write_header(file.stream, "|u1", shape);
    for (size_t i = 0; i < codes->n; i++)
        write_row(file.stream, tsr_codes_row(codes, i), bytes);
    return tsr_new_file_keep(&file);
}

tsr_status *tsr_npy_write_labels(const char *path, size_t n, const int32_t *labels)
{
    tsr_new_file file;
    TSR_TRY(tsr_new_file_open(path, &file));
    char shape[64];
    snprintf(shape, sizeof(shape), "%zu,", n);
    write_header(file.stream, "<i4", shape);
    for (size_t i = 0; i < n; i++) {
        uint32_t value = htole32((uint32_t)labels[i]);
        fwrite(&value, sizeof(value), 1, file.stream);
    }
    return tsr_new_file_keep(&file);
}
