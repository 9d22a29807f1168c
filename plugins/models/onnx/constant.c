#include "constant.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum type {
    FLOAT = 1,
    UINT8 = 2,
    INT8 = 3,
    UINT16 = 4,
    INT16 = 5,
    INT32 = 6,
    INT64 = 7,
    BOOL = 9,
    FLOAT16 = 10,
    DOUBLE = 11,
    UINT32 = 12,
    UINT64 = 13,
    BFLOAT16 = 16,
};

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

static bool is_real(int type)
{
    return type == FLOAT || type == FLOAT16 || type == DOUBLE || type == BFLOAT16;
}

static size_t width_of(int type)
{
    switch (type) {
    case UINT8:
    case INT8:
    case BOOL:
        return 1;
    case UINT16:
    case INT16:
    case FLOAT16:
    case BFLOAT16:
        return 2;
    case FLOAT:
    case INT32:
    case UINT32:
        return 4;
    case DOUBLE:
    case INT64:
    case UINT64:
        return 8;
    default:
        return 0;
    }
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
    case FLOAT:
        c->reals[i] = float_of_bits((uint32_t)bits);
        break;
    case FLOAT16:
        c->reals[i] = float_of_half((uint16_t)bits);
        break;
    case BFLOAT16:
        c->reals[i] = float_of_bits((uint32_t)bits << 16);
        break;
    case DOUBLE:
        memcpy(&wide, &bits, sizeof(wide));
        c->reals[i] = (float)wide;
        break;
    case INT8:
        c->integers[i] = (int8_t)bits;
        break;
    case INT16:
        c->integers[i] = (int16_t)bits;
        break;
    case INT32:
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
    size_t width = width_of(tensor->data_type);
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
    size_t offset = 0, expected = c->n * width_of(tensor->data_type), length = expected;
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

/* Which of the lists of a tensor without raw bytes holds elements of its type, and how many. */
static size_t listed(const Onnx__Tensor *tensor)
{
    switch (tensor->data_type) {
    case FLOAT:
        return tensor->n_float_data;
    case DOUBLE:
        return tensor->n_double_data;
    case INT64:
        return tensor->n_int64_data;
    case UINT32:
    case UINT64:
        return tensor->n_uint64_data;
    default:
        return tensor->n_int32_data;
    }
}

static void read_listed(const Onnx__Tensor *tensor, onnx_constant *c)
{
    for (size_t i = 0; i < c->n; i++)
        switch (tensor->data_type) {
        case FLOAT:
            c->reals[i] = tensor->float_data[i];
            break;
        case DOUBLE:
            c->reals[i] = (float)tensor->double_data[i];
            break;
        case INT64:
            c->integers[i] = tensor->int64_data[i];
            break;
        case UINT32:
        case UINT64:
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
    if (!width_of(tensor->data_type))
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
    if (tensor->has_raw_data && tensor->raw_data.len != *n * width_of(tensor->data_type))
        return lacks(tensor, tensor->raw_data.len, *n * width_of(tensor->data_type), "bytes");
    if (!tensor->has_raw_data && listed(tensor) != *n)
        return lacks(tensor, listed(tensor), *n, "values");
    return NULL;
}

size_t onnx_constant_size(const Onnx__Tensor *tensor, size_t max)
{
    size_t dims[ONNX_MAX_RANK], n;
    tsr_status *status = check_shape(tensor, dims, &n);
    bool good = !status && n <= max;
    tsr_status_free(status);
    return good ? n : max + 1;
}

tsr_status *onnx_constant_read(onnx_file *file, const Onnx__Tensor *tensor, onnx_constant **out)
{
    size_t dims[ONNX_MAX_RANK], n;
    *out = NULL;
    TSR_TRY(check_shape(tensor, dims, &n));
    if (n > MAX_ELEMENTS - file->n_read)
        return tsr_fail(TSR_REFUSED, "tensor '%s': all tensors have more than %zu values",
                        onnx_shown(tensor->name).chars, MAX_ELEMENTS);
    TSR_TRY(new_array(tensor->n_dims, dims, n, !is_real(tensor->data_type), out));
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
