/* Probes on codes that are at hand, whoever made them: prepared as a run prepares its own. */
#include "host/host.h"
#include "host/numerics.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "codes/codes.h"
#include "codes/extract.h"
#include "codes/metrics.h"
#include "experiment/experiment.h"
#include "experiment/probing.h"
#include "experiment/validate.h"
#include "plugin/instance.h"
#include "plugin/kinds.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What is seen of the input: without constant columns, which are copies where there were some. */
typedef struct seen_codes {
    const tsr_codes *train, *test;
    tsr_codes *own[2];
    int classes;
} seen_codes;

static void clear(seen_codes *seen)
{
    tsr_codes_free(seen->own[0]);
    tsr_codes_free(seen->own[1]);
}

static tsr_status *drop_constant(const tsr_probe_input *input, seen_codes *seen)
{
    TSR_TRY(tsr_codes_without_constant(input->train, input->test, &seen->own[0], &seen->own[1]));
    seen->train = seen->own[0] ? seen->own[0] : input->train;
    seen->test = seen->own[1] ? seen->own[1] : input->test;
    return NULL;
}

static tsr_status *check_labels(const char *part, size_t n, const int32_t *labels, int classes,
                                int32_t *largest)
{
    int below = classes ? classes : TSR_MAX_CLASSES;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0 || labels[i] >= below)
            return tsr_fail(TSR_REFUSED, "%s label %zu, counted from 0, is %d, expected 0 to %d", part, i,
                            (int)labels[i], below - 1);
        *largest = labels[i] > *largest ? labels[i] : *largest;
    }
    return NULL;
}

static tsr_status *check(const tsr_probe_input *input, seen_codes *seen)
{
    int32_t largest = 0;
    if (input->train->n == 0 || input->test->n == 0)
        return tsr_fail(TSR_REFUSED, "there are %zu training and %zu test codes, expected some of each",
                        input->train->n, input->test->n);
    if (input->train->bits != input->test->bits)
        return tsr_fail(TSR_REFUSED, "training codes have %zu bits and test codes %zu, expected as many",
                        input->train->bits, input->test->bits);
    if (!input->train_labels != !input->test_labels)
        return tsr_fail(TSR_REFUSED, "only the %s codes have labels, expected both or none",
                        input->train_labels ? "training" : "test");
    if (!input->train_labels)
        return NULL;
    if (input->classes < 0 || input->classes > TSR_MAX_CLASSES)
        return tsr_fail(TSR_REFUSED, "%d classes, expected 0 to %d", input->classes, TSR_MAX_CLASSES);
    TSR_TRY(check_labels("training", input->train->n, input->train_labels, input->classes, &largest));
    TSR_TRY(check_labels("test", input->test->n, input->test_labels, input->classes, &largest));
    seen->classes = input->classes ? input->classes : largest + 1;
    return seen->classes > 1
               ? NULL
               : tsr_fail(TSR_REFUSED, "all labels are 0: expected two classes at least, or no labels");
}

static tsr_status *check_probe(const tsr_instance *probe, const tsr_probing *probing)
{
    const tsr_probe_common *common = tsr_instance_common(probe);
    if (common->layers.n && !probing->train->n_layers)
        return tsr_fail(TSR_REFUSED, "'layers' chooses layers of the code, and these codes have none");
    TSR_TRY(tsr_probing_check(probing, probe));
    return tsr_probing_check_sizes(probing, probe);
}

static tsr_probing probing_of(const tsr_probe_input *input, const seen_codes *seen, const char *folder,
                              const tsr_probing_host *host)
{
    return (tsr_probing){ .train = seen->train,
                          .test = seen->test,
                          .train_labels = input->train_labels,
                          .test_labels = input->test_labels,
                          .trained_labels = input->train_labels,
                          .classes = seen->classes,
                          .seed = input->seed,
                          .folder = folder,
                          .host = host };
}

static tsr_status *measure(const tsr_instance *probe, const tsr_probe_input *input, const seen_codes *seen,
                           const char *folder, tsr_metrics **out)
{
    const tsr_probing_host host = { 0 };
    const tsr_probing probing = probing_of(input, seen, folder, &host);
    tsr_numerics before = tsr_numerics_enter();
    tsr_status *status = tsr_probe_codes(&probing, probe, input->place, out);
    tsr_numerics_leave(before);
    return status;
}

/* In a folder that goes away. */
static tsr_status *measure_apart(const tsr_instance *probe, const tsr_probe_input *input,
                                 const seen_codes *seen, tsr_metrics **out)
{
    char *folder;
    TSR_TRY(tsr_make_temporary("probe", &folder));
    tsr_status *status = measure(probe, input, seen, folder, out);
    tsr_status_free(tsr_remove_tree(folder));
    free(folder);
    return status;
}

static tsr_status *check_all(const tsr_instance *probe, const tsr_probe_input *input, seen_codes *seen)
{
    const tsr_probing_host host = { 0 };
    if (tsr_instance_loaded(probe)->plugin.kind != TSR_PROBE)
        return tsr_fail(TSR_REFUSED, "%s is no probe", tsr_instance_name(probe));
    TSR_TRY(tsr_probes_check_labels(1, (tsr_instance *const[]){ (tsr_instance *)(uintptr_t)probe }, NULL));
    TSR_TRY(check(input, seen));
    seen->train = input->train;
    seen->test = input->test;
    const tsr_probing probing = probing_of(input, seen, NULL, &host);
    return check_probe(probe, &probing);
}

tsr_status *tsr_host_probe_check(const tsr_instance *probe, const tsr_probe_input *input)
{
    seen_codes seen = { 0 };
    return tsr_context(check_all(probe, input, &seen), "probe %s", tsr_probe_label(probe));
}

tsr_status *tsr_host_probe_sized(const tsr_instance *probe, const tsr_probe_input *input, size_t size,
                                 tsr_metrics **out)
{
    tsr_probe_input own = { 0 };
    seen_codes seen = { 0 };
    *out = NULL;
    memcpy(&own, input, size < sizeof(own) ? size : sizeof(own));
    tsr_status *status = check_all(probe, &own, &seen);
    if (!status)
        status = drop_constant(&own, &seen);
    if (!status)
        status = own.folder ? measure(probe, &own, &seen, own.folder, out)
                            : measure_apart(probe, &own, &seen, out);
    clear(&seen);
    return tsr_context(status, "probe %s", tsr_probe_label(probe));
}
