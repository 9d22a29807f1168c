/* A snapshot: the network is planned for inference, its codes are taken and probed, and training may go on.
 */
#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "codes/metrics.h"
#include "config/json.h"
#include "experiment/checkpoint.h"
#include "experiment/model_file.h"
#include "experiment/probing.h"
#include "experiment/record_make.h"
#include "experiment/saved_codes.h"
#include "experiment/take_over.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>
#include <unistd.h>

static void add_seconds(json_t *object, const char *key, double seconds)
{
    json_object_set_new(object, key, json_real(json_real_value(json_object_get(object, key)) + seconds));
}

/* Keeps the codes as they are with all their columns, where a probe wants to see them. */
static tsr_status *keep_whole(tsr_run_work *w, const tsr_codes *train, const tsr_codes *test)
{
    if (!(w->needs & (TSR_PROBE_WHOLE | TSR_PROBE_PREVIOUS)))
        return NULL;
    TSR_TRY(tsr_codes_copy_in(&w->budget, train, &w->whole[0]));
    return tsr_codes_copy_in(&w->budget, test, &w->whole[1]);
}

/* The next snapshot's previous codes, if they will be needed. */
static void pass_whole_on(tsr_run_work *w, size_t epoch)
{
    for (int i = 0; i < 2; i++) {
        tsr_codes_free(w->previous[i]);
        w->previous[i] = w->needs & TSR_PROBE_PREVIOUS ? w->whole[i] : NULL;
        if (!w->previous[i])
            tsr_codes_free(w->whole[i]);
        w->whole[i] = NULL;
    }
    w->previous_epoch = epoch;
}

/* How the network does on the examples of `part`, "train", "holdout" or "test". The loss is that of the
   training part and, where there are no classes and so no accuracy, of the others too. */
static void put_evaluation(const tsr_run_work *w, const tsr_evaluation *evaluation, const char *part,
                           json_t *metrics)
{
    char name[64];
    bool accuracy = tsr_network_classes(w->network) > 0;
    if (!accuracy || strcmp(part, "train") == 0) {
        snprintf(name, sizeof(name), "model.loss.%s", part);
        json_object_set_new(metrics, name, tsr_record_number(evaluation->loss));
    }
    if (accuracy) {
        snprintf(name, sizeof(name), "model.accuracy.%s", part);
        json_object_set_new(metrics, name, tsr_record_number(evaluation->accuracy));
    }
}

/* The codes of both parts, and in `metrics` how the network does on all three. */
static tsr_status *extract(tsr_run_work *w, json_t *metrics, tsr_codes **train, tsr_codes **test)
{
    tsr_evaluation evaluation;
    TSR_TRY(tsr_extract_and_evaluate(w->network, &w->parts.train, &w->budget, train, &evaluation));
    put_evaluation(w, &evaluation, "train", metrics);
    if (w->parts.holdout.n) {
        TSR_TRY(tsr_evaluate(w->network, &w->parts.holdout, &evaluation));
        put_evaluation(w, &evaluation, "holdout", metrics);
    }
    TSR_TRY(tsr_extract_and_evaluate(w->network, &w->parts.test, &w->budget, test, &evaluation));
    put_evaluation(w, &evaluation, "test", metrics);
    return NULL;
}

/* Codes that were saved: of the network only its layers are known. */
static tsr_status *read_saved(tsr_run_work *w, tsr_codes **train, tsr_codes **test)
{
    const size_t n[2] = { w->parts.train.n, w->parts.test.n };
    tsr_codes *both[2];
    tsr_status *status = tsr_saved_codes_read(w->saved_codes, w->network, n, &w->budget, both);
    *train = both[0];
    *test = both[1];
    return status;
}

static tsr_status *take_codes(tsr_run_work *w, json_t *metrics, tsr_codes **train, tsr_codes **test)
{
    if (w->saved_codes)
        TSR_TRY(read_saved(w, train, test));
    else
        TSR_TRY(extract(w, metrics, train, test));
    TSR_TRY(keep_whole(w, *train, *test));
    tsr_kept_columns_clear(&w->kept);
    TSR_TRY(tsr_drop_constant(*train, *test, &w->kept));
    tsr_kept_columns_of_units(&w->kept, w->network);
    json_object_set_new(metrics, "code.bits", json_integer((json_int_t)(*train)->bits));
    return NULL;
}

/* What all probings of a snapshot have alike. */
static tsr_probing begin_probing(const tsr_run_work *w, size_t epoch, const tsr_probing_host *host)
{
    return (tsr_probing){ .train_labels = w->train_labels,
                          .test_labels = w->test_labels,
                          .classes = w->run->data->info.classes,
                          .network = w->saved_codes ? NULL : w->network,
                          .trained_labels = w->parts.train.noisy ? w->parts.train.noisy : w->train_labels,
                          .class_names = w->run->data->info.class_names,
                          .seed = w->run->seed,
                          .replicate = w->run->replicate,
                          .epoch = epoch,
                          .whole_bits = w->kept.whole_bits,
                          .constant = w->kept.constant,
                          .constant_values = w->kept.value,
                          .whole_train = w->whole[0],
                          .whole_test = w->whole[1],
                          .previous_train = w->previous[0],
                          .previous_test = w->previous[1],
                          .previous_epoch = w->previous_epoch,
                          .host = host };
}

/* Runs a probe on the codes that it asked for, in a folder of its own that goes away if it stays empty. */
static tsr_status *run_probe(tsr_run_work *w, size_t number_of_probe, size_t epoch, const tsr_codes *train,
                             const tsr_codes *test, json_t *out, json_t *undefined)
{
    const tsr_instance *probe = w->run->probes[number_of_probe];
    const char *label = tsr_probe_label(probe);
    char *folder = tsr_format("%s/probes/%s/epoch-%zu", w->folder, label, epoch);
    tsr_metrics *metrics = NULL;
    tsr_status *status = folder ? tsr_make_folder(folder) : tsr_no_memory("a probe");
    if (!status) {
        tsr_probing_host host = { .parts = { &w->parts.train, &w->parts.holdout, &w->parts.test },
                                  .layers = w->network,
                                  .augment = tsr_run_augmentations(w->run),
                                  .budget = &w->budget };
        host.augments = tsr_augments(&host.augment);
        tsr_probing probing = begin_probing(w, epoch, &host);
        probing.train = train;
        probing.test = test;
        probing.columns = w->kept.columns;
        probing.folder = folder;
        atomic_store(&w->progress->probe, number_of_probe + 1);
        status = tsr_probe_codes(&probing, probe, w->probes_before + number_of_probe, &metrics);
        atomic_store(&w->progress->probe, 0);
    }
    for (size_t i = 0; !status && i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value metric = tsr_metrics_get(metrics, i);
        char *name = tsr_format("%s.%s", label, metric.name);
        if (name) {
            json_object_set_new(out, name, tsr_record_number(metric.value));
            if (metric.reason)
                json_object_set_new(undefined, name, json_string(metric.reason));
        } else
            status = tsr_no_memory("a metric");
        free(name);
    }
    if (folder && rmdir(folder) == 0) { /* nothing was written */
        *strrchr(folder, '/') = '\0';
        if (rmdir(folder) == 0) {
            *strrchr(folder, '/') = '\0';
            rmdir(folder);
        }
    }
    tsr_metrics_free(metrics);
    free(folder);
    return tsr_context(status, "probe %s", label);
}

static tsr_status *save_codes(const tsr_run_work *w, const tsr_codes *train, const tsr_codes *test)
{
    const tsr_saved_codes codes = { train, test, w->train_labels, w->test_labels, &w->kept };
    char *folder = tsr_path_join(w->folder, TSR_SAVED_CODES);
    tsr_status *status = folder ? tsr_saved_codes_write(folder, &codes) : tsr_no_memory("a path");
    free(folder);
    return status;
}

/* After an early stop at an epoch that was probed already: its codes were not kept then. */
tsr_status *tsr_run_save_codes_again(tsr_run_work *w)
{
    tsr_codes *train = NULL, *test = NULL;
    json_t *metrics = json_object();
    tsr_status *status = metrics ? take_codes(w, metrics, &train, &test) : tsr_no_memory("metrics");
    json_decref(metrics);
    if (!status)
        status = save_codes(w, train, test);
    tsr_codes_free(train);
    tsr_codes_free(test);
    return status;
}

tsr_status *tsr_run_recall_codes(tsr_run_work *w, size_t epoch)
{
    tsr_codes *train = NULL, *test = NULL;
    json_t *metrics = json_object();
    tsr_status *status = metrics ? take_codes(w, metrics, &train, &test) : tsr_no_memory("metrics");
    json_decref(metrics);
    tsr_codes_free(train);
    tsr_codes_free(test);
    pass_whole_on(w, epoch);
    return status;
}

/* A probe that fails costs its own metrics alone: the run goes on, and tells of the failure at its end. */
static tsr_status *note_failure(tsr_run_work *w, const char *label, size_t epoch, tsr_status *failure)
{
    if (!failure)
        return NULL;
    failure = tsr_context(failure, "after epoch %zu", epoch);
    bool noted = json_object_get(w->failed_probes, label) ||
                 json_object_set_new(w->failed_probes, label, json_string(tsr_status_message(failure))) == 0;
    tsr_status_free(failure);
    return noted ? NULL : tsr_no_memory("a probe's failure");
}

tsr_status *tsr_run_failed_probe(const tsr_run_work *w)
{
    void *first = json_object_iter(w->failed_probes);
    if (!first)
        return NULL;
    const char *reason = json_string_value(json_object_iter_value(first));
    size_t n = json_object_size(w->failed_probes);
    return n == 1 ? tsr_fail(TSR_FAILED, "%s", reason)
                  : tsr_fail(TSR_FAILED, "%s (and %zu more of its probes failed)", reason, n - 1);
}

/* Why a probe is not to be run again. */
static tsr_status *refuse_ended_probe(const tsr_run_work *w, size_t number_of_probe, size_t epoch)
{
    const json_t *ended = json_object_get(w->ended_probes, tsr_probe_label(w->run->probes[number_of_probe]));
    const char *reason = json_string_value(json_object_get(ended, "reason"));
    return reason && epoch >= (size_t)json_integer_value(json_object_get(ended, "epoch"))
               ? tsr_fail(TSR_FAILED, "%s", reason)
               : NULL;
}

tsr_status *tsr_run_add_snapshot(tsr_run_work *w, size_t epoch, json_t *metrics, json_t *undefined)
{
    json_t *snapshot = json_pack("{s:I, s:O}", "epoch", (json_int_t)epoch, "metrics", metrics);
    bool whole = json_object_size(undefined) == 0 || json_object_set(snapshot, "undefined", undefined) == 0;
    if (!whole)
        json_decref(snapshot);
    if (!whole || json_array_append_new(w->snapshots, snapshot) != 0)
        return tsr_no_memory("a snapshot");
    w->last_probed = epoch;
    w->probed = true;
    return NULL;
}

/* Probe number i on the codes, unless the run's predecessor has its metrics. */
static tsr_status *measure(tsr_run_work *w, size_t i, size_t epoch, const tsr_codes *train,
                           const tsr_codes *test, json_t *metrics, json_t *undefined)
{
    const char *label = tsr_probe_label(w->run->probes[i]);
    if (w->predecessor && tsr_predecessor_has(w->predecessor, i, epoch))
        return tsr_take_probe_metrics(tsr_predecessor_snapshot(w->predecessor, epoch), label, metrics,
                                      undefined);
    double began = tsr_seconds();
    tsr_status *failure = tsr_context(refuse_ended_probe(w, i, epoch), "probe %s", label);
    if (!failure)
        failure = run_probe(w, i, epoch, train, test, metrics, undefined);
    tsr_status *status = note_failure(w, label, epoch, failure);
    add_seconds(w->probe_seconds, label, tsr_seconds() - began);
    return status;
}

tsr_status *tsr_run_save_network(const tsr_run_work *w, size_t epoch)
{
    char *folder = tsr_path_join(w->folder, TSR_SNAPSHOTS);
    tsr_status *status = folder ? tsr_make_folder(folder) : tsr_no_memory("a path");
    if (!status)
        status = tsr_run_write_model(w, tsr_snapshot_path(w->folder, epoch));
    free(folder);
    return status;
}

/* Evaluates, takes codes and probes them: one entry of "snapshots". */
tsr_status *tsr_run_take_snapshot(tsr_run_work *w, size_t epoch, bool last)
{
    tsr_run_set_state(w->progress, TSR_RUN_PROBING);
    double started = tsr_seconds();
    size_t failures = tsr_json_failures();
    tsr_codes *train = NULL, *test = NULL;
    json_t *metrics = json_object(), *undefined = json_object();
    const json_t *before = w->predecessor ? tsr_predecessor_snapshot(w->predecessor, epoch) : NULL;
    tsr_status *status =
        metrics && undefined ? take_codes(w, metrics, &train, &test) : tsr_no_memory("metrics");
    if (!status && before)
        status = tsr_take_own_metrics(before, metrics);
    w->codes_seconds += tsr_seconds() - started;
    for (size_t i = 0; !status && i < w->run->n_probes; i++)
        status = measure(w, i, epoch, train, test, metrics, undefined);
    if (!status && last && w->run->output.save_codes)
        status = save_codes(w, train, test);
    if (!status && w->run->output.save_snapshots)
        status = tsr_run_save_network(w, epoch);
    tsr_codes_free(train);
    tsr_codes_free(test);
    pass_whole_on(w, epoch);
    if (!status && failures != tsr_json_failures())
        status = tsr_no_memory("metrics");
    if (!status)
        status = tsr_checkpoint_remember(w);
    if (!status)
        status = tsr_run_add_snapshot(w, epoch, metrics, undefined);
    json_decref(metrics);
    json_decref(undefined);
    if (status)
        return tsr_context(status, "after epoch %zu", epoch);
    tsr_run_set_state(w->progress, TSR_RUN_TRAINING);
    return NULL;
}
