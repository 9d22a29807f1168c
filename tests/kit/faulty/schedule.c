/* A schedule: one over the epoch; faults by name. */
#include "faulty.h"

enum { NEGATIVE = OWN, ENDLESS, STILL, COUNTS };
FAULTS("negative", "endless", "still", "counts");

static double factor(const void *self, const tsr_schedule_time *time)
{
    static size_t asked;
    const faulty *f = self;
    double extra = begin(f), value = 1 / (double)time->epoch;
    if (f->fault == NEGATIVE && time->epoch > 10)
        return -value;
    if (f->fault == ENDLESS && time->epoch == time->epochs)
        return 1 / (value - value);
    if (f->fault == COUNTS)
        return 1 / (double)++asked;
    return f->fault == STILL ? 0 : value + extra;
}

static const tsr_schedule_ops ops = { .factor = factor };
FAULTY(TSR_SCHEDULE_PLUGIN(&ops))
