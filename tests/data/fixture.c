/* The dataset "counted" (counted.c), opened: for tests of core/data. */
#include "data/fixture.h"

#include "base/text.h"

#include <stdlib.h>

tsr_instance *counted_instance(const char *settings)
{
    char *text = tsr_format("plugin = \"%s/tests/data/.libs/counted.so\"; %s", test_build(), settings);
    ck_assert_ptr_nonnull(text);
    tsr_instance *instance = test_instance(TSR_DATASET, text);
    free(text);
    return instance;
}

tsr_data *counted_open(const char *settings)
{
    tsr_data *data = NULL;
    ck_succeeds(tsr_data_open(counted_instance(settings), &data));
    return data;
}

static void free_instance(const tsr_instance *instance)
{
    tsr_instance_free(
        (tsr_instance *)(uintptr_t)instance); /* which counted_instance made and nobody else holds */
}

void counted_close(tsr_data *data)
{
    const tsr_instance *instance = data->instance;
    tsr_data_close(data);
    free_instance(instance);
}
