/* Arrays of codes and labels that another program made, as tessera probe takes them. */
#include "fuzz.h"

#include "codes/extract.h"
#include "codes/npy.h"

#include <stdlib.h>
#include <tessera/npy.h>

static const tsr_codes_form forms[] = { { 0 },
                                        { .packed = true },
                                        { .packed = true, .bits = 13 },
                                        { .packed = true, .bits = 13, .highest_first = true },
                                        { .has_threshold = true } };

static void read_in_each_form(const tsr_array *array)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        tsr_codes *codes = NULL, *none = NULL;
        if (fuzz_succeeds(tsr_codes_from_array(array, &forms[i], &codes)) &&
            fuzz_succeeds(tsr_codes_new(0, codes->bits, &none)))
            fuzz_succeeds(tsr_drop_constant(codes, none, NULL));
        tsr_codes_free(codes);
        tsr_codes_free(none);
    }
}

void fuzz_codes(const uint8_t *bytes, size_t length)
{
    fuzz_part parts[2];
    tsr_array *array = NULL;
    fuzz_split(bytes, length, 2, parts);
    if (fuzz_succeeds(tsr_npy_parse("codes.npy", parts[0].bytes, parts[0].length, &array)))
        read_in_each_form(array);
    tsr_array_free(array);
    int32_t *labels = NULL;
    array = NULL;
    if (fuzz_succeeds(tsr_npy_parse("labels.npy", parts[1].bytes, parts[1].length, &array)) &&
        fuzz_succeeds(tsr_labels_from_array(array, TSR_MAX_CLASSES - 1, &labels)))
        free(labels);
    tsr_array_free(array);
}
