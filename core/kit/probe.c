/* What every probe must hold, on codes made for it: noisy copies of a code per class, or, where it needs more
   than codes, those of a small network. */
#include "kit/kit.h"

#include "base/crash.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "codes/codes.h"
#include "codes/metrics.h"
#include "kit/encoded.h"
#include "kit/probe_given.h"
#include "nn/network.h"
#include "nn/tasks.h"
#include "plugin/instance.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLASSES 4
#define SEED 31
static const tsr_shape shape = { 1, { 12 } };

/* One probing of made codes. */
typedef struct trial {
    tsr_codes *train, *test;
    int32_t *train_labels, *test_labels;
    tsr_instance *model;
    tsr_network *network;
    tsr_kit_encoded encoded; /* where the probe needs it, in place of all these */
    char *folder;
    tsr_metrics *metrics;
    tsr_probing probing;
} trial;

static void clear(trial *t)
{
    tsr_metrics_free(t->metrics);
    tsr_codes_free(t->train);
    tsr_codes_free(t->test);
    free(t->train_labels);
    free(t->test_labels);
    tsr_network_free(t->network);
    tsr_instance_free(t->model);
    tsr_kit_encoded_clear(&t->encoded);
    if (t->folder)
        tsr_status_free(tsr_remove_tree(t->folder));
    free(t->folder);
}

/* n codes; a tenth of each one's bits differ from its class's. */
static tsr_status *make_codes(size_t n, size_t bits, uint64_t part, tsr_codes **codes, int32_t **labels)
{
    TSR_TRY(tsr_codes_new(n, bits, codes));
    *labels = tsr_alloc(n, sizeof(**labels));
    if (!*labels)
        return tsr_no_memory("labels");
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, part);
    for (size_t i = 0; i < n; i++) {
        (*labels)[i] = (int32_t)tsr_rng_below(&rng, CLASSES);
        tsr_rng own = tsr_rng_stream(SEED, TSR_FOR_SHUFFLE, (uint64_t)(*labels)[i]);
        for (size_t j = 0; j < bits; j++) {
            uint64_t bit = (tsr_rng_u32(&own) & 1) ^ (tsr_rng_below(&rng, 10) == 0);
            (*codes)->words[i * (*codes)->stride + j / 64] |= bit << j % 64;
        }
    }
    return NULL;
}

static tsr_status *make_network(trial *t)
{
    TSR_TRY(tsr_kit_plain_model(&t->model));
    return tsr_network_new(t->model, shape, CLASSES, SEED, &t->network);
}

static tsr_status *make_bits(size_t n_train, size_t n_test, size_t bits, trial *t)
{
    TSR_TRY(make_codes(n_train, bits, 0, &t->train, &t->train_labels));
    TSR_TRY(make_codes(n_test, bits, 1, &t->test, &t->test_labels));
    return make_network(t);
}

/* A probe that needs a network gets as many bits as that has. */
static tsr_status *make(const tsr_instance *instance, size_t n_train, size_t n_test, size_t bits, trial *t)
{
    *t = (trial){ 0 };
    bool encoded = tsr_probe_needs(instance) != 0;
    tsr_status *status = encoded ? tsr_kit_encoded_make(n_train, n_test, CLASSES, SEED, &t->encoded)
                                 : make_bits(n_train, n_test, bits, t);
    if (!status)
        status = tsr_make_temporary("test-probe", &t->folder);
    if (!status)
        status = tsr_metrics_new(tsr_instance_name(instance), &t->metrics);
    if (status) {
        clear(t);
        return status;
    }
    t->probing = (tsr_probing){ .train = t->train,
                                .test = t->test,
                                .train_labels = t->train_labels,
                                .test_labels = t->test_labels,
                                .trained_labels = t->train_labels,
                                .classes = CLASSES,
                                .rng = tsr_rng_stream(SEED, TSR_FOR_PROBE, 0),
                                .folder = t->folder,
                                .network = t->network,
                                .metrics = t->metrics };
    if (encoded)
        tsr_kit_encoded_tell(&t->encoded, &t->probing);
    return NULL;
}

static tsr_status *run(const tsr_instance *instance, trial *t)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_call before = tsr_guard_note(tsr_instance_call(instance, TSR_CALL_RUN));
    tsr_status *status = ops->run(tsr_instance_self(instance), &t->probing);
    tsr_guard_note(before);
    return status;
}

/* The metrics of a middling probing. */
static tsr_status *probe(const tsr_instance *instance, uint64_t *digest)
{
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run(instance, &t);
    if (!status)
        tsr_kit_stir(digest, &(uint64_t){ tsr_kit_digest_of_given(t.metrics) }, sizeof(uint64_t));
    clear(&t);
    return status;
}

static tsr_status *measure_once(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run(instance, &t);
    if (!status && tsr_metrics_count(t.metrics) == 0)
        status = tsr_fail(TSR_FAILED, "it gives no metric; call tsr_metric");
    clear(&t);
    return status;
}

static tsr_status *measure_numbers(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run(instance, &t);
    for (size_t i = 0; i < tsr_metrics_count(t.metrics) && !status; i++) {
        tsr_metric_value metric = tsr_metrics_get(t.metrics, i);
        if (!isfinite(metric.value) && !metric.reason)
            status = tsr_fail(TSR_FAILED, "run gives %s: the metric '%s'",
                              isnan(metric.value) ? "NaN" : "an infinite number", metric.name);
    }
    clear(&t);
    return status;
}

#define RACES 12 /* probings with each number of threads */

/* Codes large enough that threads overlap. */
static tsr_status *probe_many(const tsr_instance *instance, uint64_t *digest)
{
    trial t;
    *digest = 0;
    TSR_TRY(make(instance, 1500, 400, 70, &t));
    tsr_status *status = run(instance, &t);
    *digest = tsr_kit_digest_of_given(t.metrics);
    clear(&t);
    return status;
}

static tsr_status *probe_in_order(const tsr_instance *instance, uint64_t alone)
{
    static const tsr_task_order orders[] = { TSR_TASKS_BACKWARDS, TSR_TASKS_INTERLEAVED };
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        uint64_t digest;
        tsr_tasks_run(orders[i]);
        tsr_status *status = probe_many(instance, &digest);
        tsr_tasks_run(TSR_TASKS_SHARED);
        TSR_TRY(status);
        if (digest != alone)
            return tsr_fail(TSR_FAILED,
                            "metrics depend on the order of the tasks that it gives to "
                            "tsr_parallel_for, and so on the threads; let each write to its own place");
    }
    return NULL;
}

static tsr_status *probe_with_threads(const tsr_instance *instance, int threads, uint64_t alone)
{
    uint64_t digest;
    tsr_set_threads(threads);
    tsr_crash_watch_threads();
    TSR_TRY(probe_many(instance, &digest));
    return digest == alone
               ? NULL
               : tsr_fail(TSR_FAILED,
                          "metrics depend on the number of threads: with %d they are others; cut work "
                          "by the data's sizes alone, let no two threads write to one place, and add "
                          "sums up in a fixed order",
                          threads);
}

/* A race shows now and then: many times, as long as the time for it lasts. */
static tsr_status *thread_by_thread(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    enum { MILLISECONDS = 1500 };
    uint64_t alone;
    int64_t deadline = tsr_process_clock() + MILLISECONDS;
    tsr_set_threads(1);
    TSR_TRY(probe_many(instance, &alone));
    TSR_TRY(probe_in_order(instance, alone));
    tsr_tasks_run(TSR_TASKS_ALWAYS_SHARED);
    for (int i = 0; i < RACES && (i == 0 || tsr_process_clock() < deadline); i++)
        for (int threads = 2; threads <= 4; threads++)
            TSR_TRY(probe_with_threads(instance, threads, alone));
    return NULL;
}

static uint64_t digest_of_codes(const trial *t)
{
    uint64_t digest = 0;
    tsr_kit_stir(&digest, t->probing.train->words, t->probing.train->n * t->probing.train->stride * sizeof(uint64_t));
    tsr_kit_stir(&digest, t->probing.test->words, t->probing.test->n * t->probing.test->stride * sizeof(uint64_t));
    tsr_kit_stir(&digest, t->probing.train_labels, t->probing.train->n * sizeof(int32_t));
    tsr_kit_stir(&digest, t->probing.test_labels, t->probing.test->n * sizeof(int32_t));
    return digest;
}

static tsr_status *leave_codes(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    uint64_t before = digest_of_codes(&t);
    tsr_status *status = run(instance, &t);
    if (!status && digest_of_codes(&t) != before)
        status = tsr_fail(TSR_FAILED, "it changes the codes or labels, which the probes after it see too");
    clear(&t);
    return status;
}

/* What its check lets pass it must measure: every code constant (no bits), one bit, rows of several lines,
   one example. */
static tsr_status *take_sizes(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    static const size_t sizes[][3] = { { 1, 1, 1 },     { 2, 1, 64 },   { 50, 20, 0 }, { 50, 20, 1 },
                                       { 60, 40, 700 }, { 40, 60, 63 }, { 13, 7, 65 } };
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        tsr_probe_sizes known = {
            .n_train = sizes[i][0], .n_test = sizes[i][1], .classes = CLASSES, .shape = shape
        };
        tsr_status *refused = ops->check ? ops->check(tsr_instance_self(instance), &known) : NULL;
        bool passes = !refused;
        tsr_status_free(refused);
        if (!passes)
            continue;
        trial t;
        TSR_TRY(make(instance, sizes[i][0], sizes[i][1], sizes[i][2], &t));
        tsr_status *status = run(instance, &t);
        clear(&t);
        if (status)
            return tsr_context(status,
                               "%zu training and %zu test codes of %zu bits, which its check lets pass",
                               sizes[i][0], sizes[i][1], sizes[i][2]);
    }
    return NULL;
}

/* Codes of a network with three activations, whose second one's bits are all constant and so dropped. */
static tsr_status *probe_layers(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    static const tsr_code_layer layers[] = { { "hidden.0.activation", 0, 50 },
                                             { "hidden.1.activation", 50, 0 },
                                             { "hidden.2.activation", 50, 80 } };
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    bool encoded = t.train == NULL; /* by a network, which has layers */
    tsr_status *status = encoded ? NULL : tsr_codes_set_layers(t.train, 3, layers);
    if (!status && !encoded)
        status = tsr_codes_set_layers(t.test, 3, layers);
    if (!status)
        status = run(instance, &t);
    clear(&t);
    return status;
}

/* As in a run on a dataset that has none. */
static tsr_status *run_without_labels(const tsr_instance *instance, trial *t)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    t->encoded.data.info.classes = 0;
    tsr_network_set_unlabelled(t->encoded.network ? t->encoded.network : t->network);
    t->probing.train_labels = t->probing.test_labels = t->probing.trained_labels = NULL;
    t->probing.classes = 0;
    const tsr_probe_sizes sizes = {
        .n_train = t->probing.train->n, .n_test = t->probing.test->n, .shape = shape
    };
    if (ops->check)
        TSR_TRY(tsr_context(ops->check(tsr_instance_self(instance), &sizes), "its check refuses sizes of 0 classes"));
    TSR_TRY(run(instance, t));
    if (tsr_metrics_count(t->metrics) == 0)
        return tsr_fail(TSR_FAILED, "it gives no metric without labels; leave out without_labels");
    return NULL;
}

static tsr_status *try_without_labels(tsr_kit *kit, const tsr_instance *instance)
{
    if (!((const tsr_probe_ops *)tsr_instance_ops(instance))->without_labels) {
        kit->skipped = "it needs labels";
        return NULL;
    }
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run_without_labels(instance, &t);
    clear(&t);
    return status;
}

static tsr_status *give_announced(tsr_kit *kit, const tsr_instance *instance)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    if (!ops->metrics) {
        kit->skipped = "it announces none";
        return NULL;
    }
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run(instance, &t);
    if (!status)
        status = tsr_kit_check_metrics(ops, t.metrics);
    clear(&t);
    return status;
}

static tsr_status *give_curves(tsr_kit *kit, const tsr_instance *instance)
{
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    trial t;
    TSR_TRY(make(instance, 600, 200, 130, &t));
    tsr_status *status = run(instance, &t);
    if (!status && !ops->curves && !tsr_metrics_count_curves(t.metrics))
        kit->skipped = "it gives and announces none";
    else if (!status)
        status = tsr_kit_check_curves(ops, t.metrics);
    clear(&t);
    return status;
}

static tsr_status *with_instance(tsr_kit *kit, tsr_status *(*function)(tsr_kit *, const tsr_instance *))
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = function(kit, instance);
    tsr_instance_free(instance);
    return status;
}

static tsr_status *gives_metrics(tsr_kit *kit)
{
    return with_instance(kit, measure_once);
}

static tsr_status *gives_numbers(tsr_kit *kit)
{
    return with_instance(kit, measure_numbers);
}

static tsr_status *measures_layers(tsr_kit *kit)
{
    return with_instance(kit, probe_layers);
}

static tsr_status *threads_change_nothing(tsr_kit *kit)
{
    return with_instance(kit, thread_by_thread);
}

static tsr_status *leaves_codes_alone(tsr_kit *kit)
{
    return with_instance(kit, leave_codes);
}

static tsr_status *measures_what_it_checks(tsr_kit *kit)
{
    return with_instance(kit, take_sizes);
}

static tsr_status *keeps_its_word(tsr_kit *kit)
{
    return with_instance(kit, give_announced);
}

static tsr_status *draws_what_it_says(tsr_kit *kit)
{
    return with_instance(kit, give_curves);
}

static tsr_status *measures_unlabelled(tsr_kit *kit)
{
    return with_instance(kit, try_without_labels);
}

static const tsr_kit_check checks[] = {
    { "gives metrics", gives_metrics, 0, "metrics" },
    { "gives numbers", gives_numbers, 0, "numbers" },
    { "measures codes that have layers", measures_layers, 0, "layers" },
    { "measures codes that have no labels, if it says so", measures_unlabelled, 0, "unlabelled" },
    { "gives metrics that it announces", keeps_its_word, 0, "announced" },
    { "gives the curves that it announces", draws_what_it_says, 0, "curves" },
    { "gives the same metrics whatever the number of threads", threads_change_nothing, 0, "threads" },
    { "leaves codes and labels alone", leaves_codes_alone, 0, "codes" },
    { "measures every size that its check lets pass", measures_what_it_checks, 0, "sizes" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    return probe(instance, digest);
}

const tsr_kit_kind tsr_kit_probe = { checks, exercise };
