/* Arrays in .npy files (NumPy's format, versions 1 to 3), as Python programs leave them. A file is mapped,
   not read: an array takes no memory before its elements are wanted. Nothing in a file is run: pickled
   objects are refused. */
#ifndef TESSERA_NPY_H
#define TESSERA_NPY_H

#include <tessera/status.h>

TSR_BEGIN_DECLS

typedef enum tsr_element {
    TSR_ELEMENT_BOOL, /* a byte, 0 or 1 */
    TSR_ELEMENT_INT8,
    TSR_ELEMENT_UINT8,
    TSR_ELEMENT_INT16,
    TSR_ELEMENT_UINT16,
    TSR_ELEMENT_INT32,
    TSR_ELEMENT_UINT32,
    TSR_ELEMENT_INT64,
    TSR_ELEMENT_UINT64,
    TSR_ELEMENT_FLOAT16,
    TSR_ELEMENT_FLOAT32,
    TSR_ELEMENT_FLOAT64,
    TSR_N_ELEMENTS,
} tsr_element;

#define TSR_ARRAY_DIMS 8

/* An array, or a view of one: copy the structure and change dims and strides (as NumPy's transpose and
   reshape do), then call what follows on the copy, as long as the array lives. An array of no dimension is
   one element. */
typedef struct tsr_array {
    tsr_element element;
    bool swapped; /* bytes of an element are in the other order than this machine's */
    size_t n_dims, dims[TSR_ARRAY_DIMS];
    size_t strides[TSR_ARRAY_DIMS]; /* bytes from one index to the next */
    const unsigned char *bytes;     /* of the first element; at any alignment */
    size_t offset;                  /* of that in the file, for messages */
} tsr_array;

/* Maps the file. What is no .npy file, is truncated, holds more than its header says, or other elements than
   those above (complex numbers, dates, text, objects, structures) is refused, with the file's name and the
   offset. The caller frees the array. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_npy_open(const char *path, tsr_array **out);

/* The same of a file that is in memory, n bytes, which must outlive the array; `name` stands in messages.
   [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_npy_parse(const char *name, const void *bytes, size_t n,
                                                 tsr_array **out);

/* NULL is allowed; not for a view. [one-thread] */
TSR_API void tsr_array_free(tsr_array *array);

/* Elements in all. [any-thread] */
TSR_API size_t tsr_array_size(const tsr_array *array);

/* "float32", as NumPy calls it. [any-thread] */
TSR_API const char *tsr_element_name(tsr_element element);

/* n elements, from number `first` of the array's row-major order, rounded to float. first + n is at most
   tsr_array_size(). [any-thread] */
TSR_API void tsr_array_floats(const tsr_array *array, size_t first, size_t n, float *out);

/* The same as doubles, which hold every integer up to 2^53. [any-thread] */
TSR_API void tsr_array_doubles(const tsr_array *array, size_t first, size_t n, double *out);

/* An array as .npy: n_dims dims, row-major, elements of this machine's byte order at `values`. The file
   appears whole or not at all; a path with a link on the way to it is refused. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_npy_write(const char *path, tsr_element element, size_t n_dims,
                                                 const size_t *dims, const void *values);

TSR_END_DECLS
#endif
