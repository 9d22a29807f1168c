/* Arrays with a fence on both sides: what a plugin writes before or behind one is seen. */
#ifndef TSR_KIT_ARRAY_H
#define TSR_KIT_ARRAY_H

#include <tessera/status.h>

/* n floats; zeroed: none, which everything takes. */
typedef struct tsr_kit_array {
    size_t n;
    float *values; /* 64-byte aligned; NULL: n is 0 */
    void *memory;
} tsr_kit_array;

/* Full of NaN. The caller clears. */
TSR_MUST_CHECK tsr_status *tsr_kit_array_make(size_t n, tsr_kit_array *out);
void tsr_kit_array_clear(tsr_kit_array *array);

/* Every value NaN again. */
void tsr_kit_array_fill(tsr_kit_array *array);

/* Fails where a fence was written to: "forward writes before the beginning of its output". */
TSR_MUST_CHECK tsr_status *tsr_kit_array_check(const tsr_kit_array *array, const char *operation,
                                               const char *what);

/* Fails at the first value that is not finite: "forward gives NaN: value 3 of its output". */
TSR_MUST_CHECK tsr_status *tsr_kit_finite(size_t n, const float *values, const char *operation,
                                          const char *what);

#endif
