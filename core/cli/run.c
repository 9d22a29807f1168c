/* tessera run: reads the command line, has a session do the experiment, and prints. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/output.h"
#include "cli/amount.h"
#include "cli/display.h"
#include "cli/interrupt.h"
#include "session/session.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct options {
    const char *config, *output;
    const char **sets;
    size_t n_sets;
    tsr_session_options session;
    bool quiet;
} options;

static tsr_status *parse_shard(const char *text, tsr_shard *out)
{
    size_t index, of;
    const char *rest = tsr_cli_parse_count(text, TSR_MAX_RUNS, &index);
    if (!rest || *rest != '/' || !(rest = tsr_cli_parse_count(rest + 1, TSR_MAX_RUNS, &of)) || *rest ||
        index < 1 || index > of)
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
                                           { "redo-changed", no_argument, NULL, 'r' },
                                           { "keep", no_argument, NULL, 'k' },
                                           { "no-lock", no_argument, NULL, 'n' },
                                           { "quiet", no_argument, NULL, 'q' },
                                           { "retrain", no_argument, NULL, 't' },
                                           { NULL, 0, NULL, 0 } };
    *out = (options){ .session.shard = { 0, 1 }, .sets = tsr_alloc((size_t)argc, sizeof(char *)) };
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
            TSR_TRY(parse_shard(optarg, &out->session.shard));
        else if (option == 'f')
            out->session.fresh = true;
        else if (option == 'r')
            out->session.redo_changed = true;
        else if (option == 'k')
            out->session.keep_changed = true;
        else if (option == 'n')
            out->session.unlocked = true;
        else if (option == 't')
            out->session.retrain = true;
        else if (option == 'q')
            out->quiet = true;
        else
            return tsr_fail(TSR_USAGE, "see tessera run --help");
    }
    if (argc - optind != 1)
        return tsr_fail(TSR_USAGE,
                        "tessera run: expected one CONFIG or results folder, not %d; see tessera run --help",
                        argc - optind);
    if (out->session.fresh && out->session.shard.of > 1)
        return tsr_fail(TSR_USAGE,
                        "--fresh would remove what the other shards have done: expected it without "
                        "--shard; remove the results folder first");
    if (out->session.redo_changed && out->session.keep_changed)
        return tsr_fail(TSR_USAGE, "--redo-changed and --keep are opposites: expected one of them");
    if (out->output && !*out->output)
        return tsr_fail(TSR_USAGE, "tessera run: expected a folder behind -o");
    out->config = argv[optind];
    return NULL;
}

/* What the terminal shows. */
typedef struct watch {
    tsr_display display;
    bool quiet;
} watch;

static void begin(void *context, const tsr_progress *progress)
{
    watch *w = context;
    tsr_display_begin(&w->display, progress, w->quiet);
    tsr_guard_exit_status(TSR_EXIT_FAILED); /* from here on nothing is refused, it fails */
}

static void tick(void *context)
{
    tsr_display_tick(&((watch *)context)->display);
}

static void end(void *context)
{
    tsr_display_end(&((watch *)context)->display);
}

/* The first failure; the other is freed. */
static tsr_status *first_of(tsr_status *status, tsr_status *later)
{
    if (!status)
        return later;
    tsr_status_free(later);
    return status;
}

/* Where they are, and the page, which there is once some run has left a record. */
static tsr_status *tell_results(const char *folder)
{
    char *page = tsr_path_join(folder, "report.html");
    printf("results in %s\n", folder);
    if (!page)
        return tsr_no_memory("a path");
    if (access(page, R_OK) == 0)
        printf("report in %s\n", page);
    free(page);
    return NULL;
}

static tsr_status *do_runs(tsr_session *session, const options *given, size_t *failed)
{
    bool leads = tsr_session_leads(session);
    watch w = { .quiet = given->quiet || !leads };
    const tsr_session_observer observer = { .context = &w,
                                            .begin = begin,
                                            .tick = tick,
                                            .end = end,
                                            .interrupted = tsr_interrupt_came,
                                            .show = tsr_display_summary };
    if (tsr_session_pending(session)) {
        tsr_interrupt_watch();
    } else if (leads) {
        tsr_log_info("all runs are done already; --fresh does them again");
    }
    tsr_status *status = tsr_session_execute(session, &observer);
    if (!leads)
        return status;
    tsr_status *unwritten = tsr_session_conclude(session, &observer, failed);
    if (!unwritten)
        unwritten = tell_results(given->session.shown);
    status = first_of(status, unwritten);
    if (!status && tsr_interrupt_came(NULL))
        status =
            tsr_fail(TSR_INTERRUPTED, "interrupted; finished runs are kept, the same command does the rest");
    return status;
}

/* The exit status. From where runs have been done nothing is refused, it fails. */
static int run(const tsr_experiment *experiment, const options *given)
{
    tsr_session *session;
    tsr_status *status = tsr_session_open(experiment, &given->session, &session);
    if (status)
        return tsr_cli_report(status);
    bool begins = tsr_session_pending(session) > 0;
    size_t failed = 0;
    int exit_status = tsr_cli_report(do_runs(session, given, &failed));
    if ((exit_status == TSR_EXIT_DONE && failed) || (exit_status == TSR_EXIT_REFUSED && begins))
        exit_status = TSR_EXIT_FAILED;
    tsr_guard_exit_status(exit_status); /* what is done is done, whatever plugins do while they are cleared */
    tsr_session_close(session);
    return exit_status;
}

/* `here` is the working folder that the user called the command in, whatever plugins have made of it since.
 */
static int run_in_folder(const tsr_experiment *experiment, options *given, const char *here)
{
    char *shown = given->output ? strdup(given->output) : tsr_path_join("results", experiment->name);
    char *whole = shown ? tsr_path_resolve(shown, here) : NULL, *folder = NULL;
    tsr_status *status = whole ? tsr_path_real(whole, &folder) : tsr_no_memory("a path");
    given->session.folder = folder;
    given->session.shown = shown;
    int exit_status = status ? tsr_cli_report(status) : run(experiment, given);
    free(folder);
    free(whole);
    free(shown);
    return exit_status;
}

/* A results folder stands for its config.cfg, and is where the results go. free() *path. */
static tsr_status *find_config(options *given, char **path)
{
    struct stat info;
    *path = NULL;
    if (stat(given->config, &info) != 0 || !S_ISDIR(info.st_mode))
        return NULL;
    *path = tsr_path_join(given->config, "config.cfg");
    if (!*path)
        return tsr_no_memory("a path");
    if (access(*path, F_OK) != 0)
        return tsr_fail(TSR_REFUSED,
                        "%s: is a folder without a config.cfg: expected a config or a results folder",
                        given->config);
    if (!given->output)
        given->output = given->config;
    given->config = *path;
    return NULL;
}

static int read_and_run(options *given);

/* The exit status. */
static int do_experiment(options *given)
{
    char *path;
    tsr_status *status = find_config(given, &path);
    int exit_status = status ? tsr_cli_report(status) : read_and_run(given);
    free(path);
    return exit_status;
}

/* Reads the experiment and runs it; the exit status. */
static int read_and_run(options *given)
{
    tsr_experiment *experiment;
    char *here = getcwd(NULL, 0);
    tsr_status *status =
        here ? NULL : tsr_fail(TSR_REFUSED, "cannot get the working folder: %s", strerror(errno));
    tsr_output_divert(); /* what plugins print */
    if (!status)
        status = tsr_experiment_read(given->config, given->n_sets, given->sets, &experiment);
    tsr_output_restore();
    if (status) {
        free(here);
        return tsr_cli_report(status);
    }
    int exit_status = run_in_folder(experiment, given, here);
    free(here);
    tsr_output_divert();
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
