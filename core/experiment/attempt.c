/* A run in processes of its own: one that trains and probes, and one that waits for it. Where the first ends
   within a probe, the run is done again without that probe from that snapshot on, in a new process. The same
   training gives the same network, so nothing has to be kept for that, and a run whose probes behave pays for
   a fork alone. */
#include "experiment/attempt.h"

#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/process.h"
#include "base/surroundings.h"
#include "base/text.h"
#include "experiment/checkpoint.h"
#include "experiment/environment.h"
#include "experiment/record_make.h"
#include "plugin/kinds.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of two probes of one plugin, the label tells which. */
static void add_label(const tsr_run *run, size_t number, tsr_text *out)
{
    if (number < 1 || number > run->n_probes)
        return;
    const tsr_instance *probe = run->probes[number - 1];
    if (strcmp(tsr_probe_label(probe), tsr_instance_name(probe)) != 0)
        tsr_text_add(out, " labelled '%s'", tsr_probe_label(probe));
}

/* When it was, and in the run of which probe where several are alike. */
static void add_time(const tsr_run *run, tsr_run_progress *progress, bool in_call, tsr_text *out)
{
    int state = atomic_load(&progress->state);
    size_t epoch = atomic_load(&progress->epoch);
    add_label(run, atomic_load(&progress->probe), out);
    if (state == TSR_RUN_TRAINING)
        tsr_text_add(out, ", while training in epoch %zu", epoch + 1);
    else if (state == TSR_RUN_PROBING && in_call)
        tsr_text_add(out, ", after epoch %zu", epoch);
}

/* The reason, and what the run was at when its process ended: "killed by signal 11 (Segmentation fault), in
   update of optimizer adam (/path/adam.so), while training in epoch 3, in function step (adam.so+0x1139)".
   Probe and epoch are left out where `when` is false. NULL without memory. free() it. */
static char *reason_with_place(const char *reason, const tsr_run *run, tsr_run_progress *progress, bool when)
{
    tsr_text calls = { 0 }, text = { 0 };
    tsr_guard_describe(&progress->calls, &calls);
    tsr_text_add(&text, "%s", reason);
    if (calls.chars)
        tsr_text_add(&text, ", in %s", calls.chars);
    if (when)
        add_time(run, progress, calls.chars != NULL, &text);
    tsr_crash_describe(&progress->crash, &text);
    free(calls.chars);
    if (text.failed) {
        free(text.chars);
        return NULL;
    }
    return text.chars;
}

tsr_status *tsr_run_lost(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                         const char *predecessor, const char *given, bool again, tsr_run_progress *progress)
{
    char *reason = reason_with_place(given, run, progress, true);
    if (!reason)
        return tsr_no_memory("run.json");
    if (predecessor && strcmp(predecessor, run->id) == 0) {
        tsr_log_error("run %s: what it is to leave could not be made: %s", run->id, reason);
        free(reason);
        tsr_run_set_state(progress, TSR_RUN_FAILED);
        return NULL;
    }
    char *folder = tsr_store_run_folder(store, run);
    tsr_status *status = !folder ? NULL
                         : again ? tsr_checkpoint_leave(folder)
                                 : tsr_remove_tree(folder); /* it may be what has filled the disk */
    free(folder);
    json_t *record = status ? NULL : tsr_record_begin(experiment, run, "failed", reason);
    free(reason);
    TSR_TRY(status);
    if (!record)
        return tsr_no_memory("run.json");
    json_object_set_new(record, "snapshots", json_array());
    json_object_set_new(
        record, "environment",
        json_pack("{s:s, s:o}", "version", tsr_version(), "plugins", tsr_plugins_used(experiment->registry)));
    status = tsr_store_put(store, run->id, record);
    json_decref(record);
    if (!status)
        tsr_run_set_state(progress, TSR_RUN_FAILED);
    return status;
}

/* --- attempts --- */

typedef struct attempts {
    const tsr_experiment *experiment;
    const tsr_store *store;
    const tsr_run *run;
    const char *predecessor; /* or NULL */
    int threads;
    tsr_run_progress *progress;
    tsr_ended_probes ended; /* by the attempts before */
} attempts;

static tsr_status *do_here(const attempts *a)
{
    tsr_guard_use(&a->progress->calls);
    if (!tsr_process_is_single()) /* a debugger sees it itself */
        tsr_crash_watch(&a->progress->crash);
    tsr_guarded before = tsr_guard_enter(0);
    tsr_surroundings surroundings;
    tsr_surroundings_take(&surroundings);
    tsr_output_divert(); /* what plugins print */
    tsr_status *status =
        tsr_run_do(a->experiment, a->store, a->run, a->predecessor, a->threads, &a->ended, a->progress);
    tsr_output_restore();
    tsr_surroundings_restore(&surroundings); /* the executor, which may have this process, is not to blame */
    tsr_guard_leave(before);
    return status;
}

/* The process's whole life. Where the outcome cannot be stored, a shorter one, that says so, perhaps can. */
static _Noreturn void do_and_exit(const attempts *a, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    tsr_status *status = do_here(a), *lost = NULL;
    if (status)
        lost = tsr_run_lost(a->experiment, a->store, a->run, a->predecessor, tsr_status_message(status), true,
                            a->progress);
    if (lost)
        fprintf(stderr, "%s\n", tsr_status_message(status));
    fflush(NULL);
    _exit(lost ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* `ending` is as waitpid gives it. */
static tsr_status *attempt(const attempts *a, int *ending)
{
    pid_t parent = getpid();
    fflush(NULL); /* what is buffered would be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return tsr_fail(TSR_IO, "cannot start a process for a run: %s", strerror(errno));
    if (pid == 0)
        do_and_exit(a, parent);
    while (waitpid(pid, ending, 0) < 0)
        if (errno != EINTR)
            return tsr_fail(TSR_IO, "cannot wait for the process of a run: %s", strerror(errno));
    return NULL;
}

static bool is_over(const tsr_run_progress *progress)
{
    int state = atomic_load(&progress->state);
    return state == TSR_RUN_DONE || state == TSR_RUN_FAILED;
}

static void describe_ending(int ending, char *out, size_t size)
{
    if (WIFSIGNALED(ending))
        snprintf(out, size, "killed by signal %d (%s)%s", WTERMSIG(ending), strsignal(WTERMSIG(ending)),
                 WTERMSIG(ending) == SIGKILL ? ", perhaps for want of memory" : "");
    else
        snprintf(out, size, "its process ended with exit status %d and no outcome", WEXITSTATUS(ending));
}

/* By a signal that no fault of the run's own gives: for want of memory or time, or by somebody. */
static bool was_ended_from_outside(int ending)
{
    static const int signals[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU };
    bool found = false;
    for (size_t i = 0; WIFSIGNALED(ending) && i < sizeof(signals) / sizeof(*signals); i++)
        found = found || WTERMSIG(ending) == signals[i];
    return found;
}

/* Notes the probe that the process was in when it ended; false where it was in none, or where the table,
   which it may have damaged, names one that it was to leave out. */
static bool note_ended_probe(attempts *a, const char *reason)
{
    size_t number = atomic_load(&a->progress->probe), epoch = atomic_load(&a->progress->epoch);
    if (number < 1 || number > a->run->n_probes || a->ended.of[number - 1].reason)
        return false;
    tsr_ended_probe *ended = &a->ended.of[number - 1];
    ended->epoch = epoch;
    ended->reason = reason_with_place(reason, a->run, a->progress, false);
    return ended->reason != NULL;
}

static void begin_again(tsr_run_progress *progress)
{
    for (size_t i = 0; i < TSR_GUARD_THREADS; i++)
        atomic_store(&progress->calls.of_thread[i], 0);
    memset(&progress->crash, 0, sizeof(progress->crash));
    atomic_store(&progress->probe, 0);
    atomic_store(&progress->epoch, 0);
    tsr_run_set_state(progress, TSR_RUN_WAITING);
}

static tsr_status *attempt_until_over(attempts *a)
{
    for (;;) {
        int ending = 0;
        char reason[160];
        TSR_TRY(attempt(a, &ending));
        if (is_over(a->progress))
            return NULL;
        describe_ending(ending, reason, sizeof(reason));
        if (!note_ended_probe(a, reason))
            return tsr_run_lost(a->experiment, a->store, a->run, a->predecessor, reason,
                                was_ended_from_outside(ending), a->progress);
        begin_again(a->progress);
    }
}

tsr_status *tsr_run_attempt(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                            const char *predecessor, int threads, tsr_run_progress *progress)
{
    attempts a = { .experiment = experiment,
                   .store = store,
                   .run = run,
                   .predecessor = predecessor,
                   .threads = threads,
                   .progress = progress,
                   .ended = { .n = run->n_probes, .of = tsr_alloc(run->n_probes, sizeof(tsr_ended_probe)) } };
    if (!a.ended.of)
        return tsr_no_memory("a run");
    bool alone = tsr_process_is_single() || !tsr_guard_is_forked();
    void (*inherited)(int) = signal(SIGCHLD, SIG_DFL); /* ignored, ended processes could not be asked why */
    tsr_status *status = alone ? do_here(&a) : attempt_until_over(&a);
    signal(SIGCHLD, inherited);
    for (size_t i = 0; i < a.ended.n; i++)
        free(a.ended.of[i].reason);
    free(a.ended.of);
    return status;
}
