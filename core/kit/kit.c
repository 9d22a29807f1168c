/* Running checks: every plugin of a file, every check of its kind after those of all kinds, each in a child
   process that loads nothing anew, and a line of TAP for each. */
#include "kit/kit.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/read.h"
#include "plugin/kinds.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 120000 /* milliseconds of a check that sets none */

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

/* The sanitizer's allocator, where there is one, counts for itself. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks;
}

/* What is left behind grows in each of several rounds; what the allocator keeps for itself soon does not. */
static tsr_status *leaves_nothing(tsr_kit *kit)
{
    enum { ROUNDS = 5, TIMES = 32, LEAST = 16 };
    size_t least = SIZE_MAX;
    TSR_TRY(make_and_clear(kit, TIMES));
    for (int i = 0; i < ROUNDS; i++) {
        size_t before = allocated();
        TSR_TRY(make_and_clear(kit, TIMES));
        size_t after = allocated(), grown = after > before ? after - before : 0;
        least = grown < least ? grown : least;
    }
    if (least >= TIMES * LEAST)
        return tsr_fail(TSR_FAILED,
                        "about %zu bytes are left behind by each instance; free in fini what init allocates",
                        least / TIMES);
    return NULL;
}

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

static const tsr_kit_check common[] = {
    { "takes its settings, and init succeeds", settings_are_taken, 0 },
    { "leaves nothing allocated after fini", leaves_nothing, 0 },
    { "gives the same again, from every instance", instances_share_nothing, 0 },
    { "goes on working when another instance is cleared", outlives_another, 0 },
    { NULL, NULL, 0 },
};

/* --- running them --- */

typedef struct tally {
    size_t done, failed;
} tally;

/* The message goes below the line, each of its lines a comment. */
static void report(tally *sum, const char *label, const char *claim, const char *skipped, tsr_status *status)
{
    sum->done++;
    sum->failed += status != NULL;
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

static void run_checks(tsr_kit *kit, const tsr_kit_check *checks, tally *sum)
{
    for (; checks->claim; checks++) {
        job work = { kit, checks };
        tsr_isolate_words words = { kit->label, "in this check",
                                    "run the check under a debugger or a sanitizer" };
        char *skipped;
        fflush(stdout);
        tsr_status *status =
            tsr_isolate(&words, checks->limit ? checks->limit : LIMIT, true, run_check, &work, &skipped);
        report(sum, kit->label, checks->claim, skipped, status);
        free(skipped);
    }
}

static tsr_status *set_up(const char *file, size_t n, const char *const *settings, tsr_value **out)
{
    char *plugin = tsr_format("plugin=\"%s\"", file);
    const char **all = tsr_alloc(n + 1, sizeof(*all));
    tsr_status *status = plugin && all ? NULL : tsr_no_memory("settings");
    if (!status) {
        for (size_t i = 0; i < n; i++)
            all[i] = settings[i];
        all[n] = plugin;
        status = tsr_config_make(n + 1, all, out);
    }
    free(plugin);
    free(all);
    return status;
}

/* One plugin of the file; a file's plugins of one kind are told apart as configs do, by the file's name. */
static tsr_status *test_plugin(tsr_kit *kit, const tsr_plugin_info *plugin, tally *sum)
{
    kit->name = plugin->name;
    kit->kind = plugin->kind;
    char *label = tsr_format("%s %s:", tsr_kind_get(plugin->kind)->name, plugin->name);
    if (!label)
        return tsr_no_memory("a plugin's name");
    kit->label = label;
    report(sum, label, "loads, and its declarations are well formed", NULL, NULL);
    run_checks(kit, common, sum);
    run_checks(kit, kind_of(kit->kind)->checks, sum);
    free(label);
    return NULL;
}

static tsr_status *test_all(tsr_kit *kit, const char *file, tally *sum)
{
    const tsr_file_info *info;
    tsr_status *status = tsr_registry_describe_file(kit->registry, file, &info);
    if (status) {
        report(sum, file, "loads, and its declarations are well formed", NULL, status);
        return NULL;
    }
    for (size_t i = 0; i < info->n && !status; i++)
        status = test_plugin(kit, &info->plugins[i], sum);
    return status;
}

tsr_status *tsr_kit_test(const char *file, size_t n_settings, const char *const *settings, size_t *failed)
{
    tally sum = { 0 };
    tsr_kit kit = { 0 };
    tsr_value *config = NULL;
    char *path = strchr(file, '/') ? strdup(file) : tsr_format("./%s", file);
    tsr_status *status = path ? NULL : tsr_no_memory("a path");
    if (!status)
        status = set_up(path, n_settings, settings, &config);
    if (status) {
        free(path);
        return status;
    }
    kit.group = config;
    status = tsr_registry_new(0, NULL, &kit.registry);
    if (!status) {
        printf("TAP version 13\n");
        status = test_all(&kit, path, &sum);
    }
    if (!status)
        printf("1..%zu\n", sum.done);
    tsr_registry_free(kit.registry);
    tsr_value_free(config);
    free(path);
    *failed = sum.failed;
    return status;
}
