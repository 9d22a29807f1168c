#include "constant.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The list of a tensor that holds elements of a type where there are no raw bytes. */
enum list { FLOATS, DOUBLES, INT32S, INT64S, UINT64S };

static const struct element {
    int type;
    size_t width; /* bytes of a raw one */
    bool is_real;
    enum list list;
} elements[] = {
    { ONNX_FLOAT, 4, true, FLOATS },    { ONNX_UINT8, 1, false, INT32S },
    { ONNX_INT8, 1, false, INT32S },    { ONNX_UINT16, 2, false, INT32S },
    { ONNX_INT16, 2, false, INT32S },   { ONNX_INT32, 4, false, INT32S },
    { ONNX_INT64, 8, false, INT64S },   { ONNX_BOOL, 1, false, INT32S },
    { ONNX_FLOAT16, 2, true, INT32S },  { ONNX_DOUBLE, 8, true, DOUBLES },
    { ONNX_UINT32, 4, false, UINT64S }, { ONNX_UINT64, 8, false, UINT64S },
    { ONNX_BFLOAT16, 2, true, INT32S },
};

/* NULL: it is not known here. */
static const struct element *element_of(int64_t type)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++)
        if (elements[i].type == type)
            return &elements[i];
    return NULL;
}

bool onnx_type_is_real(int64_t type)
{
    const struct element *e = element_of(type);
    return e && e->is_real;
}

#define EXTERNAL 1 /* a tensor's data_location */

#define MAX_ELEMENTS ((size_t)1 << 29) /* of all constants of a file */
#define FREELY_COMPUTED ((size_t)1 << 24)
#define COMPUTED_OF_EACH 4 /* that the file holds */

static tsr_status *new_array(size_t rank, const size_t *dims, size_t n, bool integers, onnx_constant **out)
{
    onnx_constant *c = *out = calloc(1, sizeof(*c));
    if (c) {
        c->rank = rank;
        c->n = n;
        if (rank)
            memcpy(c->dims, dims, rank * sizeof(*dims));
        if (integers)
            c->integers = calloc(n ? n : 1, sizeof(*c->integers));
        else
            c->reals = calloc(n ? n : 1, sizeof(*c->reals));
        if (c->integers || c->reals)
            return NULL;
    }
    free(c);
    *out = NULL;
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for a constant of %zu values", n);
}

/* How many elements; false: a dimension is too large, or more than MAX_ELEMENTS. */
static bool count(size_t rank, const size_t *dims, size_t *n)
{
    *n = 1;
    for (size_t i = 0; i < rank; i++)
        if (dims[i] > INT_MAX || __builtin_mul_overflow(*n, dims[i], n))
            return false;
    return *n <= MAX_ELEMENTS;
}

tsr_status *onnx_constant_new(onnx_file *file, size_t rank, const size_t *dims, bool integers,
                              onnx_constant **out)
{
    size_t n, allowed = FREELY_COMPUTED + COMPUTED_OF_EACH * file->n_read;
    *out = NULL;
    if (!count(rank, dims, &n) || n > allowed - file->n_computed)
        return tsr_fail(TSR_REFUSED,
                        "makes constants larger than is possible here: expected at most %zu values of all "
                        "nodes together",
                        allowed);
    file->n_computed += n;
    return new_array(rank, dims, n, integers, out);
}

void onnx_constant_free(onnx_constant *constant)
{
    if (!constant)
        return;
    free(constant->reals);
    free(constant->integers);
    free(constant);
}

/* --- elements --- */

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* IEEE 754 half precision: 5 bits of exponent, 10 of mantissa. */
static float float_of_half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits >> 15) << 31, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) {
        float small = (float)mantissa * 0x1p-24f;
        return sign ? -small : small;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* Little-endian bytes, whatever the machine's order. */
static uint64_t bits_at(const unsigned char *bytes, size_t width)
{
    uint64_t bits = 0;
    for (size_t i = width; i-- > 0;)
        bits = bits << 8 | bytes[i];
    return bits;
}

static void set_element(onnx_constant *c, size_t i, int type, uint64_t bits)
{
    double wide;
    switch (type) {
    case ONNX_FLOAT:
        c->reals[i] = float_of_bits((uint32_t)bits);
        break;
    case ONNX_FLOAT16:
        c->reals[i] = float_of_half((uint16_t)bits);
        break;
    case ONNX_BFLOAT16:
        c->reals[i] = float_of_bits((uint32_t)bits << 16);
        break;
    case ONNX_DOUBLE:
        memcpy(&wide, &bits, sizeof(wide));
        c->reals[i] = (float)wide;
        break;
    case ONNX_INT8:
        c->integers[i] = (int8_t)bits;
        break;
    case ONNX_INT16:
        c->integers[i] = (int16_t)bits;
        break;
    case ONNX_INT32:
        c->integers[i] = (int32_t)bits;
        break;
    default:
        c->integers[i] = (int64_t)bits;
    }
}

static tsr_status *lacks(const Onnx__Tensor *tensor, size_t have, size_t expected, const char *what)
{
    return tsr_fail(TSR_REFUSED, "tensor '%s' has %zu %s, expected %zu", onnx_shown(tensor->name).chars, have,
                    what, expected);
}

static void read_raw(const Onnx__Tensor *tensor, const unsigned char *bytes, onnx_constant *c)
{
    size_t width = element_of(tensor->data_type)->width;
    for (size_t i = 0; i < c->n; i++)
        set_element(c, i, tensor->data_type, bits_at(bytes + i * width, width));
}

static bool is_decimal(const char *text, size_t *out)
{
    size_t n = 0;
    bool good = *text != '\0';
    for (; good && *text; text++)
        good = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(n, (size_t)10, &n) &&
               !__builtin_add_overflow(n, (size_t)(*text - '0'), &n);
    *out = n;
    return good;
}

/* Data in another file: location, offset and length are texts. */
static tsr_status *read_external(const onnx_file *file, const Onnx__Tensor *tensor, onnx_constant *c)
{
    const char *location = "";
    size_t offset = 0, expected = c->n * element_of(tensor->data_type)->width, length = expected;
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = onnx_text(tensor->external_data[i]->key),
                   *value = onnx_text(tensor->external_data[i]->value);
        size_t *number = strcmp(key, "offset") == 0 ? &offset : strcmp(key, "length") == 0 ? &length : NULL;
        if (strcmp(key, "location") == 0)
            location = value;
        else if (number && !is_decimal(value, number))
            return tsr_fail(TSR_REFUSED, "tensor '%s': %s is '%s', expected a number of bytes",
                            onnx_shown(tensor->name).chars, key, onnx_shown(value).chars);
    }
    if (length != expected)
        return lacks(tensor, length, expected, "bytes");
    unsigned char *bytes;
    tsr_status *status = onnx_file_beside(file, location, offset, length, &bytes);
    if (!status)
        read_raw(tensor, bytes, c);
    free(bytes);
    return tsr_context(status, "tensor '%s'", onnx_shown(tensor->name).chars);
}

/* How many elements the list of a tensor's type holds. */
static size_t listed(const Onnx__Tensor *tensor)
{
    switch (element_of(tensor->data_type)->list) {
    case FLOATS:
        return tensor->n_float_data;
    case DOUBLES:
        return tensor->n_double_data;
    case INT64S:
        return tensor->n_int64_data;
    case UINT64S:
        return tensor->n_uint64_data;
    default:
        return tensor->n_int32_data;
    }
}

static void read_listed(const Onnx__Tensor *tensor, onnx_constant *c)
{
    enum list list = element_of(tensor->data_type)->list;
    for (size_t i = 0; i < c->n; i++)
        switch (list) {
        case FLOATS:
            c->reals[i] = tensor->float_data[i];
            break;
        case DOUBLES:
            c->reals[i] = (float)tensor->double_data[i];
            break;
        case INT64S:
            c->integers[i] = tensor->int64_data[i];
            break;
        case UINT64S:
            c->integers[i] = (int64_t)tensor->uint64_data[i];
            break;
        default:
            set_element(c, i, tensor->data_type, (uint64_t)(int64_t)tensor->int32_data[i]);
        }
}

/* What the file says of a tensor, before an array is made of it. */
static tsr_status *check_shape(const Onnx__Tensor *tensor, size_t *dims, size_t *n)
{
    onnx_shown_text name = onnx_shown(tensor->name);
    const struct element *element = element_of(tensor->data_type);
    if (!element)
        return tsr_fail(TSR_REFUSED, "tensor '%s' is of data type %d, expected floats, integers or bools",
                        name.chars, tensor->data_type);
    if (tensor->n_dims > ONNX_MAX_RANK)
        return tsr_fail(TSR_REFUSED, "tensor '%s' has %zu dimensions, expected at most %d", name.chars,
                        tensor->n_dims, ONNX_MAX_RANK);
    if (tensor->segment.len || tensor->segment.data)
        return tsr_fail(TSR_REFUSED, "tensor '%s' comes in segments, expected it whole", name.chars);
    for (size_t i = 0; i < tensor->n_dims; i++) {
        if (tensor->dims[i] < 0 || tensor->dims[i] > INT_MAX)
            return tsr_fail(TSR_REFUSED, "tensor '%s': dimension %zu is %lld, expected 0 to %d", name.chars,
                            i, (long long)tensor->dims[i], INT_MAX);
        dims[i] = (size_t)tensor->dims[i];
    }
    if (!count(tensor->n_dims, dims, n))
        return tsr_fail(TSR_REFUSED, "tensor '%s' has more than %zu values", name.chars, MAX_ELEMENTS);
    if (tensor->data_location == EXTERNAL)
        return NULL;
    if (tensor->has_raw_data && tensor->raw_data.len != *n * element->width)
        return lacks(tensor, tensor->raw_data.len, *n * element->width, "bytes");
    if (!tensor->has_raw_data && listed(tensor) != *n)
        return lacks(tensor, listed(tensor), *n, "values");
    return NULL;
}

bool onnx_constant_fits(const Onnx__Tensor *tensor, size_t max)
{
    size_t dims[ONNX_MAX_RANK], n;
    tsr_status *status = check_shape(tensor, dims, &n);
    bool fits = !status && n <= max;
    tsr_status_free(status);
    return fits;
}

void onnx_constant_take(onnx_constant *to, size_t at, const onnx_constant *from, size_t first, size_t n)
{
    if (n && to->integers)
        memcpy(to->integers + at, from->integers + first, n * sizeof(*to->integers));
    else if (n)
        memcpy(to->reals + at, from->reals + first, n * sizeof(*to->reals));
}

tsr_status *onnx_constant_read(onnx_file *file, const Onnx__Tensor *tensor, onnx_constant **out)
{
    size_t dims[ONNX_MAX_RANK], n;
    *out = NULL;
    TSR_TRY(check_shape(tensor, dims, &n));
    if (n > MAX_ELEMENTS - file->n_read)
        return tsr_fail(TSR_REFUSED, "tensor '%s': all tensors have more than %zu values",
                        onnx_shown(tensor->name).chars, MAX_ELEMENTS);
    TSR_TRY(new_array(tensor->n_dims, dims, n, !onnx_type_is_real(tensor->data_type), out));
    file->n_read += n;
    if (tensor->data_location != EXTERNAL && tensor->has_raw_data)
        read_raw(tensor, tensor->raw_data.data, *out);
    else if (tensor->data_location != EXTERNAL)
        read_listed(tensor, *out);
    tsr_status *status = tensor->data_location == EXTERNAL ? read_external(file, tensor, *out) : NULL;
    if (status) {
        onnx_constant_free(*out);
        *out = NULL;
    }
    return status;
}
