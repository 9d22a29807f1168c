/* The page while a study runs: made anew now and then, by a process of its own, of what is finished. It is a
   courtesy: that it cannot be made is no failure, and the page at the end is made in any case. */
#include "session/parts.h"

#include "base/machine.h"
#include "base/process.h"
#include "report/report.h"

#include <sys/resource.h>

#define SHARE 10 /* the time between two pages is at least so many times the time that one takes */

static tsr_status *write_page(const tsr_session *s)
{
    tsr_results *results = NULL;
    tsr_summary *summary = NULL;
    tsr_status *status = tsr_results_read(s->store.folder, 0, NULL, &results);
    if (!status && results->n_runs)
        status = tsr_summary_new(results, &summary);
    if (!status && summary)
        status = tsr_report_write_page(summary, &(tsr_page_options){ .live = s->live.seconds });
    tsr_summary_free(summary);
    tsr_results_free(results);
    return status;
}

static int make_page(void *context)
{
    setpriority(PRIO_PROCESS, 0, 10);
    tsr_status *status = write_page(context);
    int failed = status ? 1 : 0;
    tsr_status_free(status);
    return failed;
}

static double since(double then)
{
    return tsr_seconds() - then;
}

void tsr_session_show_live(tsr_session *s)
{
    tsr_live *live = &s->live;
    if (live->seconds == 0 || s->work.in_process)
        return;
    if (live->process > 0) {
        if (!tsr_process_wait(live->process, 0))
            return;
        tsr_process_end(live->process);
        live->process = 0;
        live->took = since(live->last);
    }
    double wait = live->took * SHARE > live->seconds ? live->took * SHARE : live->seconds;
    if (since(live->last > 0 ? live->last : s->began_seconds) < wait)
        return;
    live->last = tsr_seconds();
    tsr_status *status = tsr_process_start(TSR_OUTPUT_NOWHERE, make_page, s, &live->process);
    if (status)
        live->seconds = 0;
    tsr_status_free(status);
}

void tsr_session_end_live(tsr_session *s)
{
    if (s->live.process > 0)
        tsr_process_end(s->live.process);
    s->live.process = 0;
}
