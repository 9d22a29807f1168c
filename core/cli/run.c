/* tessera run: does the runs of an experiment that are not done yet, then the tables. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "cli/display.h"
#include "experiment/identity.h"
#include "experiment/outcome.h"
#include "experiment/place.h"
#include "experiment/run.h"
#include "report/report.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tessera/executor.h>
#include <time.h>
#include <unistd.h>

#define MAX_IDS_SHOWN 8 /* of runs in a message */
#define TABLE_WIDTH 120 /* where stdout is no terminal */

typedef struct options {
    const char *config, *output;
    const char **sets;
    size_t n_sets;
    tsr_shard shard;
    bool fresh, quiet, redo_changed, keep_changed, unlocked;
} options;

/* One call of the command: what the executor's callbacks reach through the work that leads them here. */
typedef struct session {
    tsr_work work; /* first: the callbacks get a pointer to it */
    const tsr_experiment *experiment;
    tsr_store store;
    tsr_shard shard;
    bool leads;      /* of the processes that the user started together, this one has the say */
    size_t *pending; /* numbers of the runs to do */
    tsr_progress progress;
    tsr_display display;
    struct timespec began_at;
    bool began;    /* runs have been done: from here on nothing is refused, it fails */
    size_t failed; /* runs */
} session;

static volatile sig_atomic_t interrupt;

static void on_signal(int number)
{
    interrupt = number;
}

static tsr_status *do_run(const tsr_work *work, size_t i, int threads)
{
    const session *s = (const session *)work;
    const tsr_run *run = &s->experiment->runs[s->pending[i]];
    tsr_guarded before = tsr_guard_enter(
        (tsr_guarded){ .kind = "run", .name = run->id, .operation = "a plugin", .answers = true });
    tsr_output_divert(); /* what plugins print */
    tsr_status *status = tsr_run_do(s->experiment, &s->store, run, threads, &s->progress.runs[i]);
    tsr_output_restore();
    tsr_guard_leave(before);
    return status;
}

static tsr_status *lose_run(const tsr_work *work, size_t i, const char *reason)
{
    const session *s = (const session *)work;
    return tsr_run_lost(s->experiment, &s->store, &s->experiment->runs[s->pending[i]], reason,
                        &s->progress.runs[i]);
}

/* Another process did the run: the display is to know. */
static void see_run(const tsr_work *work, size_t i)
{
    const session *s = (const session *)work;
    json_t *outcome;
    tsr_status_free(tsr_store_get(&s->store, &s->experiment->runs[s->pending[i]], &outcome));
    atomic_store(&s->progress.runs[i].state, tsr_outcome_is_done(outcome) ? TSR_RUN_DONE : TSR_RUN_FAILED);
    json_decref(outcome);
}

static bool finished(const tsr_work *work, size_t i)
{
    int state = atomic_load(&((const session *)work)->progress.runs[i].state);
    return state == TSR_RUN_DONE || state == TSR_RUN_FAILED;
}

static void tick(const tsr_work *work)
{
    tsr_display_tick(&((session *)(uintptr_t)work)->display);
}

static bool interrupted(const tsr_work *work)
{
    (void)work;
    return interrupt != 0;
}

/* A count of at most 9 digits, which fits anywhere. Gives what follows it, NULL where there is none. */
static const char *parse_count(const char *text, size_t *out)
{
    size_t digits = strspn(text, "0123456789");
    *out = strtoul(text, NULL, 10);
    return digits > 0 && digits <= 9 ? text + digits : NULL;
}

static tsr_status *parse_shard(const char *text, tsr_shard *out)
{
    size_t index, of;
    const char *rest = parse_count(text, &index);
    if (!rest || *rest != '/' || !(rest = parse_count(rest + 1, &of)) || *rest || index < 1 || index > of)
        return tsr_fail(TSR_USAGE, "--shard %s: expected I/N with I from 1 to N, such as 2/8", text);
    *out = (tsr_shard){ .index = index - 1, .of = of };
    return NULL;
}

static tsr_status *parse(int argc, char **argv, options *out)
{
    static const struct option longs[] = {
        { "set", required_argument, NULL, 's' },  { "output", required_argument, NULL, 'o' },
        { "jobs", required_argument, NULL, 'j' }, { "shard", required_argument, NULL, 'S' },
        { "fresh", no_argument, NULL, 'f' },      { "redo-changed", no_argument, NULL, 'r' },
        { "keep", no_argument, NULL, 'k' },       { "no-lock", no_argument, NULL, 'n' },
        { "quiet", no_argument, NULL, 'q' },      { NULL, 0, NULL, 0 }
    };
    *out = (options){ .shard = { 0, 1 }, .sets = tsr_alloc((size_t)argc, sizeof(char *)) };
    if (!out->sets)
        return tsr_no_memory("the command line");
    int option;
    while ((option = getopt_long(argc, argv, "s:o:j:q", longs, NULL)) != -1) {
        if (option == 's')
            out->sets[out->n_sets++] = optarg;
        else if (option == 'o')
            out->output = optarg;
        else if (option == 'j') {
            static char jobs[64];
            snprintf(jobs, sizeof(jobs), "executor.jobs=%.40s", optarg);
            out->sets[out->n_sets++] = jobs;
        } else if (option == 'S')
            TSR_TRY(parse_shard(optarg, &out->shard));
        else if (option == 'f')
            out->fresh = true;
        else if (option == 'r')
            out->redo_changed = true;
        else if (option == 'k')
            out->keep_changed = true;
        else if (option == 'n')
            out->unlocked = true;
        else if (option == 'q')
            out->quiet = true;
        else
            return tsr_fail(TSR_USAGE, "see tessera run --help");
    }
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera run: expected one CONFIG, not %d; see tessera run --help",
                        argc - optind);
    if (out->fresh && out->shard.of > 1)
        return tsr_fail(TSR_USAGE,
                        "--fresh would remove what the other shards have done: expected it without "
                        "--shard; remove the results folder first");
    if (out->redo_changed && out->keep_changed)
        return tsr_fail(TSR_USAGE, "--redo-changed and --keep are opposites: expected one of them");
    if (out->output && !*out->output)
        return tsr_fail(TSR_USAGE, "tessera run: expected a folder behind -o");
    out->config = argv[optind];
    return NULL;
}

/* Runs that were finished with other data or plugins than there are now. */
typedef struct changes {
    size_t n;
    tsr_text first; /* what changed for the first of them, and its id */
} changes;

/* A finished run without a file that is asked for now has not left what is wanted. */
static const char *missing_file(const session *s, const tsr_run *run, const json_t *outcome)
{
    if (!tsr_outcome_is_done(outcome))
        return NULL;
    if (run->output.save_model && !tsr_store_has_file(&s->store, run, "model.safetensors"))
        return "model.safetensors";
    if (run->output.save_codes && !tsr_store_has_file(&s->store, run, "codes/train.npy"))
        return "codes/train.npy";
    return NULL;
}

/* Whether a finished run counts as it is; what speaks against it is noted. */
static tsr_status *judge(const session *s, const tsr_run *run, json_t *outcome, const options *given,
                         changes *changed, bool *counts)
{
    tsr_text difference = { 0 };
    const char *missing = missing_file(s, run, outcome);
    *counts = !missing;
    if (missing)
        tsr_log_info("run %s is done again: it has left no %s", run->id, missing);
    tsr_status *status = missing ? NULL : tsr_identity_compare(run, outcome, &difference);
    if (!status && difference.chars) {
        *counts = !given->redo_changed;
        if (changed->n++ == 0)
            tsr_text_add(&changed->first, "run %s: %s", run->id, difference.chars);
    }
    free(difference.chars);
    return status;
}

/* Marks the runs of this shard that are to be done; the others' records get their place in the sweep. */
static tsr_status *mark_pending(const session *s, const options *given, changes *changed, char *marks)
{
    const tsr_experiment *experiment = s->experiment;
    for (size_t i = s->shard.index; i < experiment->n_runs; i += s->shard.of) {
        const tsr_run *run = &experiment->runs[i];
        json_t *outcome;
        bool counts = false;
        TSR_TRY(tsr_store_get(&s->store, run, &outcome));
        tsr_status *status =
            tsr_outcome_is_final(outcome) ? judge(s, run, outcome, given, changed, &counts) : NULL;
        if (!status && counts)
            status = tsr_place_update(&s->store, experiment, run, outcome);
        marks[i] = !counts;
        json_decref(outcome);
        TSR_TRY(status);
    }
    return tsr_place_release(&s->store, experiment);
}

/* Results of two versions of a thing in one table are the user's decision. */
static tsr_status *decide_changed(const session *s, const options *given, const changes *changed)
{
    if (changed->n == 0)
        return NULL;
    const char *what = changed->first.chars ? changed->first.chars : "";
    if (given->redo_changed) {
        tsr_log_info("%zu finished run%s done again: %s", changed->n, changed->n == 1 ? " is" : "s are",
                     what);
        return NULL;
    }
    if (given->keep_changed) {
        tsr_log_warning("%zu finished run%s made with something else than there is now and kept: %s",
                        changed->n, changed->n == 1 ? " was" : "s were", what);
        return NULL;
    }
    return tsr_fail(
        TSR_REFUSED,
        "%s: %zu finished run%s made with something else than there is now: %s; do them again "
        "with --redo-changed, keep them as they are with --keep, or choose another folder with -o",
        s->store.shown, changed->n, changed->n == 1 ? " was" : "s were", what);
}

static tsr_status *find_pending(const session *s, const options *given, char *marks)
{
    changes changed = { 0 };
    tsr_status *status = mark_pending(s, given, &changed, marks);
    if (!status)
        status = decide_changed(s, given, &changed);
    free(changed.first.chars);
    return status;
}

static tsr_status *list_pending(session *s, const char *marks)
{
    s->pending = tsr_alloc(s->experiment->n_runs, sizeof(*s->pending));
    if (!s->pending)
        return tsr_no_memory("the runs");
    for (size_t i = 0; i < s->experiment->n_runs; i++) {
        if (!marks[i])
            continue;
        s->pending[s->work.n++] = i;
        uint64_t digest; /* taken here, so that not each run's process takes it */
        TSR_TRY(tsr_data_digest(s->experiment->runs[i].data, &digest));
    }
    return NULL;
}

/* Opens the folder and finds what is to do. Only the leader looks: what the others would see might be
   further already. They hear of its failure too, and then have nothing to do. */
static tsr_status *prepare(session *s, const char *folder, const char *shown, const options *given)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    size_t n = s->experiment->n_runs;
    char *marks = tsr_alloc(n, 1);
    if (!marks)
        return tsr_no_memory("the runs");
    tsr_store_options how = { .shard = s->shard, .fresh = given->fresh, .unlocked = given->unlocked };
    tsr_status *status = s->leads ? tsr_store_open(folder, shown, s->experiment, &how, &s->store)
                                  : tsr_store_join(folder, shown, &s->store);
    if (!status && s->leads)
        status = find_pending(s, given, marks);
    if (ops->share) {
        tsr_guarded before = tsr_instance_enter(executor, "share");
        tsr_status *alone = ops->share(tsr_instance_self(executor), marks, n);
        tsr_guard_leave(before);
        if (status)
            tsr_status_free(alone);
        else
            status = tsr_context(alone, "executor %s", tsr_instance_name(executor));
    }
    if (!status)
        status = list_pending(s, marks);
    free(marks);
    return status;
}

static tsr_status *join(session *s)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    s->leads = true;
    if (!ops->join)
        return NULL;
    tsr_guarded before = tsr_instance_enter(executor, "join");
    tsr_status *status = ops->join(tsr_instance_self(executor), &s->leads);
    tsr_guard_leave(before);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

/* A signal that whoever started the program has it ignore, as a shell does for jobs in the background, is
 * ignored. */
static void heed_signal(int number)
{
    struct sigaction before, action = { .sa_handler = on_signal };
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

static tsr_status *execute(session *s, bool quiet)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    if (s->work.n == 0) {
        if (s->leads)
            tsr_log_info("all runs are done already; --fresh does them again");
        return NULL;
    }
    TSR_TRY(tsr_progress_new(s->work.n, &s->progress));
    tsr_display_begin(&s->display, &s->progress, quiet || !s->leads);
    heed_signal(SIGINT);
    heed_signal(SIGTERM);
    s->began = true;
    clock_gettime(CLOCK_REALTIME_COARSE, &s->began_at); /* the clock of files */
    tsr_guard_exit_status(TSR_EXIT_FAILED);
    tsr_guarded before = tsr_instance_enter(executor, "execute");
    tsr_status *status = ops->execute(tsr_instance_self(executor), &s->work);
    tsr_guard_leave(before);
    tsr_display_end(&s->display);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

/* Whether the run's record was written since this command began to do runs. */
static bool has_new_record(const session *s, const tsr_run *run)
{
    char *path = tsr_format("%s/runs/%s/run.json", s->store.folder, run->id);
    struct stat info;
    bool found = path && stat(path, &info) == 0 &&
                 (info.st_mtim.tv_sec > s->began_at.tv_sec ||
                  (info.st_mtim.tv_sec == s->began_at.tv_sec && info.st_mtim.tv_nsec >= s->began_at.tv_nsec));
    free(path);
    return found;
}

/* An executor may be anybody's: the runs that it was given and has not done are said, and counted as failed.
 */
static size_t report_undone(const session *s)
{
    const tsr_executor_ops *ops = tsr_instance_ops(s->experiment->executor);
    size_t undone = 0;
    tsr_text ids = { 0 };
    if (ops->elsewhere)
        return 0;
    for (size_t i = 0; s->began && !interrupt && i < s->work.n; i++) {
        const tsr_run *run = &s->experiment->runs[s->pending[i]];
        if (finished(&s->work, i) || has_new_record(s, run))
            continue;
        if (undone++ < MAX_IDS_SHOWN)
            tsr_text_add(&ids, " %s", run->id);
    }
    if (undone)
        tsr_log_error("executor %s did not do %zu of %zu runs:%s%s",
                      tsr_instance_name(s->experiment->executor), undone, s->work.n,
                      ids.chars ? ids.chars : "", undone > MAX_IDS_SHOWN ? " ..." : "");
    free(ids.chars);
    return undone;
}

/* Says what failed of this shard's runs and why, a line each; returns how many did. */
static size_t report_failures(const session *s, const json_t *outcomes)
{
    size_t failed = 0;
    for (size_t i = s->shard.index; i < json_array_size(outcomes); i += s->shard.of) {
        const json_t *outcome = json_array_get(outcomes, i);
        if (!json_is_object(outcome) || tsr_outcome_is_done(outcome))
            continue;
        const char *error = json_string_value(json_object_get(outcome, "error"));
        failed++;
        tsr_log_error("run %s %s: %s (%s/runs/%s/run.json)", s->experiment->runs[i].id,
                      json_string_value(json_object_get(outcome, "status")),
                      error ? error : "no reason was given", s->store.shown, s->experiment->runs[i].id);
    }
    return failed;
}

/* The table, the summary and the page, from what is in the folder. */
static tsr_status *present(const session *s)
{
    tsr_results *results = NULL;
    tsr_summary *summary = NULL;
    tsr_text table = { 0 };
    tsr_status *status = tsr_results_read(s->store.folder, 0, NULL, &results);
    if (!status)
        status = tsr_summary_new(results, &summary);
    if (!status)
        status = tsr_report_write_summary(summary);
    if (!status) {
        tsr_summary_write_table(summary, tsr_terminal_width(STDOUT_FILENO, TABLE_WIDTH), &table);
        if (table.chars)
            printf("%s\n", table.chars);
        status = tsr_report_write_page(summary, NULL);
    }
    free(table.chars);
    tsr_summary_free(summary);
    tsr_results_free(results);
    return status;
}

/* The tables of all that is finished, whoever did it. */
static tsr_status *conclude(session *s)
{
    TSR_TRY(tsr_store_begin_tables(&s->store));
    json_t *outcomes;
    tsr_status *status = tsr_store_outcomes(&s->store, s->experiment, &outcomes);
    bool any = false;
    for (size_t i = 0; i < json_array_size(outcomes); i++)
        any = any || json_is_object(json_array_get(outcomes, i));
    if (!status)
        status = tsr_store_write_csv(&s->store, s->experiment, outcomes);
    if (!status && any)
        status = present(s);
    tsr_store_end_tables(&s->store);
    if (!status) {
        printf("results in %s\n", s->store.shown);
        s->failed = report_failures(s, outcomes) + report_undone(s);
    }
    json_decref(outcomes);
    return status;
}

/* `here` is the working folder that the user called the command in, whatever plugins have made of it since.
 */
static tsr_status *run(session *s, const options *given, const char *here)
{
    char *shown = given->output ? strdup(given->output) : tsr_path_join("results", s->experiment->name);
    char *folder = shown ? tsr_path_resolve(shown, here) : NULL;
    tsr_status *status = folder ? join(s) : tsr_no_memory("a path");
    if (!status)
        status = prepare(s, folder, shown, given);
    free(folder);
    free(shown);
    if (status)
        return status;
    status = execute(s, given->quiet);
    if (s->leads) {
        tsr_status *late = conclude(s);
        if (status)
            tsr_status_free(late);
        else
            status = late;
        if (!status && interrupt)
            status = tsr_fail(TSR_INTERRUPTED,
                              "interrupted; finished runs are kept, the same command does the rest");
    }
    return status;
}

static void session_clear(session *s)
{
    tsr_progress_clear(&s->progress);
    tsr_store_close(&s->store);
    free(s->pending);
}

/* Reads the experiment and runs it; the exit status. */
static int do_experiment(const options *given)
{
    tsr_experiment *experiment;
    char *here = getcwd(NULL, 0);
    tsr_status *status =
        here ? NULL : tsr_fail(TSR_REFUSED, "the working folder cannot be told: %s", strerror(errno));
    tsr_guard_begin(TSR_EXIT_REFUSED);
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_experiment_read(given->config, given->n_sets, given->sets, &experiment);
    tsr_output_restore();
    if (status) {
        free(here);
        return tsr_cli_report(status);
    }
    session s = { .work = { .size = sizeof(tsr_work),
                            .run = do_run,
                            .lost = lose_run,
                            .tick = tick,
                            .interrupted = interrupted,
                            .cores = tsr_cores(),
                            .seen = see_run,
                            .finished = finished },
                  .experiment = experiment,
                  .store = { .lock = -1, .shard_lock = -1, .table_lock = -1 },
                  .shard = given->shard };
    int exit_status = tsr_cli_report(run(&s, given, here));
    free(here);
    if ((exit_status == TSR_EXIT_DONE && s.failed) || (exit_status == TSR_EXIT_REFUSED && s.began))
        exit_status = TSR_EXIT_FAILED;
    tsr_guard_exit_status(exit_status); /* what is done is done, whatever plugins do while they are cleared */
    tsr_output_divert();
    session_clear(&s);
    tsr_experiment_free(experiment);
    tsr_output_restore();
    return exit_status;
}

int tsr_cli_run(int argc, char **argv)
{
    options given;
    tsr_status *status = parse(argc, argv, &given);
    tsr_log_set_quiet(given.quiet);
    int exit_status = status ? tsr_cli_report(status) : do_experiment(&given);
    free(given.sets);
    return exit_status;
}
