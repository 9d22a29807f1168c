/* What tests of schedules use. */
#include "schedules_check.h"

double factor_of_step(const tsr_instance *schedule, size_t epoch, size_t epochs, size_t step, size_t steps)
{
    const tsr_schedule_ops *ops = tsr_instance_ops(schedule);
    return ops->factor(
        tsr_instance_self(schedule),
        &(tsr_schedule_time){ .epoch = epoch, .epochs = epochs, .step = step, .steps = steps });
}

double factor_at(const tsr_instance *schedule, size_t epoch, size_t epochs)
{
    return factor_of_step(schedule, epoch, epochs, 1, 10);
}
