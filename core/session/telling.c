/* What a session tells of its progress, for tessera status: a file in the results folder, written anew every
   few seconds by the process that leads and taken away at the end. It is a courtesy: that it cannot be
   written is no failure. */
#include "session/parts.h"

#include "base/file.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SECONDS_BETWEEN 2
#define MAX_TOLD 1000 /* runs */

static char *path_of(const tsr_session *s)
{
    return s->shard.of == 1 ? tsr_format("%s/" TSR_FOLDER_PROGRESS, s->store.folder)
                            : tsr_format("%s/" TSR_FOLDER_PROGRESS "-%zu-of-%zu", s->store.folder,
                                         s->shard.index + 1, s->shard.of);
}

/* The runs that are being done. */
static json_t *list_runs(const tsr_session *s)
{
    json_t *out = json_array();
    for (size_t i = 0; i < s->progress.n && json_array_size(out) < MAX_TOLD; i++) {
        const tsr_run_progress *run = &s->progress.runs[i];
        int state = atomic_load(&run->state);
        if (state != TSR_RUN_TRAINING && state != TSR_RUN_PROBING)
            continue;
        json_array_append_new(out,
                              json_pack("{s:s, s:s, s:I, s:I}", "run", s->experiment->runs[s->pending[i]].id,
                                        "state", state == TSR_RUN_TRAINING ? "training" : "probing", "epoch",
                                        (json_int_t)atomic_load(&run->epoch), "epochs",
                                        (json_int_t)atomic_load(&run->epochs)));
    }
    return out;
}

static json_t *describe(const tsr_session *s)
{
    tsr_progress_view view = tsr_progress_look(&s->progress);
    double elapsed = tsr_seconds() - s->began_seconds,
           left = view.fraction > 0 ? elapsed * (1 - view.fraction) / view.fraction : NAN;
    struct utsname machine = { 0 };
    uname(&machine);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "host", machine.nodename, "process",
                     (json_int_t)getpid(), "time", (json_int_t)time(NULL), "runs", (json_int_t)s->progress.n,
                     "ended", (json_int_t)view.ended, "seconds_left",
                     isfinite(left) ? json_real(left) : json_null(), "running", list_runs(s));
}

void tsr_session_tell(tsr_session *s)
{
    double now = tsr_seconds();
    if (s->told_at > 0 && now - s->told_at < SECONDS_BETWEEN)
        return;
    s->told_at = now;
    if (!s->told_in)
        s->told_in = path_of(s);
    json_t *told = describe(s);
    char *text = told ? tsr_json_dump(told, JSON_INDENT(1)) : NULL;
    if (s->told_in && text)
        tsr_status_free(tsr_write_file(s->told_in, text, strlen(text)));
    free(text);
    json_decref(told);
}

void tsr_session_end_telling(const tsr_session *s)
{
    if (s->told_in)
        unlink(s->told_in);
}
