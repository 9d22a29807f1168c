/* Arrays with a fence on both sides. The fence is NaN, so that reading it shows too, of a kind that nothing
   computes. */
#include "kit/array.h"

#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FENCE = 256 }; /* floats on each side */
#define FENCE_WORD UINT32_C(0xffe5a5a5)

static void raise_fence(float *fence)
{
    for (size_t i = 0; i < FENCE; i++)
        memcpy(&fence[i], &(uint32_t){ FENCE_WORD }, sizeof(float));
}

static bool stands(const float *fence)
{
    for (size_t i = 0; i < FENCE; i++)
        if (memcmp(&fence[i], &(uint32_t){ FENCE_WORD }, sizeof(float)) != 0)
            return false;
    return true;
}

tsr_status *tsr_kit_array_make(size_t n, tsr_kit_array *out)
{
    *out = (tsr_kit_array){ .n = n };
    if (n == 0)
        return NULL;
    float *memory =
        n < PTRDIFF_MAX / sizeof(float) - 2 * FENCE ? tsr_alloc(n + 2 * FENCE, sizeof(float)) : NULL;
    if (!memory)
        return tsr_no_memory("a trial");
    out->memory = memory;
    out->values = memory + FENCE;
    raise_fence(memory);
    raise_fence(out->values + n);
    tsr_kit_array_fill(out);
    return NULL;
}

void tsr_kit_array_clear(tsr_kit_array *array)
{
    free(array->memory);
    *array = (tsr_kit_array){ 0 };
}

void tsr_kit_array_fill(tsr_kit_array *array)
{
    for (size_t i = 0; i < array->n; i++)
        array->values[i] = NAN;
}

tsr_status *tsr_kit_array_check(const tsr_kit_array *array, const char *operation, const char *what)
{
    if (array->n == 0)
        return NULL;
    if (!stands(array->memory))
        return tsr_fail(TSR_FAILED, "%s writes before the beginning of %s, %zu floats", operation, what,
                        array->n);
    if (!stands(array->values + array->n))
        return tsr_fail(TSR_FAILED, "%s writes behind the end of %s, %zu floats", operation, what, array->n);
    return NULL;
}

tsr_status *tsr_kit_finite(size_t n, const float *values, const char *operation, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return tsr_fail(TSR_FAILED, "%s gives %s: value %zu of %s", operation,
                            isnan(values[i]) ? "NaN" : "an infinite number", i, what);
    return NULL;
}
