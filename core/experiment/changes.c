/* What plugins change in the process of a run. A full look costs some system calls: it is taken after the
   first calls of each operation and, as it is called again, after every call whose number is a power of two;
   the processor's modes, which decide about results and cost nothing to look at, after each. */
#include "experiment/changes.h"

#include "base/guard.h"
#include "base/log.h"
#include "base/surroundings.h"
#include "base/text.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OFTEN = 16 /* calls of an operation that are all looked at */, MAX_WARNINGS = 16 };

static struct {
    pthread_mutex_t one_at_a_time;
    tsr_surroundings start;
    int folder, streams[TSR_STANDARD_STREAMS]; /* to go back to; -1: there is none */
    uint64_t calls[256];                       /* by operation */
    json_t *warnings;
    tsr_status *doubt;
} watched = { .one_at_a_time = PTHREAD_MUTEX_INITIALIZER };

/* What is to be found in this thread: its own part as it was before its first call that was watched. */
static _Thread_local tsr_surroundings expected;
static _Thread_local bool is_known;

/* A stream's flags are its file's, which other processes have open too: what becomes of them tells nothing.
 */
static void take(tsr_surroundings *out)
{
    tsr_surroundings_take(out);
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        out->streams[fd].flags = 0;
}

static void put_back(const tsr_surroundings *now)
{
    tsr_surroundings_restore(&expected);
    if (now->folder != watched.start.folder && watched.folder >= 0 && fchdir(watched.folder) != 0) {
        /* It has been removed: there is nothing to go back to. */
    }
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        if (watched.streams[fd] >= 0 &&
            memcmp(&now->streams[fd], &watched.start.streams[fd], sizeof(*now->streams)))
            dup2(watched.streams[fd], fd);
}

static void warn(const char *text)
{
    size_t n = json_array_size(watched.warnings);
    for (size_t i = 0; i < n; i++)
        if (strcmp(json_string_value(json_array_get(watched.warnings, i)), text) == 0)
            return;
    if (n < MAX_WARNINGS && json_array_append_new(watched.warnings, json_string(text)) == 0)
        tsr_log_warning("%s", text);
}

/* `call` has just ended; 0: it was changed by one that was not looked at. */
static void tell(tsr_call call, const tsr_surroundings *now, const char *what)
{
    tsr_text text = { 0 };
    if (call)
        tsr_guard_describe_with(call, &text);
    else
        tsr_text_add(&text, "a plugin");
    bool doubtful = tsr_surroundings_doubtful(&expected, now);
    tsr_text_add(&text, " has changed %s%s", what,
                 doubtful ? ", so that results are in doubt" : "; it is put back, and the run goes on");
    if (text.chars && doubtful && !watched.doubt)
        watched.doubt = tsr_fail(TSR_FAILED, "%s", text.chars);
    else if (text.chars && !doubtful)
        warn(text.chars);
    free(text.chars);
}

static void look(tsr_call call)
{
    tsr_surroundings now;
    tsr_text what = { 0 };
    take(&now);
    if (tsr_surroundings_differ(&expected, &now, &what)) {
        put_back(&now); /* first: the warning needs standard error */
        tell(call, &now, what.chars ? what.chars : "something");
    }
    free(what.chars);
}

static void expect(void)
{
    tsr_surroundings now;
    take(&now);
    expected = watched.start;
    tsr_surroundings_of_thread(&now, &expected);
    is_known = true;
}

static void after_call(tsr_call ended, tsr_call begins)
{
    pthread_mutex_lock(&watched.one_at_a_time);
    if (!is_known)
        expect();
    uint64_t ended_before = ended ? watched.calls[ended & 0xff]++ : 0;
    bool in_full = ended_before < OFTEN || (ended_before & (ended_before - 1)) == 0;
    if (ended && (in_full || !tsr_surroundings_same_modes(&expected)))
        look(ended);
    else if (begins && watched.calls[begins & 0xff] < OFTEN)
        look(0);
    pthread_mutex_unlock(&watched.one_at_a_time);
}

void tsr_changes_watch(void)
{
    take(&watched.start);
    memset(watched.calls, 0, sizeof(watched.calls));
    watched.folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        watched.streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, TSR_STANDARD_STREAMS);
    watched.warnings = json_array();
    watched.doubt = NULL;
    expected = watched.start;
    is_known = true;
    tsr_guard_watch_calls(after_call);
}

tsr_status *tsr_changes_end(json_t **warnings)
{
    tsr_guard_watch_calls(NULL);
    if (watched.folder >= 0)
        close(watched.folder);
    for (int fd = 0; fd < TSR_STANDARD_STREAMS; fd++)
        if (watched.streams[fd] >= 0)
            close(watched.streams[fd]);
    *warnings = watched.warnings;
    tsr_status *status = watched.doubt;
    watched.warnings = NULL;
    watched.doubt = NULL;
    return status;
}

bool tsr_changes_doubtful(void)
{
    return watched.doubt != NULL;
}

json_t *tsr_changes_warnings(void)
{
    return watched.warnings;
}
