/* What plugins of every kind must hold, and what checks of all kinds use. */
#include "kit/kit.h"

#include "base/process.h"
#include "kit/watch.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

const tsr_kit_kind *tsr_kit_kind_of(tsr_kind kind)
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

/* --- checks --- */

static tsr_status *settings_are_taken(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_instance_free(instance);
    return NULL;
}

/* A round of work in a thread of its own: with its end the allocator gives up what it keeps for the thread,
   and what is allocated is what somebody holds. */
typedef struct round_of_work {
    tsr_status *(*work)(const struct round_of_work *round);
    tsr_kit *kit;
    const tsr_instance *instance;
    size_t times;
    tsr_status *status;
} round_of_work;

static void *do_round(void *context)
{
    round_of_work *round = context;
    round->status = round->work(round);
    return NULL;
}

static tsr_status *do_in_thread(round_of_work *round)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_round, round) != 0)
        return tsr_fail(TSR_FAILED, "no thread can be started");
    pthread_join(thread, NULL);
    return round->status;
}

/* Bytes by which the process grows in each of several rounds, at least. */
static tsr_status *measure_growth(round_of_work *round, size_t *least)
{
    enum { ROUNDS = 8 }; /* more than freed blocks of one size that the allocator counts as used: 7 */
    *least = SIZE_MAX;
    TSR_TRY(do_in_thread(round));
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t before = tsr_kit_allocated();
        TSR_TRY(do_in_thread(round));
        size_t after = tsr_kit_allocated(), grown = after > before ? after - before : 0;
        *least = grown < *least ? grown : *least;
    }
    return NULL;
}

enum { LEAST = 16 }; /* bytes that are told of */

static tsr_status *make_and_clear(const round_of_work *round)
{
    for (size_t i = 0; i < round->times; i++)
        TSR_TRY(settings_are_taken(round->kit));
    return NULL;
}

static tsr_status *leaves_nothing(tsr_kit *kit)
{
    enum { TIMES = 32 };
    round_of_work round = { .work = make_and_clear, .kit = kit, .times = TIMES };
    size_t grown;
    TSR_TRY(measure_growth(&round, &grown));
    if (grown >= TIMES * LEAST)
        return tsr_fail(TSR_FAILED,
                        "about %zu bytes are left behind by each instance; free in fini what init allocates",
                        grown / TIMES);
    return NULL;
}

/* One use, with everything that it calls. */
static tsr_status *use(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    *digest = 0;
    TSR_TRY(tsr_kit_kind_of(kit->kind)->exercise(kit, instance, digest));
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

static tsr_status *use_often(const round_of_work *round)
{
    uint64_t digest;
    tsr_status *status = use(round->kit, round->instance, &digest);
    tsr_kit_watch_memory();
    for (size_t i = 1; i < round->times && !status; i++)
        status = use(round->kit, round->instance, &digest);
    tsr_kit_watch_memory_round();
    return status;
}

/* A use that takes long is repeated less often. */
static tsr_status *find_growth(tsr_kit *kit, const tsr_instance *instance)
{
    enum { LONG = 50, OFTEN = 9, SELDOM = 2 }; /* milliseconds, uses */
    uint64_t digest;
    size_t grown = 0;
    int64_t start = tsr_process_clock();
    TSR_TRY(use(kit, instance, &digest));
    if (kit->skipped)
        return NULL;
    round_of_work round = { .work = use_often,
                            .kit = kit,
                            .instance = instance,
                            .times = tsr_process_clock() - start > LONG ? SELDOM : OFTEN };
    tsr_status *status = measure_growth(&round, &grown);
    char *what = tsr_kit_watch_memory_end();
    if (!status && grown >= round.times * LEAST)
        status =
            tsr_fail(TSR_FAILED, "about %zu bytes are left behind by each use%s%s; free what is allocated",
                     grown / round.times, what ? ": " : "", what ? what : "");
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

const tsr_kit_check tsr_kit_common[] = {
    { "takes its settings, and init succeeds", settings_are_taken, 0, "settings" },
    { "leaves nothing allocated after fini", leaves_nothing, 0, "fini" },
    { "leaves the process as it is", leaves_the_process, 0, "process" },
    { "keeps no more memory with every use", keeps_no_memory, 0, "memory" },
    { "gives the same again, from every instance", instances_share_nothing, 0, "repeats" },
    { "goes on working when another instance is cleared", outlives_another, 0, "outlives" },
    { NULL, NULL, 0, NULL },
};
