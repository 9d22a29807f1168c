/* Running checks: every plugin of a file, every check of its kind after those of all kinds, each in a child
   process that loads nothing anew, and a line of TAP for each. */
#include "kit/kit.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "config/read.h"
#include "kit/found.h"
#include "plugin/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIMIT 30000 /* milliseconds of a check for which nobody sets any */

/* --- running them --- */

#define LOADS "loads, and its declarations are well formed"

/* How it goes. */
typedef struct tally {
    const tsr_kit_request *request;
    size_t done, failed;
    size_t of_plugin, failed_of_plugin;
    bool late;        /* a check of the plugin did not end in time */
    bool found;       /* the check that alone is wanted */
    tsr_calls *calls; /* what the process of a check notes; NULL: no memory */
} tally;

/* The message goes below the line, each of its lines a comment. */
static void report(tally *sum, const char *label, const char *claim, const char *remark, tsr_status *status)
{
    sum->done++;
    sum->of_plugin++;
    sum->failed += status != NULL;
    sum->failed_of_plugin += status != NULL;
    printf("%s %zu - %s %s", status ? "not ok" : "ok", sum->done, label, claim);
    if (!status && remark && *remark)
        printf(" # %s", remark);
    printf("\n");
    if (status) {
        const char *line = tsr_status_message(status);
        for (size_t n; *line; line += n + (line[n] == '\n')) {
            n = strcspn(line, "\n");
            printf("# %.*s\n", (int)n, line);
        }
    }
    fflush(stdout);
    tsr_status_free(status);
}

typedef struct job {
    tsr_kit *kit;
    const tsr_kit_check *check;
} job;

static tsr_status *run_check(void *context, char **text)
{
    job *work = context;
    TSR_TRY(work->check->run(work->kit));
    const tsr_kit *kit = work->kit;
    *text = kit->skipped ? tsr_format("SKIP %s", kit->skipped) : kit->note[0] ? strdup(kit->note) : NULL;
    return NULL;
}

static void run_one(tsr_kit *kit, const tsr_kit_check *check, tally *sum)
{
    job work = { kit, check };
    int limit = check->limit ? check->limit : sum->request->limit ? sum->request->limit : LIMIT;
    tsr_isolate_words words = { kit->what, "in this check", "run the check under a debugger or a sanitizer",
                                sum->calls };
    char *remark = NULL;
    fflush(stdout);
    if (sum->calls)
        memset(sum->calls, 0, sizeof(*sum->calls));
    int64_t deadline = tsr_process_clock() + limit;
    tsr_status *status = tsr_isolate(&words, limit, true, run_check, &work, &remark);
    sum->late = status && tsr_process_clock() >= deadline;
    report(sum, kit->label, check->claim, remark, status);
    free(remark);
    kit->skipped = NULL;
    kit->note[0] = '\0';
}

static bool is_wanted(const tally *sum, const tsr_kit_check *check)
{
    const char *only = sum->request->check;
    return !only || (check->name && strcmp(check->name, only) == 0);
}

/* What hangs in one check mostly hangs in all: the limit is waited for once. */
static void run_checks(tsr_kit *kit, const tsr_kit_check *checks, tally *sum)
{
    for (; checks->claim; checks++) {
        if (!is_wanted(sum, checks))
            continue;
        sum->found = true;
        if (sum->late)
            report(sum, kit->label, checks->claim, "SKIP an earlier check took too long", NULL);
        else
            run_one(kit, checks, sum);
    }
}

static tsr_status *set_up(const char *word, const tsr_kit_request *request, tsr_value **out)
{
    size_t n = request->n_settings;
    char *plugin = tsr_format("plugin=\"%s\"", word);
    const char **all = tsr_alloc(n + 1, sizeof(*all));
    tsr_status *status = plugin && all ? NULL : tsr_no_memory("settings");
    if (!status) {
        for (size_t i = 0; i < n; i++)
            all[i] = request->settings[i];
        all[n] = plugin;
        status = tsr_config_make(n + 1, all, out);
    }
    free(plugin);
    free(all);
    return status;
}

static void run_all(tsr_kit *kit, tally *sum)
{
    sum->of_plugin = sum->failed_of_plugin = 0;
    sum->late = false;
    if (!sum->request->check)
        report(sum, kit->label, LOADS, NULL, NULL);
    run_checks(kit, tsr_kit_common, sum);
    run_checks(kit, tsr_kit_kind_of(kit->kind)->checks, sum);
}

/* The plugin gets its number here, where its calls are told of, before any process of a check. */
static tsr_status *note_plugin(const tsr_kit *kit, const char *file)
{
    char *path;
    TSR_TRY(tsr_registry_locate(kit->registry, kit->kind, &(tsr_plugin_word){ (char *)(uintptr_t)file, NULL },
                                &path));
    tsr_guard_plugin(path, tsr_kind_get(kit->kind)->name, kit->name);
    free(path);
    return NULL;
}

static tsr_status *test_plugin(tsr_kit *kit, const char *file, const tsr_plugin_info *plugin, tally *sum)
{
    kit->name = plugin->name;
    kit->kind = plugin->kind;
    tsr_value *group = NULL;
    char *what = tsr_format("%s %s", tsr_kind_get(plugin->kind)->name, plugin->name),
         *label = tsr_format("%s:", what ? what : ""), *word = tsr_format("%s:%s", file, plugin->name);
    tsr_status *status = what && label && word ? NULL : tsr_no_memory("a plugin's name");
    if (!status)
        status = set_up(word, sum->request, &group);
    if (!status) {
        kit->what = what;
        kit->label = label;
        kit->group = group;
    }
    if (!status)
        status = note_plugin(kit, file);
    if (!status)
        run_all(kit, sum);
    tsr_value_free(group);
    free(what);
    free(label);
    free(word);
    return status;
}

/* --- all plugins that are meant --- */

/* Where a file has several, the last lines say which of them fail. */
static void sum_up(const tally *sum, const char *label)
{
    if (sum->failed_of_plugin)
        printf("# %s %zu of %zu checks fail\n", label, sum->failed_of_plugin, sum->of_plugin);
}

static tsr_status *test_meant(const tsr_kit_found *m, const tsr_file_info *info, tally *sum)
{
    tsr_kit kit = { .registry = m->registry,
                    .n_shapes = sum->request->n_shapes,
                    .shapes = sum->request->shapes };
    for (size_t i = 0; i < info->n; i++) {
        const tsr_plugin_info *plugin = &info->plugins[i];
        if (!tsr_kit_is_meant(m, plugin))
            continue;
        TSR_TRY(test_plugin(&kit, m->file, plugin, sum));
        if (info->n > 1 && !m->name) {
            char *label = tsr_format("%s %s:", tsr_kind_get(plugin->kind)->name, plugin->name);
            sum_up(sum, label ? label : "");
            free(label);
        }
    }
    return NULL;
}

static tsr_status *test_file(const tsr_kit_found *m, tally *sum)
{
    const tsr_file_info *info;
    tsr_status *status = tsr_registry_describe_file(m->registry, m->file, &info);
    if (status) {
        printf("TAP version 13\n");
        report(sum, m->file, LOADS, NULL, status);
        return NULL;
    }
    TSR_TRY(tsr_kit_check_found(m, info));
    printf("TAP version 13\n");
    status = test_meant(m, info, sum);
    if (!status && !sum->found)
        return tsr_fail(TSR_USAGE,
                        "tessera test: no check of it is called '%s'; 'tessera test %s --list' "
                        "lists them",
                        sum->request->check, sum->request->plugin);
    return status;
}

tsr_status *tsr_kit_test(const tsr_kit_request *request, size_t *failed)
{
    tally sum = { .request = request };
    tsr_kit_found m;
    tsr_value *settings;
    TSR_TRY(set_up("any", request, &settings)); /* whether they are settings at all, before anything runs */
    tsr_value_free(settings);
    TSR_TRY(tsr_kit_find(request->plugin, &m));
    sum.calls = mmap(NULL, sizeof(tsr_calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sum.calls == MAP_FAILED)
        sum.calls = NULL;
    tsr_status *status = test_file(&m, &sum);
    if (!status)
        printf("1..%zu\n", sum.done);
    if (sum.calls)
        munmap(sum.calls, sizeof(tsr_calls));
    tsr_kit_found_clear(&m);
    *failed = sum.failed;
    return status;
}

/* --- listing them --- */

static void list_checks(const tsr_kit_check *checks)
{
    for (; checks->claim; checks++)
        printf("  %-12s %s\n", checks->name ? checks->name : "", checks->claim);
}

static void list_kind(tsr_kind kind)
{
    printf("%s:\n", tsr_kind_get(kind)->name);
    list_checks(tsr_kit_kind_of(kind)->checks);
}

static tsr_status *list_meant(const char *plugin)
{
    tsr_kit_found m;
    const tsr_file_info *info;
    bool listed[TSR_N_KINDS] = { false };
    TSR_TRY(tsr_kit_find(plugin, &m));
    tsr_status *status = tsr_registry_describe_file(m.registry, m.file, &info);
    if (!status)
        status = tsr_kit_check_found(&m, info);
    for (size_t i = 0; !status && i < info->n; i++)
        listed[info->plugins[i].kind] =
            listed[info->plugins[i].kind] || tsr_kit_is_meant(&m, &info->plugins[i]);
    if (!status) {
        printf("every kind:\n");
        list_checks(tsr_kit_common);
    }
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++)
        if (listed[kind])
            list_kind((tsr_kind)kind);
    tsr_kit_found_clear(&m);
    return status;
}

tsr_status *tsr_kit_list(const char *plugin)
{
    if (plugin)
        return list_meant(plugin);
    printf("every kind:\n");
    list_checks(tsr_kit_common);
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++)
        list_kind((tsr_kind)kind);
    return NULL;
}
