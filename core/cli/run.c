/* tessera run: does the runs of an experiment that are not done yet, then the tables. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "cli/display.h"
#include "experiment/run.h"
#include "report/report.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/executor.h>
#include <unistd.h>

#define TABLE_WIDTH 120 /* where stdout is no terminal */

typedef struct options {
    const char *config, *output;
    const char **sets;
    size_t n_sets;
    tsr_shard shard;
    bool fresh, quiet;
} options;

/* One call of the command: what the executor's callbacks reach through the work that leads them here. */
typedef struct session {
    tsr_work work; /* first: the callbacks get a pointer to it */
    const tsr_experiment *experiment;
    tsr_store store;
    size_t *pending; /* numbers of the runs to do */
    tsr_progress progress;
    tsr_display display;
} session;

static volatile sig_atomic_t interrupt;

static void on_signal(int number)
{
    interrupt = number;
}

static tsr_status *do_run(const tsr_work *work, size_t i, int threads)
{
    const session *s = (const session *)work;
    return tsr_run_do(s->experiment, &s->store, &s->experiment->runs[s->pending[i]], threads,
                      &s->progress.runs[i]);
}

static tsr_status *lose_run(const tsr_work *work, size_t i, const char *reason)
{
    const session *s = (const session *)work;
    return tsr_run_lost(s->experiment, &s->store, &s->experiment->runs[s->pending[i]], reason,
                        &s->progress.runs[i]);
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

static tsr_status *parse_shard(const char *text, tsr_shard *out)
{
    unsigned long index, of;
    char rest;
    if (sscanf(text, "%lu/%lu%c", &index, &of, &rest) != 2 || index < 1 || of < 1 || index > of ||
        text[0] == '-')
        return tsr_fail(TSR_USAGE, "--shard %s: expected I/N with I from 1 to N, such as 2/8", text);
    *out = (tsr_shard){ .index = index - 1, .of = of };
    return NULL;
}

static tsr_status *parse(int argc, char **argv, options *out)
{
    static const struct option longs[] = { { "set", required_argument, NULL, 's' },
                                           { "output", required_argument, NULL, 'o' },
                                           { "jobs", required_argument, NULL, 'j' },
                                           { "shard", required_argument, NULL, 'S' },
                                           { "fresh", no_argument, NULL, 'f' },
                                           { "quiet", no_argument, NULL, 'q' },
                                           { NULL, 0, NULL, 0 } };
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
        else if (option == 'q')
            out->quiet = true;
        else
            return tsr_fail(TSR_USAGE, "see tessera run --help");
    }
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE, "tessera run: expected one CONFIG, not %d; see tessera run --help",
                        argc - optind);
    out->config = argv[optind];
    return NULL;
}

/* The runs of this shard that have no final outcome yet. */
static tsr_status *find_pending(session *s, tsr_shard shard)
{
    const tsr_experiment *experiment = s->experiment;
    s->pending = tsr_alloc(experiment->n_runs, sizeof(*s->pending));
    if (!s->pending)
        return tsr_no_memory("the runs");
    for (size_t i = shard.index; i < experiment->n_runs; i += shard.of) {
        json_t *outcome = tsr_store_get(&s->store, &experiment->runs[i]);
        if (!outcome || !tsr_outcome_is_final(outcome))
            s->pending[s->work.n++] = i;
        json_decref(outcome);
    }
    return NULL;
}

static tsr_status *execute(session *s, const options *given)
{
    const tsr_instance *executor = s->experiment->executor;
    const tsr_executor_ops *ops = tsr_instance_ops(executor);
    if (s->work.n == 0) {
        tsr_log_info("all runs are done already; --fresh does them again");
        return NULL;
    }
    TSR_TRY(tsr_progress_new(s->work.n, &s->progress));
    tsr_display_begin(&s->display, &s->progress, given->quiet);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    tsr_status *status = ops->execute(tsr_instance_self(executor), &s->work);
    tsr_display_end(&s->display);
    return tsr_context(status, "executor %s", tsr_instance_name(executor));
}

/* Says what failed and why, a line each; returns how many did. */
static size_t report_failures(const session *s, const json_t *outcomes)
{
    size_t failed = 0;
    for (size_t i = 0; i < json_array_size(outcomes); i++) {
        const json_t *outcome = json_array_get(outcomes, i);
        if (!json_is_object(outcome) || tsr_outcome_is_done(outcome))
            continue;
        const char *error = json_string_value(json_object_get(outcome, "error"));
        failed++;
        tsr_log_error("run %s %s: %s (%s/runs/%s/run.json)", s->experiment->runs[i].id,
                      json_string_value(json_object_get(outcome, "status")),
                      error ? error : "no reason was given", s->store.folder, s->experiment->runs[i].id);
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

static tsr_status *conclude(session *s, size_t *failed)
{
    json_t *outcomes = tsr_store_outcomes(&s->store, s->experiment);
    bool any = false;
    for (size_t i = 0; i < json_array_size(outcomes); i++)
        any = any || json_is_object(json_array_get(outcomes, i));
    tsr_status *status = tsr_store_write_csv(&s->store, s->experiment, outcomes);
    if (!status && any)
        status = present(s);
    if (!status) {
        printf("results in %s\n", s->store.folder);
        *failed = report_failures(s, outcomes);
    }
    json_decref(outcomes);
    return status;
}

static tsr_status *run(const options *given, size_t *failed)
{
    tsr_experiment *experiment;
    TSR_TRY(tsr_experiment_read(given->config, given->n_sets, given->sets, &experiment));
    session s = { .work = { .size = sizeof(tsr_work),
                            .run = do_run,
                            .lost = lose_run,
                            .tick = tick,
                            .interrupted = interrupted,
                            .cores = tsr_cores() },
                  .experiment = experiment,
                  .store = { .lock = -1, .shard_lock = -1 } };
    char *folder = given->output ? strdup(given->output) : tsr_path_join("results", experiment->name);
    tsr_status *status = folder ? tsr_store_open(folder, experiment, given->shard, given->fresh, &s.store)
                                : tsr_no_memory("a path");
    free(folder);
    if (!status)
        status = find_pending(&s, given->shard);
    if (!status)
        status = execute(&s, given);
    if (s.store.folder) {
        tsr_status *late = conclude(&s, failed);
        if (status)
            tsr_status_free(late);
        else
            status = late;
    }
    if (!status && interrupt)
        status =
            tsr_fail(TSR_INTERRUPTED, "interrupted; finished runs are kept, the same command does the rest");
    tsr_progress_clear(&s.progress);
    tsr_store_close(&s.store);
    free(s.pending);
    tsr_experiment_free(experiment);
    return status;
}

int tsr_cli_run(int argc, char **argv)
{
    options given;
    size_t failed = 0;
    tsr_status *status = parse(argc, argv, &given);
    tsr_log_set_quiet(given.quiet);
    if (!status)
        status = run(&given, &failed);
    free(given.sets);
    int exit_status = tsr_cli_report(status);
    return exit_status ? exit_status : failed ? TSR_EXIT_FAILED : 0;
}
