/* The dataset "counted" (counted.c), opened: for tests of core/data. */
#ifndef TSR_TESTS_DATA_FIXTURE_H
#define TSR_TESTS_DATA_FIXTURE_H

#include "data/samples.h"
#include "support.h"

/* Configured by `settings`, such as "train = 10;". free with tsr_instance_free. */
tsr_instance *counted_instance(const char *settings);

/* The same, opened. Freed, instance and all, with counted_close. */
tsr_data *counted_open(const char *settings);
void counted_close(tsr_data *data);

#endif
