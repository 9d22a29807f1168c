/* Reading .npy files (NumPy Enhancement Proposal 1, and numpy.lib.format for versions 2 and 3): the magic,
   two bytes of version, the header's length, the header - a Python dictionary of "descr", "fortran_order" and
   "shape" - and the elements. Nothing of the header is believed before it agrees with the file's length. */
#include "base/memory.h"
#include "plugin/keys.h"
#include "data/array.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define MAX_DESCR 32 /* of a type that can be read; "<f4" */
#define MAX_SHOWN 60 /* of a header, in a message */

/* The header's text, and how far it was read. */
typedef struct header {
    const char *name; /* of the file */
    const char *text, *end, *at;
    size_t offset; /* of the text in the file */
    char descr[MAX_DESCR];
    bool fortran;
    size_t n_dims, dims[TSR_ARRAY_DIMS];
} header;

static size_t place(const header *h)
{
    return h->offset + (size_t)(h->at - h->text);
}

static tsr_status *unexpected(const header *h, const char *expected)
{
    size_t left = (size_t)(h->end - h->at), shown = left < MAX_SHOWN ? left : MAX_SHOWN;
    char text[MAX_SHOWN + 1];
    for (size_t i = 0; i < shown; i++)
        text[i] = h->at[i] >= ' ' && h->at[i] < 127 ? h->at[i] : '?';
    text[shown] = '\0';
    return tsr_fail(TSR_REFUSED, "%s: offset %zu: the header has \"%s\", expected %s", h->name, place(h),
                    text, expected);
}

static void skip_blanks(header *h)
{
    while (h->at < h->end && strchr(" \t\r\n", *h->at) && *h->at)
        h->at++;
}

static bool take(header *h, char c)
{
    skip_blanks(h);
    if (h->at == h->end || *h->at != c)
        return false;
    h->at++;
    return true;
}

static bool take_word(header *h, const char *word)
{
    size_t length = strlen(word);
    skip_blanks(h);
    if ((size_t)(h->end - h->at) < length || memcmp(h->at, word, length) != 0)
        return false;
    h->at += length;
    return true;
}

/* A string of at most `capacity` - 1 characters, without escapes. */
static tsr_status *read_string(header *h, size_t capacity, const char *expected, char *out)
{
    skip_blanks(h);
    const char *start = h->at;
    char quote = start < h->end ? *start : '\0';
    const char *stop =
        quote == '\'' || quote == '"' ? memchr(start + 1, quote, (size_t)(h->end - start - 1)) : NULL;
    if (!stop || (size_t)(stop - start - 1) >= capacity || memchr(start, '\\', (size_t)(stop - start)))
        return unexpected(h, expected);
    memcpy(out, start + 1, (size_t)(stop - start - 1));
    out[stop - start - 1] = '\0';
    h->at = stop + 1;
    return NULL;
}

static tsr_status *read_number(header *h, size_t *out)
{
    skip_blanks(h);
    const char *start = h->at;
    bool fits = true;
    *out = 0;
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
        fits = fits && !__builtin_mul_overflow(*out, (size_t)10, out) &&
               !__builtin_add_overflow(*out, (size_t)(*h->at - '0'), out);
    if (h->at == start || !fits) {
        h->at = start;
        return unexpected(h, fits ? "a number" : "a number that memory can hold");
    }
    take(h, 'L'); /* Python 2's long integers */
    return NULL;
}

static tsr_status *read_shape(header *h)
{
    if (!take(h, '('))
        return unexpected(h, "a tuple of numbers");
    for (h->n_dims = 0; !take(h, ')'); h->n_dims++) {
        if (h->n_dims == TSR_ARRAY_DIMS)
            return unexpected(h, "at most 8 dimensions");
        TSR_TRY(read_number(h, &h->dims[h->n_dims]));
        if (!take(h, ',')) {
            if (!take(h, ')'))
                return unexpected(h, "\",\" or \")\"");
            h->n_dims++;
            return NULL;
        }
    }
    return NULL;
}

static tsr_status *read_type(header *h)
{
    skip_blanks(h);
    if (h->at < h->end && *h->at == '[')
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: a structured array, expected one of plain numbers",
                        h->name, place(h));
    return read_string(h, MAX_DESCR, "a type such as '<f4'", h->descr);
}

static tsr_status *read_flag(header *h, bool *out)
{
    *out = take_word(h, "True");
    return *out || take_word(h, "False") ? NULL : unexpected(h, "True or False");
}

static tsr_status *read_entry(header *h, unsigned *seen)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    char key[16];
    TSR_TRY(read_string(h, sizeof(key), "'descr', 'fortran_order' or 'shape'", key));
    unsigned which = 0;
    while (which < 3 && strcmp(key, keys[which]) != 0)
        which++;
    if (which == 3 || *seen & 1u << which)
        return tsr_fail(TSR_REFUSED,
                        "%s: offset %zu: the header's key '%s' %s, expected 'descr', 'fortran_order' "
                        "and 'shape' once each",
                        h->name, place(h), tsr_line_shown(key), which == 3 ? "is unknown" : "comes twice");
    *seen |= 1u << which;
    if (!take(h, ':'))
        return unexpected(h, "\":\"");
    return which == 0 ? read_type(h) : which == 1 ? read_flag(h, &h->fortran) : read_shape(h);
}

static tsr_status *read_dictionary(header *h)
{
    unsigned seen = 0;
    if (!take(h, '{'))
        return unexpected(h, "\"{\"");
    while (!take(h, '}')) {
        TSR_TRY(read_entry(h, &seen));
        if (!take(h, ',')) {
            if (!take(h, '}'))
                return unexpected(h, "\",\" or \"}\"");
            break;
        }
    }
    skip_blanks(h);
    if (h->at < h->end)
        return unexpected(h, "nothing behind \"}\"");
    return seen == 7 ? NULL
                     : tsr_fail(TSR_REFUSED,
                                "%s: offset %zu: the header lacks one of 'descr', 'fortran_order' and "
                                "'shape'",
                                h->name, h->offset);
}

/* The header's place in the file. */
static tsr_status *find_header(const char *name, const unsigned char *bytes, size_t n, header *out)
{
    if (n < MAGIC_SIZE + 4 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return tsr_fail(TSR_REFUSED, "%s: offset 0: %s, expected a .npy file, which begins with \\x93NUMPY",
                        name,
                        n < MAGIC_SIZE + 4                    ? "too short"
                        : memcmp(bytes, "PK\x03\x04", 4) == 0 ? "a zip archive (.npz)"
                        : bytes[0] == 0x80 && bytes[1] <= 5   ? "a Python pickle"
                                                              : "another magic");
    unsigned major = bytes[MAGIC_SIZE], minor = bytes[MAGIC_SIZE + 1];
    if (major < 1 || major > 3 || minor != 0)
        return tsr_fail(TSR_REFUSED, "%s: offset %zu: version %u.%u of the format, expected 1.0, 2.0 or 3.0",
                        name, MAGIC_SIZE, major, minor);
    size_t start = MAGIC_SIZE + 2 + (major == 1 ? 2 : 4), length = 0;
    for (size_t i = start; n >= start && i-- > MAGIC_SIZE + 2;)
        length = length << 8 | bytes[i];
    if (n < start || length > n - start)
        return tsr_fail(TSR_REFUSED,
                        "%s: offset %zu: truncated: a header of %zu bytes, but the file holds %zu in all",
                        name, MAGIC_SIZE + 2, length, n);
    const char *text = (const char *)bytes + start;
    *out = (header){ .name = name, .text = text, .end = text + length, .at = text, .offset = start };
    return NULL;
}

static tsr_status *wrong_type(const header *h)
{
    char type = h->descr[0] && strchr("<>|=", h->descr[0]) ? h->descr[1] : h->descr[0];
    const char *what = type == 'O'                  ? "pickled Python objects, which are never loaded"
                       : type == 'c'                ? "complex numbers"
                       : type == 'U' || type == 'S' ? "text"
                       : type == 'M' || type == 'm' ? "times"
                                                    : "a type that is not read";
    return tsr_fail(TSR_REFUSED,
                    "%s: offset %zu: elements of type '%s': %s; expected bool, int8 to int64, uint8 to "
                    "uint64 or float16 to float64",
                    h->name, h->offset, tsr_line_shown(h->descr), what);
}

/* Element type and byte order of "<f4". */
static bool parse_type(const char *descr, tsr_array *out)
{
    static const char *const types[] = { "b1", "i1", "u1", "i2", "u2", "i4",
                                         "u4", "i8", "u8", "f2", "f4", "f8" };
    const char order = descr[0];
    const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    if (strcmp(descr, "?") == 0)
        descr = "|b1";
    else if (!order || !strchr("<>|=", order))
        return false;
    for (size_t i = 0; i < TSR_N_ELEMENTS; i++)
        if (strcmp(descr + 1, types[i]) == 0) {
            out->element = (tsr_element)i;
            out->swapped = (order == '<' && big) || (order == '>' && !big);
            return order != '|' || tsr_element_size(out->element) == 1;
        }
    return false;
}

static void dims_text(const header *h, size_t capacity, char *out)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < h->n_dims; i++) {
        int more = snprintf(out + used, capacity - used, i ? " x %zu" : "%zu", h->dims[i]);
        used += more > 0 ? (size_t)more : 0;
    }
}

/* Dims and strides, and that the file holds just these elements from `start` on. */
static tsr_status *lay_out(const header *h, size_t n, tsr_array *out)
{
    size_t size = tsr_element_size(out->element), bytes = size,
           start = (size_t)(h->end - h->text) + h->offset;
    bool fits = true, empty = false;
    out->n_dims = h->n_dims;
    for (size_t i = 0; i < h->n_dims; i++) {
        size_t d = h->fortran ? i : h->n_dims - 1 - i;
        out->dims[d] = h->dims[d];
        out->strides[d] = bytes;
        empty = empty || h->dims[d] == 0;
        fits = fits && !__builtin_mul_overflow(bytes, h->dims[d], &bytes);
    }
    out->offset = start;
    if (empty)
        bytes = 0;
    if ((fits || empty) && bytes == n - start)
        return NULL;
    char dims[TSR_ARRAY_DIMS * sizeof("18446744073709551615 x ")];
    dims_text(h, sizeof(dims), dims);
    if (!fits)
        return tsr_fail(TSR_REFUSED,
                        "%s: offset %zu: the header promises %s elements, more than memory can hold", h->name,
                        h->offset, dims);
    return tsr_fail(TSR_REFUSED, "%s: offset %zu: %s elements of %s take %zu bytes, but the file %s %zu",
                    h->name, start, h->n_dims ? dims : "1", tsr_element_name(out->element), bytes,
                    bytes > n - start ? "is truncated and holds only" : "holds", n - start);
}

static tsr_status *parse(const char *name, const unsigned char *bytes, size_t n, tsr_array *out)
{
    header h;
    TSR_TRY(find_header(name, bytes, n, &h));
    TSR_TRY(read_dictionary(&h));
    if (!parse_type(h.descr, out))
        return wrong_type(&h);
    TSR_TRY(lay_out(&h, n, out));
    out->bytes = bytes + out->offset;
    return NULL;
}

/* An array that is handed out, with the mapping that it frees. */
typedef struct owned_array {
    tsr_array array;
    void *mapping;
    size_t length;
} owned_array;

tsr_status *tsr_npy_parse(const char *name, const void *bytes, size_t n, tsr_array **out)
{
    owned_array *made = calloc(1, sizeof(*made));
    *out = NULL;
    if (!made)
        return tsr_no_memory(name);
    tsr_status *status = parse(name, bytes, n, &made->array);
    if (status)
        free(made);
    else
        *out = &made->array;
    return status;
}

static tsr_status *map(const char *path, int fd, void **mapping, size_t *length)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return tsr_fail(TSR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return tsr_fail(TSR_REFUSED, "%s: not a file, expected one in .npy format", path);
    if (info.st_size <= 0)
        return tsr_fail(TSR_REFUSED, "%s: offset 0: empty, expected a .npy file", path);
    *length = (size_t)info.st_size;
    *mapping = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, fd, 0);
    return *mapping == MAP_FAILED ? tsr_fail(TSR_IO, "%s: cannot be mapped: %s", path, strerror(errno))
                                  : NULL;
}

tsr_status *tsr_npy_open(const char *path, tsr_array **out)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang here */
    if (fd < 0)
        return tsr_fail(TSR_REFUSED, "%s: %s", path, strerror(errno));
    void *mapping = NULL;
    size_t length = 0;
    tsr_status *status = map(path, fd, &mapping, &length);
    close(fd);
    TSR_TRY(status);
    status = tsr_npy_parse(path, mapping, length, out);
    if (status) {
        munmap(mapping, length);
        return status;
    }
    owned_array *made = (owned_array *)*out;
    made->mapping = mapping;
    made->length = length;
    return NULL;
}

void tsr_array_free(tsr_array *array)
{
    owned_array *owned = (owned_array *)array;
    if (owned && owned->mapping)
        munmap(owned->mapping, owned->length);
    free(owned);
}
