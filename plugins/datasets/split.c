/* Samples in a random order, or in the file's, cut in two. */
#include "split.h"

#include <math.h>
#include <stdlib.h>
#include <tessera/rng.h>

#define SPLIT_STREAM UINT64_C(0x53504c495400) /* of the streams for data, apart from those of made samples   \
                                               */
#define ALMOST_NONE 1e-9                      /* 1 - 0.3 is a little less than 0.7 */

enum { BY_RANDOM, BY_LAST };
const char *const split_ways[] = { [BY_RANDOM] = "random", [BY_LAST] = "last", NULL };

tsr_status *split_samples(const split_choice *choice, const char *file, size_t n, size_t **order,
                          size_t *n_train)
{
    *order = NULL;
    *n_train = (size_t)floor((double)n * (1 - choice->test_fraction) + ALMOST_NONE);
    if (choice->test_fraction <= 0)
        return tsr_fail(TSR_REFUSED, "%s: no test samples: name a test file, or set test_fraction above 0",
                        file);
    if (*n_train == 0 || *n_train >= n)
        return tsr_fail(TSR_REFUSED,
                        "%s: of %zu samples, test_fraction = %g leaves %zu for training and %zu for testing, "
                        "expected at least 1 of each",
                        file, n, choice->test_fraction, *n_train, n - *n_train);
    size_t *made = n <= SIZE_MAX / sizeof(*made) ? malloc(n * sizeof(*made)) : NULL;
    if (!made)
        return tsr_fail(TSR_NO_MEMORY, "%s: not enough memory", file);
    for (size_t i = 0; i < n; i++)
        made[i] = i;
    if (choice->by == BY_RANDOM) {
        tsr_rng rng = tsr_rng_stream(choice->seed, TSR_FOR_DATA, SPLIT_STREAM);
        tsr_rng_shuffle(&rng, n, made);
    }
    *order = made;
    return NULL;
}
