/* A probe: the share of set bits; faults by name. */
#include "faulty.h"

enum { SILENT = OWN, THREADS, CHANGES, DIVIDES, PROMISES };
FAULTS("silent", "threads", "changes", "divides", "promises");

static tsr_status *run(const void *self, const tsr_probing *p)
{
    const faulty *f = self;
    double set = begin(f);
    for (size_t i = 0; i < p->train->n; i++)
        for (size_t w = 0; w < p->train->stride; w++)
            set += __builtin_popcountll(tsr_codes_row(p->train, i)[w]);
    if (f->fault == SILENT)
        return NULL;
    if (f->fault == THREADS)
        set += tsr_threads();
    if (f->fault == CHANGES && p->train->bits)
        p->train->words[0] ^= 1;
    if (f->fault == DIVIDES && p->train->bits == 0)
        return tsr_fail(TSR_FAILED, "no bits");
    return tsr_metric(p, f->fault == PROMISES ? "other" : "set", set);
}

static const tsr_metric_info metrics[] = { { "set", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,
                                             "bits that are set" },
                                           { NULL, TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, NULL } };
static const tsr_probe_ops ops = { .run = run, .metrics = metrics };
FAULTY(TSR_PROBE_PLUGIN(&ops))
