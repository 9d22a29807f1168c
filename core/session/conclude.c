/* The end of a session: the records of all that is finished become the results. Those that were final when
   the session began are at hand; the others are read now. */
#include "session/parts.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/record.h"
#include "report/report.h"

#include <stdlib.h>
#include <sys/stat.h>

#define MAX_IDS_SHOWN 8 /* of runs in a message */

bool tsr_session_has_new_record(const tsr_session *s, const tsr_run *run)
{
    char *path = tsr_record_path(s->store.folder, run->id);
    struct stat info;
    bool found = path && stat(path, &info) == 0 &&
                 (info.st_mtim.tv_sec > s->began_at.tv_sec ||
                  (info.st_mtim.tv_sec == s->began_at.tv_sec && info.st_mtim.tv_nsec >= s->began_at.tv_nsec));
    free(path);
    return found;
}

static void report_handed_on(const tsr_session *s, size_t n)
{
    if (n)
        tsr_log_info("executor %s has handed on %zu of %zu runs, which are done by other commands; "
                     "'tessera report %s' shows what they have given",
                     tsr_instance_name(s->experiment->executor), n, s->work.n, s->store.shown);
}

/* An executor may be anybody's: the runs that it was given and has not done are said, and counted as failed,
   and so are runs that ended without a record that can be read. */
static size_t report_undone(const tsr_session *s)
{
    size_t undone = 0, handed_on = 0, lost = 0;
    bool stopped = tsr_session_interrupted(s);
    tsr_text ids = { 0 };
    for (size_t i = 0; s->began && !stopped && i < s->work.n; i++) {
        const tsr_run *run = &s->experiment->runs[s->pending[i]];
        if (s->work.finished(&s->work, i)) {
            if (!s->records[s->pending[i]])
                tsr_log_error("run %s has left no record (%s/runs/%s/run.json)", run->id, s->store.shown,
                              run->id);
            lost += !s->records[s->pending[i]];
            continue;
        }
        if (s->handed_on[i])
            handed_on++;
        else if (undone++ < MAX_IDS_SHOWN)
            tsr_text_add(&ids, " %s", run->id);
    }
    if (undone)
        tsr_log_error("executor %s did not do %zu of %zu runs:%s%s",
                      tsr_instance_name(s->experiment->executor), undone, s->work.n,
                      ids.chars ? ids.chars : "", undone > MAX_IDS_SHOWN ? " ..." : "");
    report_handed_on(s, handed_on);
    free(ids.chars);
    return undone + lost;
}

/* Says what failed of this shard's runs and why, a line each; returns how many did. */
static size_t report_failures(const tsr_session *s)
{
    size_t failed = 0;
    for (size_t i = s->shard.index; i < s->experiment->n_runs; i += s->shard.of) {
        const json_t *record = s->records[i];
        if (!record || tsr_record_is_done(record))
            continue;
        const char *error = json_string_value(json_object_get(record, "error"));
        failed++;
        tsr_log_error("run %s %s: %s (%s/runs/%s/run.json)", s->experiment->runs[i].id,
                      json_string_value(json_object_get(record, "status")),
                      error ? error : "no reason was given", s->store.shown, s->experiment->runs[i].id);
    }
    return failed;
}

static tsr_status *read_records(tsr_session *s)
{
    for (size_t i = 0; i < s->experiment->n_runs; i++)
        if (!s->records[i]) {
            TSR_TRY(tsr_session_read_record(s, &s->experiment->runs[i], &s->records[i]));
            tsr_session_settle(s, i);
        }
    return NULL;
}

/* *any: whether some run has left a record. */
static tsr_status *gather(const tsr_session *s, tsr_results **out, bool *any)
{
    const char **ids = tsr_alloc(s->experiment->n_runs, sizeof(*ids));
    size_t n = 0;
    *any = false;
    if (!ids)
        return tsr_no_memory("the runs");
    for (size_t i = 0; i < s->experiment->n_runs; i++)
        if (s->records[i])
            ids[n++] = s->experiment->runs[i].id;
    tsr_status *status = tsr_results_begin(s->store.folder, tsr_value_copy(s->experiment->resolved), out);
    if (!status) {
        (*out)->foreign = s->foreign;
        status = tsr_results_add_runs(*out, n, ids);
    }
    free(ids);
    *any = n > 0;
    return *any && !status ? tsr_results_end(*out) : status;
}

/* The summary, for the observer to show, and the page. */
static tsr_status *present(const tsr_results *results, const tsr_session_observer *observer)
{
    tsr_summary *summary = NULL;
    TSR_TRY(tsr_summary_new(results, &summary));
    tsr_status *status = tsr_report_write_summary(summary);
    if (!status) {
        if (observer->show)
            status = observer->show(observer->context, summary);
        tsr_status *unwritten = tsr_report_write_page(summary, NULL);
        if (status)
            tsr_status_free(unwritten);
        else
            status = unwritten;
    }
    tsr_summary_free(summary);
    return status;
}

static tsr_status *write_tables(tsr_session *s, const tsr_session_observer *observer)
{
    tsr_results *results = NULL;
    bool any;
    TSR_TRY(read_records(s));
    tsr_status *status = gather(s, &results, &any);
    if (!status)
        status = tsr_report_write_results(results);
    if (!status && any)
        status = present(results, observer);
    tsr_results_free(results);
    return status;
}

tsr_status *tsr_session_conclude(tsr_session *s, const tsr_session_observer *observer, size_t *failed)
{
    *failed = 0;
    TSR_TRY(tsr_store_begin_tables(&s->store));
    tsr_status *status = write_tables(s, observer);
    tsr_store_end_tables(&s->store);
    if (!status)
        *failed = report_failures(s) + report_undone(s);
    return status;
}
