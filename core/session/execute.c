/* Having the runs done: what the executor gets, and what its callbacks do. */
#include "session/parts.h"

#include "base/guard.h"
#include "base/machine.h"
#include "base/output.h"
#include "experiment/record.h"
#include "experiment/run.h"
#include "plugin/kinds.h"

static tsr_status *do_run(const tsr_work *work, size_t i, int threads)
{
    const tsr_session *s = (const tsr_session *)work;
    const tsr_run *run = &s->experiment->runs[s->pending[i]];
    tsr_guard_use(&s->progress.runs[i].calls);
    tsr_guarded before = tsr_guard_enter(0);
    tsr_output_divert(); /* what plugins print */
    tsr_status *status = tsr_run_do(s->experiment, &s->store, run, threads, &s->progress.runs[i]);
    tsr_output_restore();
    tsr_guard_leave(before);
    return status;
}

static tsr_status *record_lost_run(const tsr_work *work, size_t i, const char *reason)
{
    const tsr_session *s = (const tsr_session *)work;
    return tsr_run_lost(s->experiment, &s->store, &s->experiment->runs[s->pending[i]], reason,
                        &s->progress.runs[i]);
}

/* Another process did the run: the display is to know. */
static void update_progress(const tsr_work *work, size_t i)
{
    const tsr_session *s = (const tsr_session *)work;
    json_t *record;
    tsr_status_free(tsr_store_get(&s->store, &s->experiment->runs[s->pending[i]], &record));
    atomic_store(&s->progress.runs[i].state, tsr_record_is_done(record) ? TSR_RUN_DONE : TSR_RUN_FAILED);
    json_decref(record);
}

static bool finished(const tsr_work *work, size_t i)
{
    int state = atomic_load(&((const tsr_session *)work)->progress.runs[i].state);
    return state == TSR_RUN_DONE || state == TSR_RUN_FAILED;
}

static void tick(const tsr_work *work)
{
    const tsr_session_observer *observer = ((const tsr_session *)work)->observer;
    if (observer->tick)
        observer->tick(observer->context);
}

static bool interrupted(const tsr_work *work)
{
    return tsr_session_interrupted((const tsr_session *)work);
}

bool tsr_session_interrupted(const tsr_session *session)
{
    const tsr_session_observer *observer = session->observer;
    return observer && observer->interrupted && observer->interrupted(observer->context);
}

static tsr_status *execute(tsr_session *s)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    s->began = true;
    clock_gettime(CLOCK_REALTIME_COARSE, &s->began_at); /* the clock of files */
    tsr_guarded before = tsr_instance_enter(executor, TSR_CALL_EXECUTE);
    tsr_status *status = ops->execute(tsr_instance_self(executor), &s->work);
    tsr_guard_leave(before);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

tsr_status *tsr_session_execute(tsr_session *s, const tsr_session_observer *observer)
{
    const tsr_executor_common *common = tsr_instance_common(s->experiment->executor);
    s->observer = observer;
    if (s->work.n == 0)
        return NULL;
    TSR_TRY(tsr_progress_new(s->work.n, &s->progress));
    s->work = (tsr_work){ .size = sizeof(tsr_work),
                          .n = s->work.n,
                          .run = do_run,
                          .lost = record_lost_run,
                          .tick = tick,
                          .interrupted = interrupted,
                          .cores = tsr_cores(),
                          .jobs = (size_t)common->jobs,
                          .seen = update_progress,
                          .finished = finished };
    if (observer->begin)
        observer->begin(observer->context, &s->progress);
    tsr_status *status = execute(s);
    if (observer->end)
        observer->end(observer->context);
    return status;
}
