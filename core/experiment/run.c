/* Doing one run. The training loop calls back after each epoch, where snapshots may be due. */
#include "experiment/run.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "config/json.h"
#include "experiment/changes.h"
#include "experiment/checkpoint.h"
#include "experiment/environment.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"
#include "experiment/record_make.h"
#include "experiment/spec.h"
#include "experiment/take_over.h"
#include "plugin/kinds.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void tsr_run_set_state(tsr_run_progress *progress, tsr_run_state state)
{
    atomic_store(&progress->state, (int)state);
}

/* NULL where the data have none. */
static tsr_status *read_labels(const tsr_samples *samples, int32_t **out)
{
    *out = NULL;
    if (samples->data->info.classes == 0)
        return NULL;
    size_t *scratch = tsr_alloc(samples->n, sizeof(*scratch));
    *out = tsr_alloc(samples->n, sizeof(**out));
    if (scratch && *out)
        tsr_samples_read_true(samples, 0, samples->n, scratch, NULL, *out);
    bool bad = !scratch || !*out;
    free(scratch);
    return bad ? tsr_no_memory("labels") : NULL;
}

static tsr_status *tell_epoch(tsr_run_work *w, const tsr_training_state *now)
{
    double seconds = tsr_seconds() - w->epoch_began;
    size_t before = tsr_json_failures();
    json_t *numbers =
        json_pack("{s:I, s:o}", "epoch", (json_int_t)now->epochs, "loss", tsr_record_number(now->loss));
    if (tsr_network_classes(w->network) > 0)
        json_object_set_new(numbers, "accuracy", tsr_record_number(now->accuracy));
    json_array_append_new(w->epochs, numbers);
    if (before != tsr_json_failures())
        return tsr_no_memory("the training's curve");
    atomic_store(&w->progress->loss, now->loss);
    if (seconds > 0)
        atomic_store(&w->progress->examples_per_second, (double)w->epoch_size / seconds);
    return NULL;
}

static tsr_status *epoch_done(void *context, const tsr_training_state *now)
{
    tsr_run_work *w = context;
    const tsr_training_settings *training = &w->run->training;
    size_t epoch = now->epochs;
    if (epoch > 0)
        TSR_TRY(tell_epoch(w, now));
    atomic_store(&w->progress->epoch, epoch);
    bool due = false;
    for (size_t i = 0; i < training->snapshots.n; i++)
        due = due || (size_t)training->snapshots.values[i] == epoch;
    /* The last epoch's snapshot is taken after the training, which may end before the last epoch. */
    tsr_status *status =
        due && epoch < (size_t)training->epochs ? tsr_run_take_snapshot(w, epoch, false) : NULL;
    if (!status)
        status = tsr_checkpoint_keep(w, now);
    w->epoch_began = tsr_seconds();
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
static tsr_status *prepare_mean(tsr_run_work *w)
{
    const tsr_run *run = w->run;
    if (!run->weights || !tsr_model_file_has_mean(run->weights))
        return run->training.subtract_mean ? tsr_parts_subtract_mean(&w->parts) : NULL;
    size_t size = tsr_shape_size(run->data->info.shape);
    float *mean = tsr_alloc(size, sizeof(*mean));
    if (!mean)
        return tsr_no_memory("the mean input");
    tsr_model_file_mean(run->weights, size, mean);
    tsr_parts_set_mean(&w->parts, mean);
    return NULL;
}

/* Whether the run is finished, and only files of it are made. */
static bool is_completed(const tsr_run_work *w)
{
    return w->predecessor && strcmp(w->predecessor->id, w->run->id) == 0;
}

/* Takes the folder's path over. */
tsr_status *tsr_run_work_begin(tsr_run_work *w, char *folder)
{
    const tsr_run *run = w->run;
    const tsr_training_settings *training = &run->training;
    w->folder = folder;
    w->epochs = json_array();
    w->snapshots = json_array();
    w->probe_seconds = json_object();
    w->failed_probes = json_object();
    w->ended_probes = json_object();
    if (!w->folder || !w->epochs || !w->snapshots || !w->probe_seconds || !w->failed_probes ||
        !w->ended_probes)
        return tsr_no_memory("a run");
    if (!is_completed(w) && !w->checkpoint)
        TSR_TRY(tsr_remove_tree(w->folder)); /* what an attempt that did not end has left */
    TSR_TRY(tsr_make_folder(w->folder));
    TSR_TRY(tsr_identity_of_data(run, w->data_digest));
    TSR_TRY(tsr_run_split(run, true, &w->parts));
    TSR_TRY(prepare_mean(w));
    TSR_TRY(read_labels(&w->parts.train, &w->train_labels));
    TSR_TRY(read_labels(&w->parts.test, &w->test_labels));
    for (size_t i = 0; i < run->n_probes; i++)
        w->needs |= tsr_probe_needs(run->probes[i]);
    w->epoch_size = tsr_run_epoch_size(run, &w->parts);
    tsr_batch_options order = { .batch = (size_t)training->batch,
                                .epoch_size = w->epoch_size,
                                .seed = run->seed,
                                .augment = tsr_run_augmentations(run),
                                .targets = tsr_loss_target(run->training_plugins.loss) == TSR_TARGET_VALUES };
    TSR_TRY(tsr_batch_source_new(&w->parts.train, &order, &w->source));
    TSR_TRY(tsr_run_build(run, &w->network));
    tsr_network_subtract(w->network, w->parts.mean);
    TSR_TRY(tsr_run_choose_code(run, w->network));
    w->budget = (tsr_code_budget){ .limit = bytes_of(run->codes.memory), .folder = w->folder };
    return run->weights ? tsr_model_file_load(run->weights, w->network) : NULL;
}

void tsr_run_work_end(tsr_run_work *w)
{
    tsr_network_free(w->network);
    tsr_batch_source_free(w->source);
    tsr_parts_clear(&w->parts);
    free(w->train_labels);
    free(w->test_labels);
    tsr_kept_columns_clear(&w->kept);
    for (int i = 0; i < 2; i++) {
        tsr_codes_free(w->whole[i]);
        tsr_codes_free(w->previous[i]);
    }
    tsr_safetensors_free(w->checkpoint);
    json_decref(w->checkpoint_told);
    json_decref(w->taken_over);
    json_decref(w->ended_probes);
    free(w->before);
    free(w->folder);
    json_decref(w->epochs);
    json_decref(w->warnings);
    json_decref(w->snapshots);
    json_decref(w->probe_seconds);
    json_decref(w->failed_probes);
}

/* At the end of the training: where it stands, for one that goes on. */
static tsr_status *keep_state(void *context, const tsr_training_state *state)
{
    tsr_run_work *w = context;
    if (!w->run->output.save_state)
        return NULL;
    char *path = tsr_path_join(w->folder, TSR_STATE_FILE);
    tsr_status *status =
        path ? tsr_training_state_write(path, w->network, state, NULL, NULL) : tsr_no_memory("a path");
    free(path);
    return status;
}

/* A step has no more examples than an epoch, and needs no more memory than for them. */
tsr_training tsr_run_training(tsr_run_work *w)
{
    const tsr_run *run = w->run;
    size_t batch = (size_t)run->training.batch;
    return (tsr_training){ .epochs = (size_t)run->training.epochs,
                           .batch = batch < w->epoch_size ? batch : w->epoch_size,
                           .early_stop = (size_t)run->training.early_stop,
                           .optimizer = run->training_plugins.optimizer,
                           .n_regularizers = run->n_regularizers,
                           .regularizers = run->regularizers,
                           .schedule = run->training_plugins.schedule,
                           .seed = run->seed,
                           .epoch_done = epoch_done,
                           .keep = keep_state,
                           .context = w };
}

tsr_status *tsr_run_write_model(const tsr_run_work *w, char *path)
{
    tsr_value *config = tsr_run_config(w->run);
    tsr_status *status =
        path && config ? tsr_model_file_write(path, w->network, config) : tsr_no_memory("a path");
    tsr_value_free(config);
    free(path);
    return status;
}

/* From the start, or from where `from` stands. */
static tsr_status *train_and_probe(tsr_run_work *w, const tsr_training_state *from, tsr_trained *trained)
{
    const tsr_run *run = w->run;
    tsr_training training = tsr_run_training(w);
    tsr_batches batches = tsr_batch_source_batches(w->source);
    training.from = from;
    tsr_run_set_state(w->progress, TSR_RUN_TRAINING);
    w->epoch_began = w->kept_at = tsr_seconds();
    TSR_TRY(tsr_train(w->network, &training, &batches, trained));
    if (!w->probed || w->last_probed != trained->epochs)
        TSR_TRY(tsr_run_take_snapshot(w, trained->epochs, true));
    else if (run->output.save_codes)
        TSR_TRY(tsr_run_save_codes_again(w));
    if (!run->output.save_model)
        return tsr_run_failed_probe(w);
    tsr_status *status = tsr_run_write_model(w, tsr_path_join(w->folder, "model.safetensors"));
    return status ? status : tsr_run_failed_probe(w);
}

/* All of the run that its predecessor has, and then the rest. */
static tsr_status *take_over(tsr_run_work *w, tsr_trained *trained)
{
    tsr_read_state state;
    w->taken_over =
        json_pack("{s:s, s:I}", "run", w->predecessor->id, "epochs", (json_int_t)w->predecessor->last);
    tsr_status *status = tsr_run_take_over(w, &state, trained);
    if (!status)
        status =
            w->predecessor->goes_on ? train_and_probe(w, &state.state, trained) : tsr_run_failed_probe(w);
    tsr_read_state_clear(&state);
    return status;
}

/* Adds the probes that ended an attempt of this command to those of commands before. */
static tsr_status *note_ended_probes(tsr_run_work *w)
{
    bool noted = true;
    for (size_t i = 0; w->without && noted && i < w->without->n; i++) {
        const tsr_ended_probe *ended = &w->without->of[i];
        const char *label = tsr_probe_label(w->run->probes[i]);
        if (ended->reason && !json_object_get(w->ended_probes, label))
            noted = json_object_set_new(w->ended_probes, label,
                                        json_pack("{s:I, s:s}", "epoch", (json_int_t)ended->epoch, "reason",
                                                  ended->reason)) == 0;
    }
    return noted ? NULL : tsr_no_memory("a probe's failure");
}

static tsr_status *do_run(tsr_run_work *w, tsr_trained *trained)
{
    tsr_read_state state;
    bool taken;
    tsr_status *status = tsr_checkpoint_take(w, &state, &taken);
    if (!status)
        status = note_ended_probes(w);
    if (!status)
        status = taken            ? train_and_probe(w, &state.state, trained)
                 : w->predecessor ? take_over(w, trained)
                                  : train_and_probe(w, NULL, trained);
    tsr_read_state_clear(&state);
    return status;
}

static double sum_of(const json_t *object)
{
    double sum = 0;
    for (void *i = json_object_iter((json_t *)(uintptr_t)object); i;
         i = json_object_iter_next((json_t *)(uintptr_t)object, i))
        sum += json_real_value(json_object_iter_value(i));
    return sum;
}

tsr_status *tsr_run_check_instances(const tsr_run *run)
{
    TSR_TRY(tsr_instance_check(run->dataset));
    TSR_TRY(tsr_instance_check(run->model));
    const tsr_training_plugins *with = &run->training_plugins;
    TSR_TRY(tsr_instance_check(with->optimizer));
    TSR_TRY(tsr_instance_check(with->loss));
    TSR_TRY(tsr_instance_check(with->schedule));
    for (size_t i = 0; i < with->n_augmentations; i++)
        TSR_TRY(tsr_instance_check(with->augmentations[i]));
    for (size_t i = 0; i < run->n_regularizers; i++)
        TSR_TRY(tsr_instance_check(run->regularizers[i]));
    for (size_t i = 0; i < run->n_probes; i++)
        TSR_TRY(tsr_instance_check(run->probes[i]));
    return NULL;
}

/* Makes the files that the finished run lacks. Its record stays, and is written again: by its time it is
 * known. */
static tsr_status *complete(const tsr_store *store, tsr_run_work *w)
{
    tsr_status *status = tsr_run_work_begin(w, tsr_store_run_folder(store, w->run));
    if (!status)
        status = tsr_run_complete(w);
    if (!status)
        status = tsr_store_put(store, w->run->id, w->predecessor->record);
    tsr_run_work_end(w);
    if (!status)
        tsr_run_set_state(w->progress, TSR_RUN_DONE);
    return status;
}

/* What the machine fails of, and not the run: it is done again from its checkpoint. */
static bool may_be_done_again(const tsr_status *failure)
{
    return failure && (tsr_status_error(failure) == TSR_IO || tsr_status_error(failure) == TSR_NO_MEMORY);
}

/* Stores the record; the checkpoint is worth nothing beside one of a finished run, nor beside one of a run
   that would fail again. */
static tsr_status *put_record(const tsr_store *store, const tsr_run *run, const json_t *record, bool again)
{
    char *folder = tsr_store_run_folder(store, run);
    tsr_status *status = folder && record ? tsr_store_put(store, run->id, record) : tsr_no_memory("run.json");
    if (!status && !again)
        tsr_checkpoint_remove(folder);
    free(folder);
    return status;
}

static tsr_status *prepare_and_do(const tsr_store *store, tsr_run_work *w, tsr_trained *trained)
{
    char *folder = tsr_store_run_folder(store, w->run);
    tsr_status *status = tsr_checkpoint_find(w, folder);
    if (status) {
        free(folder);
        return status;
    }
    status = tsr_run_work_begin(w, folder);
    w->prepared = tsr_seconds();
    if (!status)
        status = do_run(w, trained);
    return status ? status : tsr_run_check_instances(w->run);
}

static tsr_status *do_and_record(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                                 const tsr_predecessor *predecessor, const tsr_ended_probes *without,
                                 tsr_run_progress *progress)
{
    tsr_run_work w = { .run = run,
                       .registry = experiment->registry,
                       .progress = progress,
                       .without = without,
                       .predecessor = predecessor,
                       .began = tsr_seconds() };
    if (is_completed(&w))
        return complete(store, &w);
    tsr_trained trained = { 0 };
    w.prepared = w.began;
    atomic_store(&progress->epochs, (size_t)run->training.epochs);
    tsr_changes_watch();
    tsr_status *status = prepare_and_do(store, &w, &trained);
    tsr_status *doubt = tsr_changes_end(&w.warnings);
    if (doubt) { /* the first cause of whatever else is wrong */
        tsr_status_free(status);
        status = doubt;
    }
    double ended = tsr_seconds();
    json_t *record = tsr_record_make(experiment, &w, status, &trained, ended - w.began,
                                     ended - w.prepared - w.codes_seconds - sum_of(w.probe_seconds));
    tsr_run_state state = status ? TSR_RUN_FAILED : TSR_RUN_DONE;
    bool again = may_be_done_again(status);
    tsr_status_free(status);
    tsr_run_work_end(&w);
    tsr_run_set_state(progress, TSR_RUN_PROBING); /* the training is over, whatever becomes of the record */
    status = put_record(store, run, record, again);
    json_decref(record);
    if (!status) /* not before: by it the run is known to have left an record */
        tsr_run_set_state(progress, state);
    return status;
}

tsr_status *tsr_run_do(const tsr_experiment *experiment, const tsr_store *store, const tsr_run *run,
                       const char *predecessor, int threads, const tsr_ended_probes *without,
                       tsr_run_progress *progress)
{
    tsr_predecessor before = { 0 };
    tsr_set_threads(threads);
    tsr_flush_subnormals();
    tsr_status *status = predecessor ? tsr_predecessor_read(store, run, predecessor, &before) : NULL;
    if (!status && predecessor && !before.record)
        status = tsr_fail(TSR_FAILED, "run %s, which it was to be taken over from, is not finished any more",
                          predecessor);
    if (!status)
        status = do_and_record(experiment, store, run, predecessor ? &before : NULL, without, progress);
    tsr_predecessor_clear(&before);
    return status;
}
