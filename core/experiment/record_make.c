/* Making the record of a run: what it was, what it gave, how long it took and on what. */
#include "experiment/record_make.h"

#include "base/text.h"
#include "config/describe.h"
#include "config/json.h"
#include "experiment/environment.h"
#include "experiment/model_metadata.h"
#include "experiment/place.h"
#include "experiment/probed.h"
#include "experiment/spec.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>

/* What the host itself measures. */
static const tsr_metric_info own_metrics[] = {
    TSR_METRIC("model.loss.train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,
               "mean loss of the network's outputs", .better = TSR_BETTER_SMALLER),
    TSR_METRIC("model.loss.holdout", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY,
               "mean loss of the network's outputs", .better = TSR_BETTER_SMALLER),
    TSR_METRIC("model.loss.test", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, "mean loss of the network's outputs",
               .better = TSR_BETTER_SMALLER),
    TSR_METRIC("model.accuracy.train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,
               "accuracy of the network's answers", .maximum = 1, .better = TSR_BETTER_LARGER),
    TSR_METRIC("model.accuracy.holdout", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY,
               "accuracy of the network's answers", .maximum = 1, .better = TSR_BETTER_LARGER),
    TSR_METRIC("model.accuracy.test", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST,
               "accuracy of the network's answers", .maximum = 1, .better = TSR_BETTER_LARGER),
    TSR_METRIC("code.bits", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "bits of the code that are not constant",
               .unit = "bits", .maximum = INFINITY),
    TSR_METRICS_END,
};

bool tsr_record_is_own_metric(const char *name)
{
    for (const tsr_metric_info *info = own_metrics; info->name; info++)
        if (strcmp(info->name, name) == 0)
            return true;
    return false;
}

json_t *tsr_record_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_network(const tsr_network *network)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < tsr_network_n_layers(network); i++) {
        const tsr_code_source *source = tsr_network_code_source(network, i);
        json_array_append_new(layers, json_pack("{s:s, s:I, s:I}", "name", source->name, "units",
                                                (json_int_t)source->units, "bits_per_unit",
                                                (json_int_t)source->n_breakpoints));
    }
    return json_pack("{s:I, s:o, s:o}", "parameters", (json_int_t)tsr_network_parameters(network),
                     "code_layers", layers, "constants", tsr_model_constants(tsr_network_graph(network)));
}

/* What a probe's metrics mean; false without memory. */
static bool describe_probe(const tsr_instance *probe, json_t *out)
{
    static const char seen[] = "bits of the code that are worked on";
    static const tsr_metric_info pruned[] = {
        TSR_METRIC(TSR_PRUNED, TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, seen), { 0 }
    };
    static const tsr_metric_info projection[] = {
        TSR_METRIC(TSR_PROJECTION, TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, seen), { 0 }
    };
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    const tsr_probe_common *common = tsr_instance_common(probe);
    char *label = tsr_format("%s.", tsr_probe_label(probe));
    char *prefix = tsr_format("%s.%s", tsr_probe_label(probe), tsr_probed_prefix(common));
    bool whole = label && prefix && (common->unit_share >= 1 || tsr_announced_json(pruned, label, out)) &&
                 (!common->projection || tsr_announced_json(projection, label, out)) &&
                 tsr_announced_json(ops->metrics, prefix, out);
    free(label);
    free(prefix);
    return whole;
}

json_t *tsr_record_describe_metrics(const tsr_run *run)
{
    json_t *out = json_object();
    bool whole = out && tsr_announced_json(own_metrics, "", out);
    for (size_t i = 0; whole && i < run->n_probes; i++)
        whole = describe_probe(run->probes[i], out);
    if (whole)
        return out;
    json_decref(out);
    return NULL;
}

json_t *tsr_record_describe_curves(const tsr_run *run)
{
    json_t *out = json_object();
    bool whole = out;
    for (size_t i = 0; whole && i < run->n_probes; i++) {
        const tsr_probe_ops *ops = tsr_instance_ops(run->probes[i]);
        char *prefix = tsr_format("%s.%s", tsr_probe_label(run->probes[i]),
                                  tsr_probed_prefix(tsr_instance_common(run->probes[i])));
        whole = prefix && tsr_announced_curves_json(ops->curves, prefix, out);
        free(prefix);
    }
    if (whole)
        return out;
    json_decref(out);
    return NULL;
}

/* What every run.json begins with. */
json_t *tsr_record_begin(const tsr_experiment *experiment, const tsr_run *run, const char *word,
                         const char *error)
{
    tsr_value *config = tsr_run_config(run);
    if (!config)
        return NULL;
    json_t *record =
        json_pack("{s:s, s:s, s:I, s:s, s:s?, s:o}", "run", run->id, "experiment", experiment->name, "seed",
                  (json_int_t)run->seed, "status", word, "error", error, "config", tsr_value_to_json(config));
    tsr_value_free(config);
    tsr_status *status = record ? tsr_place_put(experiment, run, record) : NULL;
    if (!status)
        return record;
    tsr_status_free(status);
    json_decref(record);
    return NULL;
}

json_t *tsr_record_make(const tsr_experiment *experiment, const tsr_run_work *w, const tsr_status *status,
                        const tsr_trained *trained, double seconds, double train_seconds)
{
    const char *word = tsr_status_error(status) == TSR_DIVERGED ? "diverged" : status ? "failed" : "done";
    size_t before = tsr_json_failures();
    json_t *record = tsr_record_begin(experiment, w->run, word, status ? tsr_status_message(status) : NULL);
    if (w->taken_over)
        json_object_set(record, "taken_over", w->taken_over);
    if (w->data_digest[0])
        json_object_set_new(record, "data", json_pack("{s:s}", "digest", w->data_digest));
    if (json_array_size(w->warnings))
        json_object_set(record, "warnings", w->warnings);
    if (json_object_size(w->failed_probes))
        json_object_set(record, "failed_probes", w->failed_probes);
    bool whole = json_object_set_new(record, "metrics", tsr_record_describe_metrics(w->run)) == 0;
    json_t *curves = tsr_record_describe_curves(w->run);
    whole = whole && curves && (!json_object_size(curves) || json_object_set(record, "curves", curves) == 0);
    json_decref(curves);
    json_object_set_new(record, "snapshots", w->snapshots ? json_incref(w->snapshots) : json_array());
    json_object_set_new(record, "epochs", w->epochs ? json_incref(w->epochs) : json_array());
    json_object_set_new(record, "epochs_done", json_integer((json_int_t)trained->epochs));
    json_object_set_new(record, "early_stopped", json_boolean(trained->early_stopped));
    json_object_set_new(record, "examples",
                        json_pack("{s:I, s:I, s:I}", "train", (json_int_t)w->parts.train.n, "holdout",
                                  (json_int_t)w->parts.holdout.n, "test", (json_int_t)w->parts.test.n));
    if (w->network)
        whole = json_object_set_new(record, "model", describe_network(w->network)) == 0 && whole;
    json_object_set_new(record, "seconds",
                        json_pack("{s:f, s:f, s:O?, s:f}", "training", train_seconds, "codes",
                                  w->codes_seconds, "probes", w->probe_seconds, "total", seconds));
    json_object_set_new(record, "peak_memory", json_integer((json_int_t)tsr_peak_memory()));
    whole = json_object_set_new(record, "environment", tsr_environment(experiment->registry)) == 0 && whole;
    if (whole && before == tsr_json_failures())
        return record;
    json_decref(record);
    return NULL;
}
