/* Having the runs done: what the executor gets, and what its callbacks do. */
#include "session/parts.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/process.h"
#include "experiment/attempt.h"
#include "experiment/record.h"
#include "plugin/kinds.h"

/* The run that it is taken over from; NULL: none. */
static const char *predecessor_of(const tsr_session *s, size_t i)
{
    return s->predecessors[i][0] ? s->predecessors[i] : NULL;
}

static tsr_status *do_run(const tsr_work *work, size_t i, int threads)
{
    const tsr_session *s = (const tsr_session *)work;
    const tsr_run *run = &s->experiment->runs[s->pending[i]];
    return tsr_run_attempt(s->experiment, &s->store, run, predecessor_of(s, i), threads,
                           &s->progress.runs[i]);
}

static tsr_status *record_lost_run(const tsr_work *work, size_t i, const char *reason)
{
    const tsr_session *s = (const tsr_session *)work;
    return tsr_run_lost(s->experiment, &s->store, &s->experiment->runs[s->pending[i]], predecessor_of(s, i),
                        reason, true, &s->progress.runs[i]);
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
    const tsr_session *s = (const tsr_session *)work;
    int state = atomic_load(&s->progress.runs[i].state);
    return state == TSR_RUN_DONE || state == TSR_RUN_FAILED ||
           tsr_session_has_new_record(s, &s->experiment->runs[s->pending[i]]);
}

static tsr_status *share_folder(const tsr_work *work)
{
    return tsr_store_share(&((tsr_session *)(uintptr_t)work)->store);
}

static void handed_on(const tsr_work *work, size_t i)
{
    ((const tsr_session *)work)->handed_on[i] = true;
}

static void tick(const tsr_work *work)
{
    const tsr_session_observer *observer = ((const tsr_session *)work)->observer;
    tsr_session_tell((tsr_session *)(uintptr_t)work);
    tsr_session_show_live((tsr_session *)(uintptr_t)work);
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
    s->began_seconds = tsr_seconds();
    clock_gettime(CLOCK_REALTIME_COARSE, &s->began_at); /* the clock of files */
    tsr_guarded before = tsr_instance_enter(executor, TSR_CALL_EXECUTE);
    tsr_status *status = ops->execute(tsr_instance_self(executor), &s->work);
    tsr_guard_leave(before);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

/* Of the command that does a shard: the folder says which experiment it is. */
static tsr_status *make_command(tsr_session *s)
{
    size_t n = 0;
    s->config = tsr_path_join(s->store.folder, "config.cfg");
    s->program = tsr_program_path();
    s->handed_on = tsr_alloc(s->work.n, sizeof(*s->handed_on));
    if (!s->config || !s->handed_on)
        return tsr_no_memory("a command");
    s->words[n++] = s->program ? s->program : "tessera";
    s->words[n++] = "run";
    s->words[n++] = s->store.folder;
    s->words[n++] = "-q";
    if (s->options.redo_changed)
        s->words[n++] = "--redo-changed";
    if (s->options.keep_changed)
        s->words[n++] = "--keep";
    if (s->options.unlocked)
        s->words[n++] = "--no-lock";
    s->words[n++] = "-s";
    s->words[n++] = "executor=" TSR_DEFAULT_EXECUTOR;
    s->words[n++] = "--shard";
    s->words[n] = NULL;
    return NULL;
}

/* Of several processes the first makes the page. */
static int seconds_of_live(const tsr_session *s)
{
    tsr_report_settings settings = { 0 };
    tsr_status *status = tsr_report_settings_read(s->experiment->resolved, &settings, NULL);
    bool none = status || !s->leads || s->shard.index > 0;
    tsr_status_free(status);
    return none ? 0 : settings.live;
}

tsr_status *tsr_session_execute(tsr_session *s, const tsr_session_observer *observer)
{
    const tsr_executor_common *common = tsr_instance_common(s->experiment->executor);
    s->observer = observer;
    if (s->work.n == 0)
        return NULL;
    TSR_TRY(tsr_progress_new(s->work.n, &s->progress));
    TSR_TRY(make_command(s));
    s->live.seconds = seconds_of_live(s);
    s->work = (tsr_work){ .size = sizeof(tsr_work),
                          .n = s->work.n,
                          .run = do_run,
                          .lost = record_lost_run,
                          .tick = tick,
                          .interrupted = interrupted,
                          .cores = tsr_cores(),
                          .jobs = (size_t)common->jobs,
                          .seen = update_progress,
                          .in_process = tsr_process_is_single(),
                          .finished = finished,
                          .folder = s->store.folder,
                          .config = s->config,
                          .command = s->words,
                          .n_all = s->experiment->n_runs,
                          .numbers = s->pending,
                          .share_folder = share_folder,
                          .handed_on = handed_on };
    if (observer->begin)
        observer->begin(observer->context, &s->progress);
    tsr_status *status = execute(s);
    tsr_session_end_telling(s);
    tsr_session_end_live(s);
    if (observer->end)
        observer->end(observer->context);
    return status;
}
