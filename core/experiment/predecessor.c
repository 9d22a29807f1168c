/* What a finished run has of another one. Metrics of a probe are those of the other run where both have the
   probe by the same settings at the same place in the list, by which its random numbers go. */
#include "experiment/predecessor.h"

#include "base/file.h"
#include "base/guard.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/json.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"
#include "experiment/record.h"
#include "experiment/training_state.h"
#include "plugin/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>
#include <tessera/schedule.h>
#include <unistd.h>

#define STEPS_ASKED 64 /* of an epoch, about: where two schedules are compared */

/* --- reading --- */

static bool probes_alike(const tsr_value *before, const tsr_value *now)
{
    return before && now && tsr_values_equal(before, now);
}

/* Compares the lists of probes as ids do, without the keys that say nothing new. */
static tsr_status *compare_probes(tsr_predecessor *p, const tsr_value *config)
{
    tsr_value *there = tsr_value_copy(config), *here = tsr_value_copy(p->run->config);
    bool whole = there && here;
    p->same_probe = tsr_alloc(p->run->n_probes, sizeof(*p->same_probe));
    if (whole) {
        tsr_identity_forget_defaults(there, NULL);
        tsr_identity_forget_defaults(here, NULL);
        tsr_identity_shorten_paths(there);
        tsr_identity_shorten_paths(here);
    }
    for (size_t i = 0; whole && p->same_probe && i < p->run->n_probes; i++)
        p->same_probe[i] = probes_alike(tsr_value_element(tsr_value_member(there, "probes"), i),
                                        tsr_value_element(tsr_value_member(here, "probes"), i));
    tsr_value_free(there);
    tsr_value_free(here);
    return whole && p->same_probe ? NULL : tsr_no_memory("a run");
}

static int compare_epochs(const void *a, const void *b)
{
    const size_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static tsr_status *find_due(tsr_predecessor *p)
{
    const tsr_int_list *wanted = &p->run->training.snapshots;
    if (!(p->due = tsr_alloc(wanted->n + 1, sizeof(*p->due))))
        return tsr_no_memory("a run");
    size_t n = 0;
    for (size_t i = 0; i < wanted->n; i++)
        if ((size_t)wanted->values[i] <= p->last)
            p->due[n++] = (size_t)wanted->values[i];
    if (!p->goes_on) /* the last is always probed */
        p->due[n++] = p->last;
    if (n)
        qsort(p->due, n, sizeof(*p->due), compare_epochs);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || p->due[i] != p->due[i - 1])
            p->due[p->n_due++] = p->due[i];
    return NULL;
}

static tsr_status *read_record(tsr_predecessor *p, const char *path)
{
    TSR_TRY(tsr_record_read(path, p->id, &p->record));
    if (p->record && tsr_record_is_done(p->record))
        return tsr_context(tsr_record_check(p->record, p->id), "%s", path);
    json_decref(p->record);
    p->record = NULL;
    return NULL;
}

static tsr_status *fill(tsr_predecessor *p)
{
    size_t epochs = (size_t)p->run->training.epochs;
    bool stopped = json_is_true(json_object_get(p->record, "early_stopped"));
    p->done = (size_t)json_integer_value(json_object_get(p->record, "epochs_done"));
    p->last = epochs < p->done ? epochs : p->done;
    p->goes_on = epochs > p->done && !stopped;
    tsr_value *config = tsr_value_from_json(json_object_get(p->record, "config"));
    tsr_status *status = config ? compare_probes(p, config) : tsr_no_memory("a run");
    tsr_value_free(config);
    return status ? status : find_due(p);
}

tsr_status *tsr_predecessor_read(const tsr_store *store, const tsr_run *run, const char *id,
                                 tsr_predecessor *out)
{
    *out = (tsr_predecessor){ .run = run, .folder = tsr_format("%s/runs/%s", store->folder, id) };
    snprintf(out->id, sizeof(out->id), "%s", id);
    char *path = tsr_record_path(store->folder, id);
    tsr_status *status = path && out->folder ? read_record(out, path) : tsr_no_memory("a path");
    free(path);
    return status || !out->record ? status : fill(out);
}

void tsr_predecessor_clear(tsr_predecessor *p)
{
    json_decref(p->record);
    free(p->folder);
    free(p->same_probe);
    free(p->due);
    *p = (tsr_predecessor){ 0 };
}

/* --- what it has --- */

static const json_t *snapshots_of(const tsr_predecessor *p)
{
    return json_object_get(p->record, "snapshots");
}

/* Its number among the predecessor's snapshots; their number where it has none. */
static size_t find_snapshot(const tsr_predecessor *p, size_t epoch)
{
    const json_t *snapshots = snapshots_of(p);
    size_t i = 0, n = json_array_size(snapshots);
    while (i < n &&
           (size_t)json_integer_value(json_object_get(json_array_get(snapshots, i), "epoch")) != epoch)
        i++;
    return i;
}

static size_t find_place(const tsr_predecessor *p, size_t epoch)
{
    size_t i = 0;
    while (i < p->n_due && p->due[i] != epoch)
        i++;
    return i;
}

const json_t *tsr_predecessor_snapshot(const tsr_predecessor *p, size_t epoch)
{
    return find_place(p, epoch) < p->n_due ? json_array_get(snapshots_of(p), find_snapshot(p, epoch)) : NULL;
}

/* Whether the snapshot before is of the same epoch in both runs, or there is none in either. */
static bool same_before(const tsr_predecessor *p, size_t epoch)
{
    size_t number = find_snapshot(p, epoch), place = find_place(p, epoch);
    if (number == 0 || place == 0)
        return number == place;
    return (size_t)json_integer_value(
               json_object_get(json_array_get(snapshots_of(p), number - 1), "epoch")) == p->due[place - 1];
}

bool tsr_predecessor_has(const tsr_predecessor *p, size_t probe, size_t epoch)
{
    if (!tsr_predecessor_snapshot(p, epoch) || !p->same_probe[probe])
        return false;
    return !(tsr_probe_needs(p->run->probes[probe]) & TSR_PROBE_PREVIOUS) || same_before(p, epoch);
}

static bool has_all(const tsr_predecessor *p, size_t epoch)
{
    for (size_t i = 0; i < p->run->n_probes; i++)
        if (!tsr_predecessor_has(p, i, epoch))
            return false;
    return true;
}

static bool compares(const tsr_run *run)
{
    for (size_t i = 0; i < run->n_probes; i++)
        if (tsr_probe_needs(run->probes[i]) & TSR_PROBE_PREVIOUS)
            return true;
    return false;
}

bool tsr_predecessor_has_file(const tsr_predecessor *p, const char *name)
{
    char *path = tsr_path_join(p->folder, name);
    bool found = path && access(path, F_OK) == 0;
    free(path);
    return found;
}

static bool has_snapshot_file(const tsr_predecessor *p, size_t epoch)
{
    char *path = tsr_snapshot_path(p->folder, epoch);
    bool found = path && access(path, F_OK) == 0;
    free(path);
    return found;
}

bool tsr_predecessor_has_network(const tsr_predecessor *p, size_t epoch)
{
    return has_snapshot_file(p, epoch) ||
           (epoch == p->done && (tsr_predecessor_has_file(p, "model.safetensors") ||
                                 tsr_predecessor_has_file(p, TSR_STATE_FILE)));
}

static bool has_codes(const tsr_predecessor *p, size_t epoch)
{
    return epoch == p->done && tsr_predecessor_has_file(p, "codes/kept.npy");
}

/* Whether a later snapshot is compared with the codes of this one, which are taken again for that. */
static bool is_compared(const tsr_predecessor *p, size_t place)
{
    if (place + 1 == p->n_due)
        return p->goes_on && compares(p->run);
    for (size_t i = 0; i < p->run->n_probes; i++)
        if (tsr_probe_needs(p->run->probes[i]) & TSR_PROBE_PREVIOUS &&
            !tsr_predecessor_has(p, i, p->due[place + 1]))
            return true;
    return false;
}

bool tsr_predecessor_is_probed(const tsr_predecessor *p, size_t place)
{
    size_t epoch = p->due[place];
    return !has_all(p, epoch) || is_compared(p, place) ||
           (p->run->output.save_snapshots && !has_snapshot_file(p, epoch));
}

/* --- what it lacks --- */

/* Whether the learning rate goes the same way for both numbers of epochs, as far as both go. */
static bool schedules_alike(const tsr_run *run, size_t epochs, size_t until)
{
    const tsr_instance *schedule = run->training_plugins.schedule;
    size_t size = run->size.epoch_examples, batch = (size_t)run->training.batch;
    size_t steps = size / batch + (size % batch > 0), apart = steps / STEPS_ASKED + 1;
    bool alike = true;
    if (epochs == (size_t)run->training.epochs)
        return true;
    const tsr_schedule_ops *ops = tsr_instance_ops(schedule);
    tsr_guarded before = tsr_instance_enter(schedule, TSR_CALL_FACTOR);
    for (size_t epoch = 1; epoch <= until && alike; epoch++)
        for (size_t step = 1; step <= steps && alike; step += apart) {
            tsr_schedule_time then = { .epoch = epoch, .epochs = epochs, .step = step, .steps = steps },
                              now = then;
            now.epochs = (size_t)run->training.epochs;
            alike = ops->factor(tsr_instance_self(schedule), &then) ==
                    ops->factor(tsr_instance_self(schedule), &now);
        }
    tsr_guard_leave(before);
    return alike;
}

static void check_training(const tsr_predecessor *p, tsr_text *lacks)
{
    size_t epochs = (size_t)json_integer_value(
        json_object_get(json_object_get(json_object_get(p->record, "config"), "training"), "epochs"));
    if (!schedules_alike(p->run, epochs, p->last))
        tsr_text_add(lacks, "was trained for %zu epochs, and its schedule %s goes by their number", epochs,
                     tsr_instance_name(p->run->training_plugins.schedule));
    else if (p->goes_on && !tsr_predecessor_has_file(p, TSR_STATE_FILE))
        tsr_text_add(lacks, "has not kept where its training stood (output.save_state)");
}

/* A probe's metrics after an epoch that the predecessor has not got from it. */
static void check_probe(const tsr_predecessor *p, size_t probe, size_t epoch, tsr_text *lacks)
{
    const tsr_instance *instance = p->run->probes[probe];
    unsigned needs = tsr_probe_needs(instance);
    const char *label = tsr_probe_label(instance);
    bool network = tsr_predecessor_has_network(p, epoch), codes = has_codes(p, epoch);
    if (!network && epoch != p->done)
        tsr_text_add(lacks,
                     "has no such measure of probe %s after epoch %zu, and has not saved its network of then "
                     "(output.save_snapshots)",
                     label, epoch);
    else if (!network && !codes)
        tsr_text_add(lacks, "has saved neither its network nor its codes, which probe %s is done on", label);
    else if (!network && needs & TSR_PROBE_NETWORK)
        tsr_text_add(lacks, "has not saved its network (output.save_model), which probe %s needs", label);
}

static void check_snapshot(const tsr_predecessor *p, size_t place, tsr_text *lacks)
{
    size_t epoch = p->due[place];
    bool network = tsr_predecessor_has_network(p, epoch);
    if (!tsr_predecessor_snapshot(p, epoch))
        tsr_text_add(lacks, "has no snapshot after epoch %zu", epoch);
    for (size_t probe = 0; probe < p->run->n_probes && !lacks->length; probe++)
        if (!tsr_predecessor_has(p, probe, epoch))
            check_probe(p, probe, epoch, lacks);
    if (!lacks->length && is_compared(p, place) && !network && !has_codes(p, epoch))
        tsr_text_add(lacks, "has not kept the codes of epoch %zu, which a probe compares with", epoch);
    if (!lacks->length && p->run->output.save_snapshots && !network)
        tsr_text_add(lacks, "has not saved its network after epoch %zu (output.save_snapshots)", epoch);
}

/* The files that the run is to leave, where its training is over. */
static void check_files(const tsr_predecessor *p, tsr_text *lacks)
{
    const tsr_output_settings *output = &p->run->output;
    bool network = tsr_predecessor_has_network(p, p->last);
    if (output->save_state && !(p->last == p->done && tsr_predecessor_has_file(p, TSR_STATE_FILE)))
        tsr_text_add(lacks, "has not kept where its training stood after epoch %zu (output.save_state)",
                     p->last);
    else if (output->save_model && !network)
        tsr_text_add(lacks, "has not saved its network after epoch %zu (output.save_model)", p->last);
    else if (output->save_codes && !network && !has_codes(p, p->last))
        tsr_text_add(lacks, "has saved neither its network nor its codes after epoch %zu", p->last);
}

tsr_status *tsr_predecessor_check(const tsr_predecessor *p, tsr_text *lacks)
{
    TSR_TRY(tsr_identity_compare(p->run, p->record, lacks));
    if (!lacks->length)
        check_training(p, lacks);
    for (size_t i = 0; i < p->n_due && !lacks->length; i++)
        check_snapshot(p, i, lacks);
    if (!lacks->length && !p->goes_on)
        check_files(p, lacks);
    return lacks->failed ? tsr_no_memory("a run") : NULL;
}
