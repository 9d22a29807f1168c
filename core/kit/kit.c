/* Running checks: every plugin of a file, every check of its kind after those of all kinds, each in a child
   process that loads nothing anew, and a line of TAP for each. */
#include "kit/kit.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "config/read.h"
#include "kit/watch.h"
#include "plugin/kinds.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIMIT 60000 /* milliseconds of a check for which nobody sets any */

static const tsr_kit_kind *kind_of(tsr_kind kind)
{
    static const tsr_kit_kind *const kinds[TSR_N_KINDS] = {
        [TSR_MODEL] = &tsr_kit_model,           [TSR_DATASET] = &tsr_kit_dataset,
        [TSR_ACTIVATION] = &tsr_kit_activation, [TSR_REGULARIZER] = &tsr_kit_regularizer,
        [TSR_OPTIMIZER] = &tsr_kit_optimizer,   [TSR_PROBE] = &tsr_kit_probe,
        [TSR_EXECUTOR] = &tsr_kit_executor,     [TSR_LOSS] = &tsr_kit_loss,
        [TSR_SCHEDULE] = &tsr_kit_schedule,     [TSR_AUGMENTATION] = &tsr_kit_augmentation,
    };
    return kinds[kind];
}

/* --- what checks use --- */

tsr_status *tsr_kit_make(const tsr_kit *kit, tsr_instance **out)
{
    const tsr_origin *origin = tsr_value_origin(tsr_value_member(kit->group, "plugin"));
    tsr_settings settings = { .registry = kit->registry, .folder = origin->folder, .expendable = true };
    tsr_value *resolved;
    TSR_TRY(tsr_settings_plugin(&settings, kit->kind, kit->group, "plugin", NULL, out, &resolved));
    tsr_value_free(resolved);
    return NULL;
}

void tsr_kit_stir(uint64_t *digest, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t value = *digest ^ UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        value = (value ^ at[i]) * UINT64_C(0x100000001b3);
    *digest = value;
}

bool tsr_kit_alike(size_t n, const float *a, const float *b)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-5f * (1 + fabsf(a[i]))))
            return false;
    return true;
}

bool tsr_kit_slope_agrees(double derivative, double down, double at, double up, double h, double scale)
{
    double left = (at - down) / h, right = (up - at) / h, central = (up - down) / (2 * h);
    double rounding = 4e-7 * (fabs(scale) + fabs(at)) / h, tolerance = 5e-3 * fabs(central) + rounding;
    if (fabs(derivative - central) <= tolerance)
        return true;
    /* A bend lies between: any slope from one side's to the other's will do. */
    bool bends = fabs(left - right) > 0.02 * (fabs(left) + fabs(right)) + 2 * rounding;
    return bends && derivative >= fmin(left, right) - tolerance &&
           derivative <= fmax(left, right) + tolerance;
}

/* --- checks of all kinds --- */

static tsr_status *settings_are_taken(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_instance_free(instance);
    return NULL;
}

static tsr_status *make_and_clear(tsr_kit *kit, int times)
{
    for (int i = 0; i < times; i++)
        TSR_TRY(settings_are_taken(kit));
    return NULL;
}

/* What is left behind grows in each of several rounds; what the allocator keeps for itself soon does not. */
static tsr_status *leaves_nothing(tsr_kit *kit)
{
    enum { ROUNDS = 5, TIMES = 32, LEAST = 16 };
    size_t least = SIZE_MAX;
    TSR_TRY(make_and_clear(kit, TIMES));
    for (int i = 0; i < ROUNDS; i++) {
        size_t before = tsr_kit_allocated();
        TSR_TRY(make_and_clear(kit, TIMES));
        size_t after = tsr_kit_allocated(), grown = after > before ? after - before : 0;
        least = grown < least ? grown : least;
    }
    if (least >= TIMES * LEAST)
        return tsr_fail(TSR_FAILED,
                        "about %zu bytes are left behind by each instance; free in fini what init allocates",
                        least / TIMES);
    return NULL;
}

/* One use, with everything that it calls. */
static tsr_status *use(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    *digest = 0;
    TSR_TRY(kind_of(kit->kind)->exercise(kit, instance, digest));
    return tsr_instance_check(instance);
}

static tsr_status *use_in_turn(tsr_kit *kit, const tsr_instance *one, const tsr_instance *other)
{
    uint64_t first, again, others, after;
    TSR_TRY(use(kit, one, &first));
    if (kit->skipped)
        return NULL;
    TSR_TRY(use(kit, one, &again));
    if (again != first)
        return tsr_fail(TSR_FAILED, "used twice, it gives two results; keep nothing between calls");
    TSR_TRY(use(kit, other, &others));
    if (others != first)
        return tsr_fail(TSR_FAILED, "two instances with the same settings give two results; are there "
                                    "static variables?");
    TSR_TRY(use(kit, one, &after));
    if (after != first)
        return tsr_fail(TSR_FAILED, "its result changes when another instance is used; are there static "
                                    "variables?");
    return NULL;
}

static tsr_status *instances_share_nothing(tsr_kit *kit)
{
    tsr_instance *one, *other;
    TSR_TRY(tsr_kit_make(kit, &one));
    tsr_status *status = tsr_kit_make(kit, &other);
    if (status) {
        tsr_instance_free(one);
        return status;
    }
    status = use_in_turn(kit, one, other);
    tsr_instance_free(one);
    tsr_instance_free(other);
    return status;
}

static tsr_status *outlives_another(tsr_kit *kit)
{
    tsr_instance *one, *other;
    uint64_t alone, left;
    TSR_TRY(tsr_kit_make(kit, &one));
    tsr_status *status = use(kit, one, &alone);
    if (!status && !kit->skipped)
        status = tsr_kit_make(kit, &other);
    if (!status && !kit->skipped) {
        tsr_instance_free(other);
        status = use(kit, one, &left);
        if (!status && left != alone)
            status =
                tsr_fail(TSR_FAILED, "its result changes when another instance is cleared; does fini free "
                                     "what instances share?");
    }
    tsr_instance_free(one);
    return status;
}

/* Uses in a thread of their own: with its end the allocator gives up what it keeps for the thread, and what
   is allocated is what somebody holds. */
typedef struct round_of_uses {
    tsr_kit *kit;
    const tsr_instance *instance;
    size_t times;
    tsr_status *status;
} round_of_uses;

static void *use_often(void *context)
{
    round_of_uses *r = context;
    uint64_t digest;
    r->status = use(r->kit, r->instance, &digest);
    tsr_kit_watch_memory();
    for (size_t i = 0; i < r->times && !r->status; i++)
        r->status = use(r->kit, r->instance, &digest);
    tsr_kit_watch_memory_round();
    return NULL;
}

static tsr_status *use_in_thread(round_of_uses *r)
{
    pthread_t thread;
    r->status = NULL;
    if (pthread_create(&thread, NULL, use_often, r) != 0)
        return tsr_fail(TSR_FAILED, "no thread can be started");
    pthread_join(thread, NULL);
    return r->status;
}

/* Bytes by which the process grows in each of several rounds, at least. */
static tsr_status *measure_growth(round_of_uses *r, size_t *least)
{
    enum { ROUNDS = 6 };
    *least = SIZE_MAX;
    TSR_TRY(use_in_thread(r));
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t before = tsr_kit_allocated();
        TSR_TRY(use_in_thread(r));
        size_t after = tsr_kit_allocated(), grown = after > before ? after - before : 0;
        *least = grown < *least ? grown : *least;
    }
    return NULL;
}

/* A use that takes long is repeated less often. */
static tsr_status *find_growth(tsr_kit *kit, const tsr_instance *instance)
{
    enum { LONG = 50, OFTEN = 8, LEAST = 16 }; /* milliseconds, uses, bytes */
    uint64_t digest;
    size_t grown = 0;
    int64_t start = tsr_process_clock();
    TSR_TRY(use(kit, instance, &digest));
    if (kit->skipped)
        return NULL;
    round_of_uses r = { kit, instance, tsr_process_clock() - start > LONG ? 1 : OFTEN, NULL };
    tsr_status *status = measure_growth(&r, &grown);
    char *what = tsr_kit_watch_memory_end();
    if (!status && grown >= (r.times + 1) * LEAST)
        status =
            tsr_fail(TSR_FAILED, "about %zu bytes are left behind by each use%s%s; free what is allocated",
                     grown / (r.times + 1), what ? ": " : "", what ? what : "");
    free(what);
    return status;
}

static tsr_status *keeps_no_memory(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = find_growth(kit, instance);
    tsr_instance_free(instance);
    return status;
}

static tsr_status *make_and_use(tsr_kit *kit)
{
    tsr_instance *instance;
    uint64_t digest;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = use(kit, instance, &digest);
    tsr_instance_free(instance);
    return status;
}

/* What a change leads to is not what is to be told. */
static tsr_status *leaves_the_process(tsr_kit *kit)
{
    tsr_kit_watch_surroundings();
    tsr_status *status = make_and_use(kit), *change = tsr_kit_watch_end();
    if (!change)
        return status;
    tsr_status_free(status);
    return change;
}

static const tsr_kit_check common[] = {
    { "takes its settings, and init succeeds", settings_are_taken, 0, "settings" },
    { "leaves nothing allocated after fini", leaves_nothing, 0, "fini" },
    { "leaves the process as it is", leaves_the_process, 0, "process" },
    { "keeps no more memory with every use", keeps_no_memory, 0, "memory" },
    { "gives the same again, from every instance", instances_share_nothing, 0, "repeats" },
    { "goes on working when another instance is cleared", outlives_another, 0, "outlives" },
    { NULL, NULL, 0, NULL },
};

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
static void report(tally *sum, const char *label, const char *claim, const char *skipped, tsr_status *status)
{
    sum->done++;
    sum->of_plugin++;
    sum->failed += status != NULL;
    sum->failed_of_plugin += status != NULL;
    printf("%s %zu - %s %s", status ? "not ok" : "ok", sum->done, label, claim);
    if (!status && skipped && *skipped)
        printf(" # SKIP %s", skipped);
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
    *text = work->kit->skipped ? strdup(work->kit->skipped) : NULL;
    return NULL;
}

static void run_one(tsr_kit *kit, const tsr_kit_check *check, tally *sum)
{
    job work = { kit, check };
    int limit = check->limit ? check->limit : sum->request->limit ? sum->request->limit : LIMIT;
    tsr_isolate_words words = { kit->what, "in this check", "run the check under a debugger or a sanitizer",
                                sum->calls };
    char *skipped = NULL;
    fflush(stdout);
    if (sum->calls)
        memset(sum->calls, 0, sizeof(*sum->calls));
    int64_t deadline = tsr_process_clock() + limit;
    tsr_status *status = tsr_isolate(&words, limit, true, run_check, &work, &skipped);
    sum->late = status && tsr_process_clock() >= deadline;
    report(sum, kit->label, check->claim, skipped, status);
    free(skipped);
    kit->skipped = NULL;
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
            report(sum, kit->label, checks->claim, "an earlier check took too long", NULL);
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
    run_checks(kit, common, sum);
    run_checks(kit, kind_of(kit->kind)->checks, sum);
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

/* --- which plugins --- */

/* The plugins that a word means: a file's, and the one of them, if it names one. */
typedef struct meant {
    tsr_registry *registry;
    char *file;
    char *name;    /* NULL: all of the file */
    tsr_kind kind; /* TSR_NO_KIND: any */
} meant;

static void clear_meant(meant *m)
{
    tsr_registry_free(m->registry);
    free(m->file);
    free(m->name);
}

/* KIND/NAME, and not a path to a file. */
static tsr_kind kind_in(const char *plugin)
{
    const char *slash = strchr(plugin, '/');
    if (!slash || strchr(slash + 1, '/') || strstr(plugin, ".so"))
        return TSR_NO_KIND;
    char *first = strndup(plugin, (size_t)(slash - plugin));
    tsr_kind kind = first ? tsr_kind_named(first) : TSR_NO_KIND;
    free(first);
    return kind;
}

static tsr_status *find_file(const char *plugin, meant *m)
{
    tsr_plugin_word word;
    TSR_TRY(tsr_plugin_word_split(plugin, &word));
    m->name = word.name;
    word.name = NULL;
    m->file = strchr(word.file, '/') ? strdup(word.file) : tsr_format("./%s", word.file);
    tsr_plugin_word_clear(&word);
    return m->file ? NULL : tsr_no_memory("a path");
}

static tsr_status *find_meant(const char *plugin, meant *m)
{
    *m = (meant){ .kind = kind_in(plugin) };
    TSR_TRY(tsr_registry_new(0, NULL, &m->registry));
    tsr_status *status = NULL;
    if (m->kind == TSR_NO_KIND) {
        status = find_file(plugin, m);
    } else {
        m->name = strdup(strchr(plugin, '/') + 1);
        status =
            m->name ? tsr_registry_locate(m->registry, m->kind, &(tsr_plugin_word){ m->name, NULL }, &m->file)
                    : tsr_no_memory("a name");
    }
    if (status)
        clear_meant(m);
    return status;
}

static bool is_meant(const meant *m, const tsr_plugin_info *plugin)
{
    return (!m->name || strcmp(m->name, plugin->name) == 0) &&
           (m->kind == TSR_NO_KIND || m->kind == plugin->kind);
}

/* A file may hold plugins of one name and several kinds: all of them are meant. */
static tsr_status *check_meant(const meant *m, const tsr_file_info *info)
{
    tsr_text names = { 0 };
    for (size_t i = 0; i < info->n; i++) {
        if (is_meant(m, &info->plugins[i])) {
            free(names.chars);
            return NULL;
        }
        tsr_text_add(&names, "%s%s", i ? ", " : "", info->plugins[i].name);
    }
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: holds no plugin '%s'; it holds: %s", m->file, m->name,
                                  names.chars ? names.chars : "");
    free(names.chars);
    return status;
}

/* Where a file has several, the last lines say which of them fail. */
static void sum_up(const tally *sum, const char *label)
{
    if (sum->failed_of_plugin)
        printf("# %s %zu of %zu checks fail\n", label, sum->failed_of_plugin, sum->of_plugin);
}

static tsr_status *test_meant(const meant *m, const tsr_file_info *info, tally *sum)
{
    tsr_kit kit = { .registry = m->registry,
                    .n_shapes = sum->request->n_shapes,
                    .shapes = sum->request->shapes };
    for (size_t i = 0; i < info->n; i++) {
        const tsr_plugin_info *plugin = &info->plugins[i];
        if (!is_meant(m, plugin))
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

static tsr_status *test_file(const meant *m, tally *sum)
{
    const tsr_file_info *info;
    tsr_status *status = tsr_registry_describe_file(m->registry, m->file, &info);
    if (status) {
        printf("TAP version 13\n");
        report(sum, m->file, LOADS, NULL, status);
        return NULL;
    }
    TSR_TRY(check_meant(m, info));
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
    meant m;
    tsr_value *settings;
    TSR_TRY(set_up("any", request, &settings)); /* whether they are settings at all, before anything runs */
    tsr_value_free(settings);
    TSR_TRY(find_meant(request->plugin, &m));
    sum.calls = mmap(NULL, sizeof(tsr_calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sum.calls == MAP_FAILED)
        sum.calls = NULL;
    tsr_status *status = test_file(&m, &sum);
    if (!status)
        printf("1..%zu\n", sum.done);
    if (sum.calls)
        munmap(sum.calls, sizeof(tsr_calls));
    clear_meant(&m);
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
    list_checks(kind_of(kind)->checks);
}

static tsr_status *list_meant(const char *plugin)
{
    meant m;
    const tsr_file_info *info;
    bool listed[TSR_N_KINDS] = { false };
    TSR_TRY(find_meant(plugin, &m));
    tsr_status *status = tsr_registry_describe_file(m.registry, m.file, &info);
    if (!status)
        status = check_meant(&m, info);
    for (size_t i = 0; !status && i < info->n; i++)
        listed[info->plugins[i].kind] = listed[info->plugins[i].kind] || is_meant(&m, &info->plugins[i]);
    if (!status) {
        printf("every kind:\n");
        list_checks(common);
    }
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++)
        if (listed[kind])
            list_kind((tsr_kind)kind);
    clear_meant(&m);
    return status;
}

tsr_status *tsr_kit_list(const char *plugin)
{
    if (plugin)
        return list_meant(plugin);
    printf("every kind:\n");
    list_checks(common);
    for (int kind = TSR_NO_KIND + 1; kind < TSR_N_KINDS; kind++)
        list_kind((tsr_kind)kind);
    return NULL;
}
