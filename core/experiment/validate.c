/* Validating a run. */
#include "experiment/validate.h"

#include "base/text.h"
#include "experiment/model_digest.h"
#include "experiment/prepare.h"
#include "experiment/probed.h"
#include "experiment/weights.h"
#include "nn/network.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>

#define MAX_LABEL 64 /* of a probe */

/* Whether there are codes, and they can be taken of the layers that are asked for. */
static tsr_status *check_codes(const tsr_run *run, tsr_network *network, const tsr_value *root)
{
    if (tsr_network_n_layers(network) == 0)
        return tsr_value_fail(tsr_value_member(root, "model"),
                              "model %s: its code would have no bits: expected at least one activation with "
                              "breakpoints or one tap",
                              tsr_instance_name(run->model));
    return tsr_value_context(tsr_value_at(root, "codes.layers"),
                             tsr_context(tsr_run_choose_code(run, network), "codes.layers"));
}

static tsr_status *no_such_layer(const tsr_network *network, size_t probe, int64_t layer)
{
    tsr_text names = { 0 };
    size_t n = tsr_network_n_layers(network);
    for (size_t i = 0; i < n; i++)
        tsr_text_add(&names, "%s%zu %s", i ? ", " : "", i, tsr_network_code_source(network, i)->name);
    tsr_status *status =
        tsr_fail(TSR_REFUSED, "probes.%zu.layers: there is no layer %lld: expected some of %s", probe,
                 (long long)layer, names.chars ? names.chars : "none");
    free(names.chars);
    return status;
}

/* Whether the network has the layers that probes want to see, each named once. */
static tsr_status *check_layers(const tsr_run *run, const tsr_network *network, const tsr_value *root)
{
    const tsr_value *probes = tsr_value_member(root, "probes");
    for (size_t i = 0; i < run->n_probes; i++) {
        const tsr_probe_common *common = tsr_instance_common(run->probes[i]);
        const tsr_value *place = tsr_value_member(tsr_value_element(probes, i), "layers");
        for (size_t j = 0; j < common->layers.n; j++) {
            int64_t layer = common->layers.values[j];
            if ((uint64_t)layer >= tsr_network_n_layers(network))
                return tsr_value_context(place, no_such_layer(network, i, layer));
            for (size_t k = 0; k < j; k++)
                if (common->layers.values[k] == layer)
                    return tsr_value_fail(place,
                                          "probes.%zu.layers: layer %lld is named twice: expected once", i,
                                          (long long)layer);
        }
    }
    return NULL;
}

/* Where the key stands that a failed build names behind the model's name ("model sequential: layers.3: ..."),
   or else the model. */
static const tsr_value *place_of_failure(const tsr_value *model, const tsr_status *status)
{
    const char *message = status ? tsr_status_message(status) : "", *at = strstr(message, ": ");
    size_t length = at ? strcspn(at + 2, ": ") : 0;
    char *path = length ? strndup(at + 2, length) : NULL;
    const tsr_value *place = path ? tsr_value_at(model, path) : NULL;
    free(path);
    return place ? place : model;
}

/* Whether the model can be built for the data, begin with the weights that it is given, and give the codes.
 */
static tsr_status *check_model(tsr_run *run, const tsr_value *root)
{
    const tsr_value *model = tsr_value_member(root, "model");
    const tsr_value *weights = tsr_value_member(model, "weights");
    tsr_network *network;
    tsr_status *failure = tsr_run_build(run, &network);
    TSR_TRY(tsr_value_context(place_of_failure(model, failure), failure));
    run->size.parameters = tsr_network_parameters(network);
    tsr_status *status = tsr_value_context(weights ? weights : model, tsr_weights_adopt(run, network, root));
    if (!status)
        status = tsr_value_context(model, tsr_model_digest_add(run, network));
    if (!status)
        status = check_codes(run, network, root);
    if (!status)
        status = check_layers(run, network, root);
    tsr_network_free(network);
    return status;
}

/* A label names a folder and begins the names of columns. */
static tsr_status *check_label(const char *label, const tsr_value *probe)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(label);
    if (length <= MAX_LABEL && strspn(label, allowed) == length)
        return NULL;
    return tsr_value_fail(tsr_value_member(probe, "label"),
                          "label = \"%s\": expected at most %d letters, digits, '_' and '-'",
                          tsr_line_shown(label), MAX_LABEL);
}

tsr_status *tsr_probes_check_labels(size_t n, tsr_instance *const *probes, const tsr_value *list)
{
    for (size_t i = 0; i < n; i++) {
        const tsr_value *place = tsr_value_element(list, i);
        const tsr_probe_common *common = tsr_instance_common(probes[i]);
        TSR_TRY(check_label(common->label, place));
        for (size_t j = 0; j < i; j++)
            if (strcmp(tsr_probe_label(probes[i]), tsr_probe_label(probes[j])) == 0)
                return tsr_value_fail(
                    place, "two probes are called %s: expected a label = \"...\" of its own for one",
                    tsr_probe_label(probes[i]));
    }
    return NULL;
}

/* The split of the data; sets the sizes that probes are checked with. */
static tsr_status *check_split(tsr_run *run, const tsr_value *root, tsr_probe_sizes *sizes)
{
    const tsr_value *group = tsr_value_member(root, "training");
    tsr_parts parts;
    if (run->training.label_noise > 0 && run->data->info.classes == 0)
        return tsr_value_fail(tsr_value_member(group, "label_noise"),
                              "training.label_noise = %g: expected 0, as the dataset has no labels",
                              run->training.label_noise);
    TSR_TRY(
        tsr_value_context(group ? group : root, tsr_context(tsr_run_split(run, false, &parts), "training")));
    *sizes = (tsr_probe_sizes){ .n_train = parts.train.n,
                                .n_test = parts.test.n,
                                .classes = run->data->info.classes,
                                .shape = run->data->info.shape };
    run->size = (tsr_run_size){ .epoch_examples = tsr_run_epoch_size(run, &parts),
                                .probed_examples = parts.train.n + parts.test.n };
    tsr_parts_clear(&parts);
    return NULL;
}

static tsr_status *check_augment(const tsr_run *run, const tsr_value *root)
{
    const tsr_augmentations all = tsr_run_augmentations(run);
    return tsr_value_context(tsr_value_at(root, "training.augment"),
                             tsr_context(tsr_augment_check(&all, run->data->info.shape), "training.augment"));
}

/* Whether the data have what the loss compares with. */
static tsr_status *check_loss(const tsr_run *run, const tsr_value *root)
{
    const tsr_value *loss = tsr_value_at(root, "training.loss"),
                    *training = tsr_value_member(root, "training");
    tsr_run_goal goal;
    return tsr_value_context(loss       ? loss
                             : training ? training
                                        : root,
                             tsr_context(tsr_run_find_goal(run, &goal), "training.loss"));
}

static tsr_status *check_demands(const tsr_instance *probe, const tsr_value *place, tsr_probe_sizes *sizes)
{
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    const tsr_probe_common *common = tsr_instance_common(probe);
    if (sizes->classes == 0 && !ops->without_labels)
        return tsr_value_fail(place, "probe %s needs labels, and the dataset has none",
                              tsr_probe_label(probe));
    if (!ops->check)
        return NULL;
    sizes->projection = tsr_probed_at_most(common);
    tsr_guarded before = tsr_instance_enter(probe, TSR_CALL_CHECK);
    tsr_status *status = ops->check(tsr_instance_self(probe), sizes);
    tsr_guard_leave(before);
    return tsr_value_context(place, tsr_context(status, "probe %s", tsr_probe_label(probe)));
}

static tsr_status *check_probes(const tsr_run *run, const tsr_value *root, tsr_probe_sizes *sizes)
{
    const tsr_value *list = tsr_value_member(root, "probes");
    TSR_TRY(tsr_probes_check_labels(run->n_probes, run->probes, list));
    for (size_t i = 0; i < run->n_probes; i++) {
        const tsr_value *place = tsr_value_element(list, i);
        TSR_TRY(check_demands(run->probes[i], place, sizes));
    }
    return NULL;
}

tsr_status *tsr_run_validate(tsr_run *run, const tsr_value *root)
{
    tsr_probe_sizes sizes;
    TSR_TRY(check_augment(run, root));
    TSR_TRY(check_loss(run, root));
    TSR_TRY(check_split(run, root, &sizes));
    TSR_TRY(check_model(run, root));
    return check_probes(run, root, &sizes);
}
