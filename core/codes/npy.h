/* Codes and labels as NumPy's .npy files, written whole or not at all, and read from where others left them.
 */
#ifndef TSR_CODES_NPY_H
#define TSR_CODES_NPY_H

#include <tessera/codes.h>

/* uint8 (n, ceil(bits / 8)), little bit order: numpy.unpackbits(a, axis=1, bitorder="little", count=bits). */
TSR_MUST_CHECK tsr_status *tsr_npy_write_codes(const char *path, const tsr_codes *codes);

/* int32 (n,). */
TSR_MUST_CHECK tsr_status *tsr_npy_write_labels(const char *path, size_t n, const int32_t *labels);

/* Labels of an array, (n,): whole numbers from 0 to `most`, copied. What is none is refused with its index.
   free() them. */
TSR_MUST_CHECK tsr_status *tsr_labels_from_array(const tsr_array *array, int32_t most, int32_t **out);

#endif
