/* Probing a network, or codes, that a run has saved. */
#include "base/machine.h"
#include "base/memory.h"
#include "experiment/record_make.h"

#include <string.h>

/* The snapshot that was taken becomes the caller's. */
static tsr_status *hand_over(tsr_run_work *w, tsr_probed_again *out)
{
    const json_t *snapshot = json_array_get(w->snapshots, 0);
    out->metrics = json_incref(json_object_get(snapshot, "metrics"));
    out->undefined = json_incref(json_object_get(snapshot, "undefined"));
    out->failed_probes = json_incref(w->failed_probes);
    out->seconds = json_incref(w->probe_seconds);
    out->descriptions = tsr_record_describe_metrics(w->run);
    out->curves = tsr_record_describe_curves(w->run);
    return out->metrics && out->descriptions && out->curves ? NULL : tsr_no_memory("metrics");
}

tsr_status *tsr_run_probe_again(const tsr_run *run, size_t before, size_t epoch, const char *folder,
                                const char *codes, tsr_probed_again *out)
{
    tsr_run_progress progress = { 0 };
    tsr_run_work w = { .run = run, .progress = &progress, .probes_before = before, .saved_codes = codes };
    *out = (tsr_probed_again){ 0 };
    tsr_set_threads(tsr_cores());
    tsr_flush_subnormals();
    tsr_status *status = tsr_run_work_begin(&w, strdup(folder));
    if (!status)
        status = tsr_run_take_snapshot(&w, epoch, false);
    if (!status)
        status = hand_over(&w, out);
    tsr_run_work_end(&w);
    return status;
}

void tsr_probed_again_clear(tsr_probed_again *probed)
{
    json_decref(probed->metrics);
    json_decref(probed->undefined);
    json_decref(probed->descriptions);
    json_decref(probed->curves);
    json_decref(probed->failed_probes);
    json_decref(probed->seconds);
    *probed = (tsr_probed_again){ 0 };
}
