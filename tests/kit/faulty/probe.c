/* A probe: the share of set bits; faults by name. */
#include "faulty.h"

#include <tessera/op.h>

enum {
    SILENT = OWN,
    THREADS,
    CHANGES,
    DIVIDES,
    PROMISES,
    LAYERS,
    RACES,
    TASKS,
    LEAVES,
    LABELS,
    MUTE,
    SHAPE,
    BEYOND,
    UNDRAWN,
    FALLS,
    WAVERS
};
FAULTS("silent", "threads", "changes", "divides", "promises", "layers", "races", "tasks", "leaves", "labels",
       "mute", "shape", "beyond", "undrawn", "falls", "wavers");

static double shared; /* what several threads add to */

static void add(void *context, size_t i)
{
    const tsr_codes *codes = context;
    float part = (float)shared;
    for (size_t w = 0; w < codes->stride; w++)
        part += 0.1f * (float)__builtin_popcountll(tsr_codes_row(codes, i)[w]);
    shared = (double)part;
}

/* A sum that all threads add to, without a lock. */
static double race(const tsr_codes *codes)
{
    volatile double sum = 0;
#pragma omp parallel for num_threads(tsr_threads())
    for (size_t i = 0; i < codes->n; i++)
        for (size_t w = 0; w < codes->stride; w++)
            sum = sum + __builtin_popcountll(tsr_codes_row(codes, i)[w]);
    return sum;
}

static tsr_status *draw(const faulty *f, const tsr_probing *p)
{
    const double x[] = { 0, 1, f->fault == FALLS ? 0.5 : 2 };
    const double y[] = { 0, f->fault == BEYOND ? 7 : 1, f->fault == WAVERS ? tsr_threads() / 64.0 : 0 };
    if (f->fault == SHAPE)
        return tsr_save_histogram(p, "line", 2, x, (const uint64_t[]){ 1, 0 });
    return tsr_save_curve(p, f->fault == UNDRAWN ? "other" : "line", 3, x, y);
}

static tsr_status *run(const void *self, const tsr_probing *p)
{
    const faulty *f = self;
    double set = begin(f);
    for (size_t i = 0; i < p->train->n; i++)
        for (size_t w = 0; w < p->train->stride; w++)
            set += __builtin_popcountll(tsr_codes_row(p->train, i)[w]);
    if (f->fault == SILENT || (f->fault == MUTE && !p->train_labels))
        return NULL;
    for (size_t i = 0; f->fault == LABELS && i < p->train->n; i++)
        set += p->train_labels[i]; /* although it says that it does without */
    if (f->fault == THREADS)
        set += tsr_threads();
    if (f->fault == LAYERS && p->train->n_layers)
        abort();
    if (f->fault == RACES)
        set += race(p->train);
    if (f->fault == TASKS) {
        shared = 0;
        tsr_parallel_for(p->train->n, p->train->n * p->train->stride, add, (void *)(uintptr_t)p->train);
        set += shared;
    }
    if (f->fault == CHANGES && p->train->bits)
        p->train->words[0] ^= 1;
    if (f->fault == DIVIDES && p->train->bits == 0)
        return tsr_fail(TSR_FAILED, "no bits");
    if (f->fault == LEAVES)
        set = -1;
    TSR_TRY(draw(f, p));
    return tsr_metric(p, f->fault == PROMISES ? "other" : "set", set);
}

static const tsr_metric_info metrics[] = { TSR_METRIC("set", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,
                                                      "bits that are set", .maximum = INFINITY),
                                           TSR_METRICS_END };
static const tsr_curve_info curves[] = { TSR_CURVE("line", TSR_CURVE_LINE, TSR_METRIC_OF_ANY, "a line",
                                                   "across", "up", .x_maximum = 2, .y_maximum = 1),
                                         TSR_CURVES_END };
static const tsr_probe_ops ops = {
    .run = run, .metrics = metrics, .without_labels = true, TSR_CURVES(curves)
};
FAULTY(TSR_PROBE_PLUGIN(&ops))
