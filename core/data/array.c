/* Elements of arrays as floats or doubles, in the array's row-major order whatever its strides. */
#include "data/array.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} elements[TSR_N_ELEMENTS] = {
    [TSR_ELEMENT_BOOL] = { "bool", 1 },       [TSR_ELEMENT_INT8] = { "int8", 1 },
    [TSR_ELEMENT_UINT8] = { "uint8", 1 },     [TSR_ELEMENT_INT16] = { "int16", 2 },
    [TSR_ELEMENT_UINT16] = { "uint16", 2 },   [TSR_ELEMENT_INT32] = { "int32", 4 },
    [TSR_ELEMENT_UINT32] = { "uint32", 4 },   [TSR_ELEMENT_INT64] = { "int64", 8 },
    [TSR_ELEMENT_UINT64] = { "uint64", 8 },   [TSR_ELEMENT_FLOAT16] = { "float16", 2 },
    [TSR_ELEMENT_FLOAT32] = { "float32", 4 }, [TSR_ELEMENT_FLOAT64] = { "float64", 8 },
};

const char *tsr_element_name(tsr_element element)
{
    return elements[element].name;
}

size_t tsr_element_size(tsr_element element)
{
    return elements[element].size;
}

size_t tsr_array_size(const tsr_array *array)
{
    size_t n = 1;
    for (size_t i = 0; i < array->n_dims; i++)
        n *= array->dims[i];
    return n;
}

/* IEEE 754 binary16. */
static double from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent == 31 ? (mantissa ? (double)NAN : (double)INFINITY)
                                    : ldexp(mantissa + 1024, exponent - 25);
    return bits >> 15 ? -value : value;
}

/* The element at `bytes`, in this machine's order or swapped. */
static double get(tsr_element element, bool swapped, const unsigned char *bytes)
{
    union {
        unsigned char bytes[8];
        int8_t i8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        float f32;
        double f64;
    } value;
    size_t size = elements[element].size;
    for (size_t i = 0; i < size; i++)
        value.bytes[i] = bytes[swapped ? size - 1 - i : i];
    switch (element) {
    case TSR_ELEMENT_BOOL:
        return value.bytes[0] != 0;
    case TSR_ELEMENT_INT8:
        return value.i8;
    case TSR_ELEMENT_INT16:
        return value.i16;
    case TSR_ELEMENT_UINT16:
        return value.u16;
    case TSR_ELEMENT_INT32:
        return value.i32;
    case TSR_ELEMENT_UINT32:
        return value.u32;
    case TSR_ELEMENT_INT64:
        return (double)value.i64;
    case TSR_ELEMENT_UINT64:
        return (double)value.u64;
    case TSR_ELEMENT_FLOAT16:
        return from_half(value.u16);
    case TSR_ELEMENT_FLOAT32:
        return (double)value.f32;
    case TSR_ELEMENT_FLOAT64:
        return value.f64;
    default:
        return value.bytes[0];
    }
}

/* Where in the array an element is. */
typedef struct position {
    const tsr_array *array;
    size_t index[TSR_ARRAY_DIMS], offset;
} position;

static position find(const tsr_array *array, size_t number)
{
    position at = { .array = array };
    for (size_t i = array->n_dims; i-- > 0;) {
        at.index[i] = number % array->dims[i];
        number /= array->dims[i];
        at.offset += at.index[i] * array->strides[i];
    }
    return at;
}

static void step(position *at)
{
    const tsr_array *array = at->array;
    for (size_t i = array->n_dims; i-- > 0;) {
        at->offset += array->strides[i];
        if (++at->index[i] < array->dims[i])
            return;
        at->offset -= array->dims[i] * array->strides[i];
        at->index[i] = 0;
    }
}

/* Elements of the last dimension that follow one another, from number `first` on: all where the array is
   row-major and in this machine's byte order, else none. */
static bool follows_on(const tsr_array *array)
{
    size_t stride = elements[array->element].size;
    for (size_t i = array->n_dims; i-- > 0;) {
        if (array->strides[i] != stride)
            return false;
        stride *= array->dims[i];
    }
    return !array->swapped;
}

/* The common case, a type at a time so that the compiler makes vectors of it. */
#define CONVERT(name, type)                                                                                  \
    static void name(size_t n, const unsigned char *bytes, float *out)                                       \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                                     \
            type value;                                                                                      \
            memcpy(&value, bytes + i * sizeof(value), sizeof(value));                                        \
            out[i] = (float)value;                                                                           \
        }                                                                                                    \
    }
CONVERT(convert_uint8, uint8_t)
CONVERT(convert_int16, int16_t)
CONVERT(convert_uint16, uint16_t)
CONVERT(convert_int32, int32_t)
CONVERT(convert_int64, int64_t)
CONVERT(convert_float32, float)
CONVERT(convert_float64, double)

typedef void (*converter)(size_t n, const unsigned char *bytes, float *out);
static const converter converters[TSR_N_ELEMENTS] = {
    [TSR_ELEMENT_UINT8] = convert_uint8,     [TSR_ELEMENT_INT16] = convert_int16,
    [TSR_ELEMENT_UINT16] = convert_uint16,   [TSR_ELEMENT_INT32] = convert_int32,
    [TSR_ELEMENT_INT64] = convert_int64,     [TSR_ELEMENT_FLOAT32] = convert_float32,
    [TSR_ELEMENT_FLOAT64] = convert_float64,
};

void tsr_array_floats(const tsr_array *array, size_t first, size_t n, float *out)
{
    converter convert = converters[array->element];
    if (n == 0)
        return;
    if (convert && follows_on(array)) {
        convert(n, array->bytes + first * elements[array->element].size, out);
        return;
    }
    position at = find(array, first);
    for (size_t i = 0; i < n; i++, step(&at))
        out[i] = (float)get(array->element, array->swapped, array->bytes + at.offset);
}

void tsr_array_doubles(const tsr_array *array, size_t first, size_t n, double *out)
{
    if (n == 0)
        return;
    position at = find(array, first);
    for (size_t i = 0; i < n; i++, step(&at))
        out[i] = get(array->element, array->swapped, array->bytes + at.offset);
}
