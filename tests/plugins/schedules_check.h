/* What tests of schedules use. */
#ifndef TSR_TESTS_PLUGINS_SCHEDULES_CHECK_H
#define TSR_TESTS_PLUGINS_SCHEDULES_CHECK_H

#include "support.h"

/* The factor of step 1 of 10 in an epoch of so many. */
double factor_at(const tsr_instance *schedule, size_t epoch, size_t epochs);
double factor_of_step(const tsr_instance *schedule, size_t epoch, size_t epochs, size_t step, size_t steps);

#endif
