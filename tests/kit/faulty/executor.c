/* An executor: all runs in a row; faults by name. */
#include "faulty.h"

enum { TWICE = OWN, BEYOND, THREADS, DEAF };
FAULTS("twice", "beyond", "threads", "deaf");

static tsr_status *execute(const void *self, const tsr_work *work)
{
    const faulty *f = self;
    bool extra = begin(f) > 0;
    while (f->fault == DEAF && work->interrupted(work))
        continue;
    for (size_t i = 0; i < work->n && !work->interrupted(work); i++)
        TSR_TRY(work->run(work, f->fault == TWICE ? i / 2 : i, f->fault == THREADS ? 0 : 1));
    if (extra && work->n)
        TSR_TRY(work->run(work, 0, 1));
    return f->fault == BEYOND ? work->run(work, work->n, 1) : NULL;
}

static const tsr_executor_ops ops = { .execute = execute };
FAULTY(TSR_EXECUTOR_PLUGIN(&ops))
