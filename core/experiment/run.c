/* Doing one run. The training loop calls back after each epoch; where a snapshot is due, the same network is
   planned for inference, its codes are taken and probed, and training goes on. */
#include "experiment/run.h"

#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "codes/extract.h"
#include "codes/metrics.h"
#include "codes/npy.h"
#include "config/describe.h"
#include "config/json.h"
#include "data/batches.h"
#include "experiment/environment.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"
#include "experiment/model_metadata.h"
#include "experiment/place.h"
#include "experiment/probed.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>
#include <unistd.h>

/* What the host itself measures. */
static const tsr_metric_info own_metrics[] = {
    { "model.loss.train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, "cross-entropy of the network's answers" },
    { "model.accuracy.train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, "accuracy of the network's answers" },
    { "model.accuracy.holdout", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "accuracy of the network's answers" },
    { "model.accuracy.test", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, "accuracy of the network's answers" },
    { "code.bits", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "bits of the code that are not constant" },
    { 0 },
};

/* A run while it is done. */
typedef struct doing {
    const tsr_run *run;
    char *folder; /* of the run */
    tsr_run_progress *progress;
    tsr_parts parts;
    tsr_batch_source *source;
    tsr_network *network;
    tsr_code_room room;                  /* for the codes */
    int32_t *train_labels, *test_labels; /* true ones */
    json_t *epochs, *snapshots, *probe_seconds;
    size_t epoch_size; /* examples that an epoch trains on */
    double codes_seconds, epoch_began;
    size_t last_probed;
    bool probed;
    char data_digest[17]; /* "" until it is taken */
} doing;

static void set_state(tsr_run_progress *progress, tsr_run_state state)
{
    atomic_store(&progress->state, (int)state);
}

/* JSON has no NaN: what is undefined is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void add_seconds(json_t *object, const char *key, double seconds)
{
    json_object_set_new(object, key, json_real(json_real_value(json_object_get(object, key)) + seconds));
}

static tsr_status *read_labels(const tsr_samples *samples, int32_t **out)
{
    size_t *scratch = tsr_alloc(samples->n, sizeof(*scratch));
    *out = tsr_alloc(samples->n, sizeof(**out));
    if (scratch && *out)
        tsr_samples_read_true(samples, 0, samples->n, scratch, NULL, *out);
    bool bad = !scratch || !*out;
    free(scratch);
    return bad ? tsr_no_memory("labels") : NULL;
}

/* The codes of both parts, and in `metrics` how the network does on all three. */
static tsr_status *take_codes(doing *d, json_t *metrics, tsr_codes **train, tsr_codes **test)
{
    tsr_evaluation evaluation;
    TSR_TRY(tsr_extract_and_evaluate(d->network, &d->parts.train, &d->room, train, &evaluation));
    json_object_set_new(metrics, "model.loss.train", number(evaluation.loss));
    json_object_set_new(metrics, "model.accuracy.train", number(evaluation.accuracy));
    if (d->parts.holdout.n) {
        TSR_TRY(tsr_evaluate(d->network, &d->parts.holdout, &evaluation));
        json_object_set_new(metrics, "model.accuracy.holdout", number(evaluation.accuracy));
    }
    TSR_TRY(tsr_extract_and_evaluate(d->network, &d->parts.test, &d->room, test, &evaluation));
    json_object_set_new(metrics, "model.accuracy.test", number(evaluation.accuracy));
    TSR_TRY(tsr_drop_constant(*train, *test));
    json_object_set_new(metrics, "code.bits", json_integer((json_int_t)(*train)->bits));
    return NULL;
}

/* In memory that the process which waits for this one sees too. */
static void note_call(tsr_run_progress *progress, const tsr_instance *probe, size_t epoch)
{
    const tsr_loaded *loaded = tsr_instance_loaded(probe);
    snprintf(progress->call, sizeof(progress->call), "in probe %s (%s) after epoch %zu",
             tsr_probe_label(probe), loaded->file ? loaded->file : "built in", epoch);
}

/* Runs a probe on the codes that it asked for, in a folder of its own that goes away if it stays empty. */
static tsr_status *run_probe(doing *d, size_t number_of_probe, size_t epoch, const tsr_codes *train,
                             const tsr_codes *test, json_t *out)
{
    const tsr_instance *probe = d->run->probes[number_of_probe];
    const tsr_probe_common *common = tsr_instance_common(probe);
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    const char *label = tsr_probe_label(probe);
    char *folder = tsr_format("%s/probes/%s/epoch-%zu", d->folder, label, epoch);
    tsr_rng rng = tsr_rng_stream(d->run->seed, TSR_FOR_PROBE, number_of_probe);
    tsr_probed_codes seen = { 0 };
    tsr_metrics *metrics = NULL;
    tsr_status *status = folder ? tsr_make_folder(folder) : tsr_no_memory("a probe");
    if (!status)
        status = tsr_metrics_new(label, &metrics);
    if (!status)
        status = tsr_choose_probed_codes(common, train, test, &d->room, &rng, metrics, &seen);
    if (!status) {
        tsr_probing probing = { .train = seen.train,
                                .test = seen.test,
                                .train_labels = d->train_labels,
                                .test_labels = d->test_labels,
                                .classes = d->run->data->info.classes,
                                .rng = rng,
                                .folder = folder,
                                .network = d->network,
                                .metrics = metrics };
        note_call(d->progress, probe, epoch);
        status = ops->run(tsr_instance_self(probe), &probing);
        d->progress->call[0] = '\0';
    }
    for (size_t i = 0; !status && i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value metric = tsr_metrics_get(metrics, i);
        char *name = tsr_format("%s.%s", label, metric.name);
        if (name)
            json_object_set_new(out, name, number(metric.value));
        else
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
    tsr_probed_codes_clear(&seen);
    tsr_metrics_free(metrics);
    free(folder);
    return tsr_context(status, "probe %s", label);
}

static tsr_status *save_codes(const doing *d, const tsr_codes *train, const tsr_codes *test)
{
    char *folder = tsr_path_join(d->folder, "codes");
    char *paths[4] = { tsr_path_join(d->folder, "codes/train.npy"),
                       tsr_path_join(d->folder, "codes/test.npy"),
                       tsr_path_join(d->folder, "codes/train_labels.npy"),
                       tsr_path_join(d->folder, "codes/test_labels.npy") };
    tsr_status *status = folder && paths[0] && paths[1] && paths[2] && paths[3] ? tsr_make_folder(folder)
                                                                                : tsr_no_memory("a path");
    if (!status)
        status = tsr_npy_write_codes(paths[0], train);
    if (!status)
        status = tsr_npy_write_codes(paths[1], test);
    if (!status)
        status = tsr_npy_write_labels(paths[2], train->n, d->train_labels);
    if (!status)
        status = tsr_npy_write_labels(paths[3], test->n, d->test_labels);
    for (int i = 0; i < 4; i++)
        free(paths[i]);
    free(folder);
    return status;
}

/* After an early stop at an epoch that was probed already: its codes were not kept then. */
static tsr_status *save_codes_again(doing *d)
{
    tsr_codes *train = NULL, *test = NULL;
    json_t *metrics = json_object();
    tsr_status *status = metrics ? take_codes(d, metrics, &train, &test) : tsr_no_memory("metrics");
    json_decref(metrics);
    if (!status)
        status = save_codes(d, train, test);
    tsr_codes_free(train);
    tsr_codes_free(test);
    return status;
}

/* Evaluates, takes codes and probes them: one entry of "snapshots". */
static tsr_status *take_snapshot(doing *d, size_t epoch, bool last)
{
    set_state(d->progress, TSR_RUN_PROBING);
    double started = tsr_seconds();
    tsr_codes *train = NULL, *test = NULL;
    json_t *metrics = json_object();
    tsr_status *status = metrics ? take_codes(d, metrics, &train, &test) : tsr_no_memory("metrics");
    d->codes_seconds += tsr_seconds() - started;
    for (size_t i = 0; !status && i < d->run->n_probes; i++) {
        double began = tsr_seconds();
        status = run_probe(d, i, epoch, train, test, metrics);
        add_seconds(d->probe_seconds, tsr_probe_label(d->run->probes[i]), tsr_seconds() - began);
    }
    if (!status && last && d->run->output.save_codes)
        status = save_codes(d, train, test);
    tsr_codes_free(train);
    tsr_codes_free(test);
    if (status) {
        json_decref(metrics);
        return tsr_context(status, "after epoch %zu", epoch);
    }
    json_array_append_new(d->snapshots,
                          json_pack("{s:I, s:o}", "epoch", (json_int_t)epoch, "metrics", metrics));
    d->last_probed = epoch;
    d->probed = true;
    set_state(d->progress, TSR_RUN_TRAINING);
    return NULL;
}

static tsr_status *epoch_done(void *context, size_t epoch, double loss, double accuracy)
{
    doing *d = context;
    const tsr_training_settings *training = &d->run->training;
    double now = tsr_seconds();
    if (epoch > 0) {
        double seconds = now - d->epoch_began;
        json_array_append_new(d->epochs, json_pack("{s:I, s:o, s:o}", "epoch", (json_int_t)epoch, "loss",
                                                   number(loss), "accuracy", number(accuracy)));
        atomic_store(&d->progress->loss, loss);
        if (seconds > 0)
            atomic_store(&d->progress->examples_per_second, (double)d->epoch_size / seconds);
    }
    atomic_store(&d->progress->epoch, epoch);
    bool due = false;
    for (size_t i = 0; i < training->snapshots.n; i++)
        due = due || (size_t)training->snapshots.values[i] == epoch;
    /* The last epoch's snapshot is taken after the training, which may end before the last epoch. */
    tsr_status *status = due && epoch < (size_t)training->epochs ? take_snapshot(d, epoch, false) : NULL;
    d->epoch_began = tsr_seconds();
    return status;
}

/* Gigabytes, at most what a size_t can count. */
static size_t bytes_of(double gigabytes)
{
    double bytes = gigabytes * 1e9;
    return bytes >= (double)SIZE_MAX ? SIZE_MAX : (size_t)bytes;
}

/* What is subtracted from every input: the mean that the weights came with, which is part of the network,
   else, where it is wanted, that of the examples that train. */
static tsr_status *prepare_mean(doing *d)
{
    const tsr_run *run = d->run;
    if (!run->weights || !tsr_model_file_has_mean(run->weights))
        return run->training.subtract_mean ? tsr_parts_subtract_mean(&d->parts) : NULL;
    size_t size = tsr_shape_size(run->data->info.shape);
    float *mean = tsr_alloc(size, sizeof(*mean));
    if (!mean)
        return tsr_no_memory("the mean input");
    tsr_model_file_mean(run->weights, size, mean);
    tsr_parts_set_mean(&d->parts, mean);
    return NULL;
}

/* Takes the folder's path over. */
static tsr_status *prepare(doing *d, char *folder)
{
    const tsr_run *run = d->run;
    const tsr_training_settings *training = &run->training;
    d->folder = folder;
    d->epochs = json_array();
    d->snapshots = json_array();
    d->probe_seconds = json_object();
    if (!d->folder || !d->epochs || !d->snapshots || !d->probe_seconds)
        return tsr_no_memory("a run");
    TSR_TRY(tsr_remove_tree(d->folder)); /* what an attempt that did not end has left */
    TSR_TRY(tsr_make_folder(d->folder));
    TSR_TRY(tsr_identity_of_data(run, d->data_digest));
    tsr_split_options options = { .holdout = training->holdout,
                                  .samples = (size_t)training->samples,
                                  .label_noise = training->label_noise,
                                  .input_noise = training->input_noise,
                                  .seed = run->seed };
    TSR_TRY(tsr_parts_new(run->data, &options, &d->parts));
    TSR_TRY(prepare_mean(d));
    TSR_TRY(read_labels(&d->parts.train, &d->train_labels));
    TSR_TRY(read_labels(&d->parts.test, &d->test_labels));
    d->epoch_size = training->constant_steps ? d->parts.epoch_size : d->parts.train.n;
    tsr_batch_options order = { .batch = (size_t)training->batch,
                                .epoch_size = d->epoch_size,
                                .seed = run->seed,
                                .augment = training->augment };
    TSR_TRY(tsr_batch_source_new(&d->parts.train, &order, &d->source));
    TSR_TRY(
        tsr_network_new(run->model, run->data->info.shape, run->data->info.classes, run->seed, &d->network));
    tsr_network_subtract(d->network, d->parts.mean);
    tsr_code_choice choice = tsr_run_code_choice(run);
    TSR_TRY(tsr_network_choose_code(d->network, &choice));
    d->room = (tsr_code_room){ .limit = bytes_of(run->codes.memory), .folder = d->folder };
    return run->weights ? tsr_model_file_load(run->weights, d->network) : NULL;
}

/* A step has no more examples than an epoch, and needs no more memory than for them. */
static tsr_training training_of(doing *d)
{
    const tsr_run *run = d->run;
    size_t batch = (size_t)run->training.batch;
    return (tsr_training){ .epochs = (size_t)run->training.epochs,
                           .batch = batch < d->epoch_size ? batch : d->epoch_size,
                           .early_stop = (size_t)run->training.early_stop,
                           .optimizer = run->optimizer,
                           .n_regularizers = run->n_regularizers,
                           .regularizers = run->regularizers,
                           .schedule = run->training.schedule,
                           .seed = run->seed,
                           .epoch_done = epoch_done,
                           .context = d };
}

static tsr_status *train_and_probe(doing *d, tsr_trained *trained)
{
    const tsr_run *run = d->run;
    tsr_training training = training_of(d);
    tsr_batches batches = tsr_batch_source_batches(d->source);
    set_state(d->progress, TSR_RUN_TRAINING);
    d->epoch_began = tsr_seconds();
    TSR_TRY(tsr_train(d->network, &training, &batches, trained));
    if (!d->probed || d->last_probed != trained->epochs)
        TSR_TRY(take_snapshot(d, trained->epochs, true));
    else if (run->output.save_codes)
        TSR_TRY(save_codes_again(d));
    if (!run->output.save_model)
        return NULL;
    char *path = tsr_path_join(d->folder, "model.safetensors");
    tsr_status *status = path ? tsr_model_file_write(path, d->network, run->config) : tsr_no_memory("a path");
    free(path);
    return status;
}

static json_t *describe_network(const tsr_network *network)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < tsr_network_n_code_sources(network); i++) {
        const tsr_code_source *source = tsr_network_code_source(network, i);
        json_array_append_new(layers, json_pack("{s:s, s:I, s:I}", "name", source->name, "units",
                                                (json_int_t)source->units, "bits_per_unit",
                                                (json_int_t)source->n_breakpoints));
    }
    return json_pack("{s:I, s:o, s:o}", "parameters", (json_int_t)tsr_network_parameters(network),
                     "code_layers", layers, "constants", tsr_model_constants(tsr_network_graph(network)));
}

/* What a probe's metrics mean. */
static void describe_probe(const tsr_instance *probe, json_t *out)
{
    static const tsr_metric_info projection[] = {
        { "projection", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "bits of the code that are worked on" },
        { 0 },
    };
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    const tsr_probe_common *common = tsr_instance_common(probe);
    char *label = tsr_format("%s.", tsr_probe_label(probe));
    char *prefix = tsr_format("%s.%s", tsr_probe_label(probe), common->projection ? TSR_PROJECTED : "");
    if (label && common->projection)
        tsr_announced_json(projection, label, out);
    if (prefix)
        tsr_announced_json(ops->metrics, prefix, out);
    free(label);
    free(prefix);
}

/* What the metrics of the run mean, so that results can be read without the plugins. */
static json_t *describe_metrics(const tsr_run *run)
{
    json_t *out = json_object();
    tsr_announced_json(own_metrics, "", out);
    for (size_t i = 0; i < run->n_probes; i++)
        describe_probe(run->probes[i], out);
    return out;
}

/* What every run.json begins with. */
static json_t *begin_outcome(const tsr_experiment *experiment, const tsr_run *run, const char *word,
                             const char *error)
{
    json_t *outcome = json_pack("{s:s, s:s, s:I, s:s, s:s?, s:o}", "run", run->id, "experiment",
                                experiment->name, "seed", (json_int_t)run->seed, "status", word, "error",
                                error, "config", tsr_value_to_json(run->config));
    tsr_status *status = outcome ? tsr_place_put(experiment, run, outcome) : NULL;
    if (!status)
        return outcome;
    tsr_status_free(status);
    json_decref(outcome);
    return NULL;
}

static json_t *outcome_of(const tsr_experiment *experiment, doing *d, const tsr_status *status,
                          const tsr_trained *trained, double seconds, double train_seconds)
{
    const char *word = tsr_status_code(status) == TSR_DIVERGED ? "diverged" : status ? "failed" : "done";
    json_t *outcome = begin_outcome(experiment, d->run, word, status ? tsr_status_message(status) : NULL);
    if (d->data_digest[0])
        json_object_set_new(outcome, "data", json_pack("{s:s}", "digest", d->data_digest));
    json_object_set_new(outcome, "metrics", describe_metrics(d->run));
    json_object_set_new(outcome, "snapshots", d->snapshots ? json_incref(d->snapshots) : json_array());
    json_object_set_new(outcome, "epochs", d->epochs ? json_incref(d->epochs) : json_array());
    json_object_set_new(outcome, "epochs_done", json_integer((json_int_t)trained->epochs));
    json_object_set_new(outcome, "early_stopped", json_boolean(trained->early_stopped));
    json_object_set_new(outcome, "examples",
                        json_pack("{s:I, s:I, s:I}", "train", (json_int_t)d->parts.train.n, "holdout",
                                  (json_int_t)d->parts.holdout.n, "test", (json_int_t)d->parts.test.n));
    if (d->network)
        json_object_set_new(outcome, "model", describe_network(d->network));
    json_object_set_new(outcome, "seconds",
                        json_pack("{s:f, s:f, s:O?, s:f}", "training", train_seconds, "codes",
                                  d->codes_seconds, "probes", d->probe_seconds, "total", seconds));
    json_object_set_new(outcome, "peak_memory", json_integer((json_int_t)tsr_peak_memory()));
    json_object_set_new(outcome, "environment", tsr_environment(experiment->registry));
    return outcome;
}

static void clear(doing *d)
{
    tsr_network_free(d->network);
    tsr_batch_source_free(d->source);
    tsr_parts_clear(&d->parts);
    free(d->train_labels);
    free(d->test_labels);
    free(d->folder);
    json_decref(d->epochs);
    json_decref(d->snapshots);
    json_decref(d->probe_seconds);
}

static double sum_of(const json_t *object)
{
    double sum = 0;
    for (void *i = json_object_iter((json_t *)(uintptr_t)object); i;
         i = json_object_iter_next((json_t *)(uintptr_t)object, i))
        sum += json_real_value(json_object_iter_value(i));
    return sum;
}

/* Whether a plugin has written behind its instance, which makes all results doubtful. */
static tsr_status *check_instances(const tsr_run *run)
{
    TSR_TRY(tsr_instance_check(run->dataset));
    TSR_TRY(tsr_instance_check(run->model));
    TSR_TRY(tsr_instance_check(run->optimizer));
    for (size_t i = 0; i < run->n_regularizers; i++)
        TSR_TRY(tsr_instance_check(run->regularizers[i]));
    for (size_t i = 0; i < run->n_probes; i++)
        TSR_TRY(tsr_instance_check(run->probes[i]));
    return NULL;
}

tsr_status *tsr_run_do(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                       int threads, tsr_run_progress *progress)
{
    double began = tsr_seconds();
    tsr_set_threads(threads);
    tsr_flush_subnormals();
    doing d = { .run = run, .progress = progress };
    tsr_trained trained = { 0 };
    atomic_store(&progress->epochs, (size_t)run->training.epochs);
    tsr_status *status = prepare(&d, tsr_store_run_folder(store, run));
    double prepared = tsr_seconds();
    if (!status)
        status = train_and_probe(&d, &trained);
    if (!status)
        status = check_instances(run);
    double ended = tsr_seconds();
    json_t *outcome = outcome_of(experiment, &d, status, &trained, ended - began,
                                 ended - prepared - d.codes_seconds - sum_of(d.probe_seconds));
    tsr_run_state state = status ? TSR_RUN_FAILED : TSR_RUN_DONE;
    tsr_status_free(status);
    clear(&d);
    set_state(progress, TSR_RUN_PROBING); /* the training is over, whatever becomes of the outcome */
    status = outcome ? tsr_store_put(store, run->id, outcome) : tsr_no_memory("run.json");
    json_decref(outcome);
    if (!status) /* not before: by it the run is known to have left an outcome */
        set_state(progress, state);
    return status;
}

/* Trying a run. */

/* Batches until the time is over. */
typedef struct clocked {
    tsr_batches inner;
    double limit, began;
    size_t last; /* examples of the last batch; 0: none yet */
    tsr_trial *trial;
} clocked;

static void clocked_begin(void *context, size_t epoch)
{
    const clocked *c = context;
    if (c->inner.begin_epoch)
        c->inner.begin_epoch(c->inner.context, epoch);
}

/* The last batch has been trained on. */
static void clocked_count(clocked *c)
{
    c->trial->trained += c->last;
    c->trial->training_seconds = tsr_seconds() - c->began;
}

/* No examples, which ends the training, when the time is over. */
static size_t clocked_next(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels)
{
    clocked *c = context;
    if (c->last == 0)
        c->began = tsr_seconds();
    else
        clocked_count(c);
    if (c->trial->training_seconds > c->limit)
        return 0;
    c->last = c->inner.next(c->inner.context, epoch, step, inputs, labels);
    return c->last;
}

static tsr_status *try_training(doing *d, double seconds, tsr_trial *trial)
{
    clocked clock = { .inner = tsr_batch_source_batches(d->source), .limit = seconds, .trial = trial };
    tsr_batches batches = {
        .context = &clock, .steps = clock.inner.steps, .begin_epoch = clocked_begin, .next = clocked_next
    };
    tsr_training training = training_of(d);
    training.epoch_done = NULL;
    tsr_trained trained;
    tsr_status *status = tsr_train(d->network, &training, &batches, &trained);
    if (!status)
        clocked_count(&clock);
    if (status && trial->trained) { /* ended by the clock, or by what will end the run too */
        tsr_status_free(status);
        return NULL;
    }
    return status;
}

/* A 32nd of the examples, a 16th, and so on. A probe may want more than the first steps have. */
static tsr_status *try_probing(doing *d, tsr_trial *trial)
{
    size_t train = d->parts.train.n, test = d->parts.test.n;
    tsr_status *status = NULL;
    for (size_t part = 32; part >= 1; part /= 2) {
        double began = tsr_seconds();
        d->parts.train.n = train / part + (train < part);
        d->parts.test.n = test / part + (test < part);
        tsr_status_free(status);
        status = take_snapshot(d, 0, false);
        if (status)
            continue;
        trial->probed[1] = trial->probed[0];
        trial->probing_seconds[1] = trial->probing_seconds[0];
        trial->probing_seconds[0] = tsr_seconds() - began;
        trial->probed[0] = d->parts.train.n + d->parts.test.n;
    }
    return status;
}

tsr_status *tsr_run_try(const tsr_run *run, const char *folder, double training_seconds, tsr_trial *trial)
{
    tsr_run_progress progress = { 0 };
    doing d = { .run = run, .progress = &progress };
    tsr_set_threads(1);
    tsr_flush_subnormals();
    tsr_status *status = prepare(&d, strdup(folder));
    if (!status && run->training.epochs > 0)
        status = try_training(&d, training_seconds, trial);
    if (!status)
        status = try_probing(&d, trial);
    clear(&d);
    return status;
}

/* The reason, and what the run was at when its process ended. NULL without memory. free() it. */
static char *reason_with_place(const char *reason, tsr_run_progress *progress)
{
    progress->call[sizeof(progress->call) - 1] = '\0'; /* what ended may have written anything */
    if (progress->call[0])
        return tsr_format("%s, %s", reason, progress->call);
    if (atomic_load(&progress->state) == TSR_RUN_TRAINING)
        return tsr_format("%s, while training in epoch %zu", reason, atomic_load(&progress->epoch) + 1);
    return strdup(reason);
}

tsr_status *tsr_run_lost(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                         const char *given, tsr_run_progress *progress)
{
    char *reason = reason_with_place(given, progress);
    if (!reason)
        return tsr_no_memory("run.json");
    char *folder = tsr_store_run_folder(store, run);
    tsr_status *status = folder ? tsr_remove_tree(folder) : NULL; /* it may be what has filled the disk */
    free(folder);
    json_t *outcome = status ? NULL : begin_outcome(experiment, run, "failed", reason);
    free(reason);
    TSR_TRY(status);
    if (!outcome)
        return tsr_no_memory("run.json");
    json_object_set_new(outcome, "snapshots", json_array());
    json_object_set_new(
        outcome, "environment",
        json_pack("{s:s, s:o}", "version", tsr_version(), "plugins", tsr_plugins_used(experiment->registry)));
    status = tsr_store_put(store, run->id, outcome);
    json_decref(outcome);
    if (!status)
        set_state(progress, TSR_RUN_FAILED);
    return status;
}
