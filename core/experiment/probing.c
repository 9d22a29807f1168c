/* The inputs of a probing, read again from the dataset, and probes that probes run. */
#include "experiment/probing.h"

#include "base/guard.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/experiment.h"
#include "experiment/probed.h"
#include "experiment/probed_layers.h"
#include "plugin/announced.h"
#include "plugin/instance.h"

#include <stdlib.h>
#include <string.h>

static const char *const part_names[TSR_N_PARTS] = { "training", "held-out", "test" };

tsr_status *tsr_probing_check(const tsr_probing *probing, const tsr_instance *probe)
{
    unsigned needs = tsr_probe_needs(probe);
    const char *lacks = NULL;
    if (needs & TSR_PROBE_NETWORK && !probing->network)
        lacks = "the network";
    else if (needs & (TSR_PROBE_WHOLE | TSR_PROBE_PREVIOUS) && !probing->whole_train)
        lacks = "the codes with all their columns";
    else if (!probing->train_labels && !((const tsr_probe_ops *)tsr_instance_ops(probe))->without_labels)
        return tsr_fail(TSR_REFUSED, "it needs labels, and there are none");
    return lacks ? tsr_fail(TSR_REFUSED, "it needs %s, and only codes and labels are known here", lacks)
                 : NULL;
}

/* --- inputs --- */

static const tsr_samples *part_of(const tsr_probing *probing, tsr_part part)
{
    return probing->host && (unsigned)part < TSR_N_PARTS ? probing->host->parts[part] : NULL;
}

size_t tsr_probing_examples(const tsr_probing *probing, tsr_part part)
{
    const tsr_samples *samples = part_of(probing, part);
    return samples ? samples->n : 0;
}

static tsr_status *check_index(tsr_part part, const tsr_samples *samples, size_t n, const size_t *index)
{
    for (size_t i = 0; i < n; i++)
        if (index[i] >= samples->n)
            return tsr_fail(TSR_REFUSED, "%s example %zu is asked for, counted from 0, and there are %zu",
                            part_names[part], index[i], samples->n);
    return NULL;
}

/* In the network's frame, where the mean is subtracted, as training does it, and back. */
static void augment(const tsr_probing *probing, const float *mean, tsr_shape shape, size_t example,
                    float *image, float *x)
{
    size_t size = tsr_shape_size(shape);
    tsr_rng rng = tsr_augment_stream(probing->seed, probing->epoch, example);
    for (size_t j = 0; j < size; j++)
        image[j] = mean ? x[j] - mean[j] : x[j];
    tsr_augment(&probing->host->augment, shape, &rng, image, image + size, x);
    for (size_t j = 0; mean && j < size; j++)
        x[j] += mean[j];
}

static tsr_status *augment_all(const tsr_probing *probing, const tsr_samples *samples, size_t n,
                               const size_t *index, float *inputs)
{
    tsr_shape shape = samples->data->info.shape;
    size_t size = tsr_shape_size(shape), two;
    float *images = tsr_checked_multiply(size, 2, &two) ? tsr_alloc(two, sizeof(float)) : NULL;
    if (!images)
        return tsr_no_memory("an input");
    for (size_t i = 0; i < n; i++)
        augment(probing, samples->mean, shape, index[i], images, inputs + i * size);
    free(images);
    return NULL;
}

tsr_status *tsr_probing_read(const tsr_probing *probing, tsr_part part, tsr_input_form form, size_t n,
                             const size_t *index, float *inputs, int32_t *labels)
{
    const tsr_samples *samples = part_of(probing, part);
    if (!samples || (unsigned)form >= TSR_N_INPUT_FORMS)
        return tsr_fail(TSR_REFUSED, samples ? "no such form of inputs" : "the inputs are not known here");
    TSR_TRY(check_index(part, samples, n, index));
    size_t *scratch = tsr_alloc(n, sizeof(*scratch));
    if (!scratch)
        return tsr_no_memory("inputs");
    tsr_samples plain = form == TSR_INPUT_CLEAN ? tsr_samples_undisturbed(samples) : *samples;
    plain.mean = NULL; /* what is to be subtracted the network subtracts */
    if (form == TSR_INPUT_CLEAN)
        plain.noisy = NULL;
    tsr_samples_read(&plain, n, index, scratch, inputs, labels);
    free(scratch);
    bool augments = form == TSR_INPUT_AUGMENTED && part == TSR_PART_TRAIN && probing->host->augments;
    return augments && inputs ? augment_all(probing, samples, n, index, inputs) : NULL;
}

/* --- running probes --- */

tsr_status *tsr_probing_check_sizes(const tsr_probing *probing, const tsr_instance *probe)
{
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    const tsr_probe_common *common = tsr_instance_common(probe);
    tsr_probe_sizes sizes = { .n_train = probing->train->n,
                              .n_test = probing->test->n,
                              .classes = probing->classes,
                              .projection = tsr_probed_at_most(common) };
    if (probing->network)
        sizes.shape = tsr_network_input(probing->network);
    if (!ops->check)
        return NULL;
    tsr_guarded before = tsr_instance_enter(probe, TSR_CALL_CHECK);
    tsr_status *status = ops->check(tsr_instance_self(probe), &sizes);
    tsr_guard_leave(before);
    return status;
}

static tsr_status *run_on_choice(tsr_probing *probing, const tsr_instance *probe)
{
    const tsr_probe_ops *ops = tsr_instance_ops(probe);
    tsr_probed_codes seen = { 0 };
    tsr_status *status = tsr_choose_probed_codes(tsr_instance_common(probe), probing->train, probing->test,
                                                 probing->columns, tsr_probing_network_of_layers(probing),
                                                 probing->host ? probing->host->budget : NULL, &probing->rng,
                                                 probing->metrics, &seen);
    if (!status) {
        probing->train = seen.train;
        probing->test = seen.test;
        probing->columns = seen.columns;
        tsr_call before = tsr_guard_note(tsr_instance_call(probe, TSR_CALL_RUN));
        status = ops->run(tsr_instance_self(probe), probing);
        tsr_guard_note(before);
    }
    tsr_probed_codes_clear(&seen);
    return status;
}

tsr_status *tsr_probe_codes(const tsr_probing *probing, const tsr_instance *probe, size_t number,
                            tsr_metrics **out)
{
    tsr_probing own = *probing;
    own.rng = tsr_rng_stream(probing->seed, TSR_FOR_PROBE, number);
    TSR_TRY(tsr_metrics_new(tsr_probe_label(probe), out));
    own.metrics = *out;
    tsr_status *status = run_on_choice(&own, probe);
    if (status) {
        tsr_metrics_free(*out);
        *out = NULL;
    }
    return status;
}

/* --- probes that probes run --- */

static tsr_status *run_inner(tsr_probing *probing, const tsr_instance *probe, const char *prefix)
{
    if (!tsr_metric_name_valid(prefix))
        return tsr_fail(TSR_FAILED, "the prefix is '%s', expected lower case, digits, _ and single dots",
                        prefix);
    if (probing->train->bits != probing->test->bits)
        return tsr_fail(TSR_FAILED, "training codes have %zu bits, test codes %zu", probing->train->bits,
                        probing->test->bits);
    TSR_TRY(tsr_probing_check(probing, probe));
    TSR_TRY(tsr_probing_check_sizes(probing, probe));
    size_t length = tsr_metrics_prefix_length(probing->metrics);
    char *begin = tsr_format("%s.", prefix);
    tsr_status *status = begin ? tsr_metrics_add_prefix(probing->metrics, begin) : tsr_no_memory("metrics");
    free(begin);
    if (!status)
        status = run_on_choice(probing, probe);
    tsr_metrics_cut_prefix(probing->metrics, length);
    return status;
}

tsr_status *tsr_run_probe_sized(const tsr_probing *probing, const tsr_instance *probe, const char *prefix,
                                size_t size)
{
    tsr_probing inner = { 0 };
    if (!probe || tsr_instance_loaded(probe)->plugin.kind != TSR_PROBE)
        return tsr_fail(TSR_FAILED, "%s is to be run as a probe, and is none",
                        probe ? tsr_instance_name(probe) : "NULL");
    memcpy(&inner, probing, size < sizeof(inner) ? size : sizeof(inner));
    return tsr_context(run_inner(&inner, probe, prefix ? prefix : ""), "%s", tsr_instance_name(probe));
}
