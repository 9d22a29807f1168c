/* Opening a session and closing it. */
#include "session/parts.h"

#include "base/guard.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static tsr_status *join(tsr_session *s)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    s->leads = true;
    if (!ops->join)
        return NULL;
    tsr_guarded before = tsr_instance_enter(executor, TSR_CALL_JOIN);
    tsr_status *status = ops->join(tsr_instance_self(executor), &s->leads);
    tsr_guard_leave(before);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

static tsr_status *list_pending(tsr_session *s, const tsr_mark *marks)
{
    s->pending = tsr_alloc(s->experiment->n_runs, sizeof(*s->pending));
    s->predecessors = tsr_alloc(s->experiment->n_runs, sizeof(*s->predecessors));
    if (!s->pending || !s->predecessors)
        return tsr_no_memory("the runs");
    for (size_t i = 0; i < s->experiment->n_runs; i++) {
        if (!marks[i].pending)
            continue;
        memcpy(s->predecessors[s->work.n], marks[i].predecessor, sizeof(marks[i].predecessor));
        s->pending[s->work.n++] = i;
        uint64_t digest; /* taken here, so that not each run's process takes it */
        TSR_TRY(tsr_data_digest(s->experiment->runs[i].data, &digest));
    }
    return NULL;
}

/* Gives all processes the leader's marks. */
static tsr_status *share(tsr_session *s, tsr_mark *marks, size_t n)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    if (!ops->share)
        return NULL;
    tsr_guarded before = tsr_instance_enter(executor, TSR_CALL_SHARE);
    tsr_status *status = ops->share(tsr_instance_self(executor), marks, n * sizeof(*marks));
    tsr_guard_leave(before);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

/* Opens the folder and finds what is to do. Only the leader looks: what the others would see might be
   further already. They hear of its failure too, and then have nothing to do. */
static tsr_status *prepare(tsr_session *s, const tsr_session_options *options)
{
    size_t n = s->experiment->n_runs;
    tsr_mark *marks = tsr_alloc(n, sizeof(*marks));
    if (!marks)
        return tsr_no_memory("the runs");
    tsr_store_options how = { .shard = s->shard, .fresh = options->fresh, .unlocked = options->unlocked };
    tsr_status *status = s->leads
                             ? tsr_store_open(options->folder, options->shown, s->experiment, &how, &s->store)
                             : tsr_store_join(options->folder, options->shown, &s->store);
    if (!status && s->leads)
        status = tsr_session_find_pending(s, options, marks);
    tsr_status *unshared = share(s, marks, n);
    if (status)
        tsr_status_free(unshared);
    else
        status = unshared;
    if (!status)
        status = list_pending(s, marks);
    free(marks);
    return status;
}

tsr_status *tsr_session_open(const tsr_experiment *experiment, const tsr_session_options *options,
                             tsr_session **out)
{
    *out = NULL;
    tsr_session *s = tsr_alloc(1, sizeof(*s));
    if (!s)
        return tsr_no_memory("a session");
    *s = (tsr_session){ .experiment = experiment,
                        .store = { .lock = -1, .shard_lock = -1, .table_lock = -1 },
                        .shard = options->shard,
                        .skim = { .skipped = tsr_skim_for_sessions },
                        .options = *options,
                        .records = tsr_alloc(experiment->n_runs, sizeof(*s->records)) };
    tsr_status *status = s->records ? join(s) : tsr_no_memory("the runs");
    if (!status)
        status = prepare(s, options);
    if (status)
        tsr_session_close(s);
    else
        *out = s;
    return status;
}

bool tsr_session_leads(const tsr_session *session)
{
    return session->leads;
}

size_t tsr_session_pending(const tsr_session *session)
{
    return session->work.n;
}

json_t *tsr_session_record(const tsr_session *session, size_t i)
{
    return session->records[i];
}

const tsr_store *tsr_session_store(const tsr_session *session)
{
    return &session->store;
}

void tsr_session_close(tsr_session *session)
{
    if (!session)
        return;
    for (size_t i = 0; session->records && i < session->experiment->n_runs; i++)
        json_decref(session->records[i]);
    free(session->records);
    tsr_skim_clear(&session->skim);
    json_decref(session->done);
    free(session->config_rest);
    free(session->told_in);
    tsr_progress_clear(&session->progress);
    tsr_store_close(&session->store);
    free(session->pending);
    free(session->predecessors);
    free(session->config);
    free(session->program);
    free(session->handed_on);
    free(session);
}
