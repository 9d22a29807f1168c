/* Codes as a search index: test codes query the training codes by Hamming distance, and those of the query's
   class are relevant. Few distances hold many codes, so ranks are tied; every value is the expectation over a
   random order within equal distances, in closed form. In a block of n tied codes with r relevant ones, after
   b codes with rb relevant, the i-th place holds a relevant one with probability r/n, and then rb + 1 +
   (i-1)(r-1)/(n-1) of the first b + i are relevant on average. So a block adds to average precision
       r/n ((rb + 1) S + (r-1)/(n-1) (m - (b+1) S)),  S = H(b + m) - H(b),
   for its first m places, H the harmonic numbers. */
#include <tessera/op.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define BLOCK 64  /* queries of a task */
#define LEVELS 21 /* of recall: 0, 0.05 ... 1 */

typedef struct retrieval {
    int k, radius;
    bool curve;
} retrieval;

static const tsr_key keys[] = {
    TSR_KEY_INT(retrieval, k, 100, 1, 1 << 20, "places that map_at_k and precision_at_k look at"),
    TSR_KEY_INT(retrieval, radius, 2, 0, 1 << 20,
                "distance within which precision_in_radius and recall_in_radius look", .unit = "bits"),
    TSR_KEY_BOOL(retrieval, curve, false,
                 "write distance, precision and recall within it to <label>_precision_recall.npy, where "
                 "files are kept"),
    TSR_KEY_END
};

/* Of one query. */
typedef struct answer {
    double relevant; /* training codes of its class; without any, it counts for nothing */
    double precision, precision_k, sum_k; /* average precision; that of the first k; relevant among them */
    double in_radius, relevant_in_radius;
} answer;

typedef struct search {
    const tsr_probing *probing;
    const retrieval *options;
    const double *harmonic; /* H(i) for i up to the training codes */
    answer *answers;
    uint64_t *relevant, *retrieved; /* over all queries, by distance */
    double
        *interpolated; /* tasks x LEVELS: precision at each level of recall, summed over the task's queries */
    bool whole;        /* no task lacked memory */
} search;

/* What the first m places of a block of n with r relevant add, after b places with rb. */
static double block_precision(const double *harmonic, double n, double r, size_t b, double rb, size_t m)
{
    double s = harmonic[b + m] - harmonic[b];
    double more = n > 1 ? (r - 1) / (n - 1) * ((double)m - ((double)b + 1) * s) : 0;
    return r / n * ((rb + 1) * s + more);
}

/* Goes through the distances of a query, nearest first. */
static answer rank(const search *s, const uint32_t *counts)
{
    size_t bits = s->probing->train->bits, k = (size_t)s->options->k, b = 0;
    const uint32_t *others = counts + bits + 1;
    answer a = { 0 };
    for (size_t d = 0; d <= bits; d++) {
        size_t r = counts[d], n = r + others[d], m = b >= k ? 0 : n < k - b ? n : k - b;
        if (r > 0) {
            a.precision += block_precision(s->harmonic, (double)n, (double)r, b, a.relevant, n);
            a.precision_k += m ? block_precision(s->harmonic, (double)n, (double)r, b, a.relevant, m) : 0;
            a.sum_k += (double)m * (double)r / (double)n;
        }
        b += n;
        a.relevant += (double)r;
        if (d <= (size_t)s->options->radius) {
            a.in_radius = (double)b;
            a.relevant_in_radius = a.relevant;
        }
    }
    return a;
}

/* Sums of integers: the order in which blocks come does not show. */
static void add_to_curve(const search *s, const uint32_t *counts)
{
    size_t bits = s->probing->train->bits;
    for (size_t d = 0; d <= bits; d++) {
        uint64_t r = counts[d], n = r + counts[bits + 1 + d];
        if (n == 0)
            continue;
        __atomic_fetch_add(&s->relevant[d], r, __ATOMIC_RELAXED);
        __atomic_fetch_add(&s->retrieved[d], n, __ATOMIC_RELAXED);
    }
}

/* Adds a query's interpolated precision at each level of recall r: the largest that the codes within any
   distance have whose recall is r or more (Manning, Raghavan, Schuetze 2008, section 8.4). */
static void add_interpolated(const search *s, const uint32_t *counts, double *sums)
{
    size_t bits = s->probing->train->bits, found = 0, relevant, retrieved = s->probing->train->n;
    const uint32_t *others = counts + bits + 1;
    int level = LEVELS - 1;
    double best = 0;
    for (size_t d = 0; d <= bits; d++)
        found += counts[d];
    relevant = found;
    for (size_t d = bits + 1; d-- > 0 && retrieved > 0;) {
        for (; level >= 0 && (size_t)level * relevant > found * (LEVELS - 1); level--)
            sums[level] += best;
        best = fmax(best, (double)found / (double)retrieved);
        found -= counts[d];
        retrieved -= counts[d] + others[d];
    }
    for (; level >= 0; level--)
        sums[level] += best;
}

static void search_block(void *context, size_t block)
{
    search *s = context;
    const tsr_probing *p = s->probing;
    size_t counters = 2 * (p->train->bits + 1), q = block * BLOCK;
    size_t nq = p->test->n - q < BLOCK ? p->test->n - q : BLOCK;
    uint32_t *counts = calloc(counters, BLOCK * sizeof(*counts));
    if (!counts) {
        __atomic_store_n(&s->whole, false, __ATOMIC_RELAXED);
        return;
    }
    tsr_codes_count_around(p->train, p->train_labels, p->test, p->test_labels, q, nq, counts);
    for (size_t i = 0; i < nq; i++) {
        s->answers[q + i] = rank(s, counts + i * counters);
        if (s->answers[q + i].relevant > 0)
            add_interpolated(s, counts + i * counters, s->interpolated + block * LEVELS);
        if (s->options->curve && s->answers[q + i].relevant > 0)
            add_to_curve(s, counts + i * counters);
    }
    free(counts);
}

static tsr_status *give_all(const search *s)
{
    double n = 0, map = 0, map_k = 0, precision_k = 0, precision_in = 0, recall_in = 0;
    double k = s->options->k;
    for (size_t i = 0; i < s->probing->test->n; i++) {
        const answer *a = &s->answers[i];
        if (a->relevant == 0)
            continue;
        n++;
        map += a->precision / a->relevant;
        map_k += a->precision_k / fmin(a->relevant, k);
        precision_k += a->sum_k / k;
        precision_in += a->in_radius > 0 ? a->relevant_in_radius / a->in_radius : 0;
        recall_in += a->relevant_in_radius / a->relevant;
    }
    const struct {
        const char *name;
        double sum;
    } all[] = { { "map", map },
                { "map_at_k", map_k },
                { "precision_at_k", precision_k },
                { "precision_in_radius", precision_in },
                { "recall_in_radius", recall_in } };
    const char *none = n > 0 ? NULL : "no query has a training code of its class";
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        TSR_TRY(tsr_metric_unless(s->probing, none, all[i].sum / n, "%s", all[i].name));
    return NULL;
}

/* A row for each distance that some training code has to a query: it, precision and recall of all training
   codes within it, over all queries together. */
static tsr_status *write_curve(const search *s)
{
    size_t bits = s->probing->train->bits, rows = 0;
    double *values = calloc(bits + 1, 3 * sizeof(*values)), relevant = 0, retrieved = 0, all = 0;
    if (!values)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for a curve");
    for (size_t d = 0; d <= bits; d++)
        all += (double)s->relevant[d];
    for (size_t d = 0; d <= bits; d++) {
        relevant += (double)s->relevant[d];
        retrieved += (double)s->retrieved[d];
        if (s->retrieved[d] == 0)
            continue;
        double *row = values + 3 * rows++;
        row[0] = (double)d;
        row[1] = relevant / retrieved;
        row[2] = relevant / all;
    }
    tsr_status *status = tsr_save_array(s->probing, "precision_recall", TSR_ELEMENT_FLOAT64, 2,
                                        (const size_t[]){ rows, 3 }, values);
    free(values);
    return status;
}

static size_t blocks_of(size_t n)
{
    return (n + BLOCK - 1) / BLOCK;
}

/* The mean over queries, of which one has a relevant code at least. */
static tsr_status *give_interpolated(const search *s)
{
    double n = 0, recall[LEVELS], precision[LEVELS] = { 0 };
    for (size_t i = 0; i < s->probing->test->n; i++)
        n += s->answers[i].relevant > 0;
    if (n == 0)
        return NULL;
    for (int level = 0; level < LEVELS; level++) {
        recall[level] = (double)level / (LEVELS - 1);
        for (size_t block = 0; block < blocks_of(s->probing->test->n); block++)
            precision[level] += s->interpolated[block * LEVELS + (size_t)level];
        precision[level] = fmin(precision[level] / n, 1);
    }
    return tsr_save_curve(s->probing, "precision_at_recall", LEVELS, recall, precision);
}

static tsr_status *search_all(search *s)
{
    size_t n = s->probing->test->n;
    size_t work = n * (s->probing->train->n + 1) * (tsr_codes_used_words(s->probing->train) + 1);
    tsr_parallel_for(blocks_of(n), work, search_block, s);
    if (!s->whole)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    TSR_TRY(give_all(s));
    TSR_TRY(give_interpolated(s));
    return s->options->curve && s->probing->folder ? write_curve(s) : NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    size_t n = probing->train->n;
    double *harmonic = calloc(n + 1, sizeof(*harmonic));
    answer *answers = calloc(probing->test->n + 1, sizeof(*answers));
    uint64_t *sums = calloc(probing->train->bits + 1, 2 * sizeof(*sums));
    double *interpolated = calloc(blocks_of(probing->test->n) + 1, LEVELS * sizeof(*interpolated));
    tsr_status *status = NULL;
    if (!harmonic || !answers || !sums || !interpolated)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu queries", probing->test->n);
    for (size_t i = 1; !status && i <= n; i++)
        harmonic[i] = harmonic[i - 1] + 1 / (double)i;
    if (!status)
        status = search_all(&(search){ .probing = probing,
                                       .options = self,
                                       .harmonic = harmonic,
                                       .answers = answers,
                                       .relevant = sums,
                                       .retrieved = sums + probing->train->bits + 1,
                                       .interpolated = interpolated,
                                       .whole = true });
    free(harmonic);
    free(answers);
    free(sums);
    free(interpolated);
    return status;
}

#define OF_TEST(name, text)                                                                                  \
    TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, text, .maximum = 1, .better = TSR_BETTER_LARGER)

static const tsr_metric_info metrics[] = {
    OF_TEST("map", "mean average precision of test codes' search among training codes"),
    OF_TEST("map_at_k",
            "mean average precision of the first k, divided by k or, if fewer, the relevant ones"),
    OF_TEST("precision_at_k", "share of relevant codes among the first k"),
    OF_TEST("precision_in_radius", "share of relevant codes within a distance, 0 where there is none"),
    OF_TEST("recall_in_radius", "share of the relevant codes that are within a distance"),
    TSR_METRICS_END,
};

static const tsr_curve_info curves[] = {
    TSR_CURVE("precision_at_recall", TSR_CURVE_LINE, TSR_METRIC_OF_TEST,
              "interpolated precision at each recall, mean over test codes' searches", "recall", "precision",
              .x_maximum = 1, .y_maximum = 1, .better = TSR_BETTER_LARGER),
    TSR_CURVES_END,
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, TSR_CURVES(curves) };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "retrieval",
    .version = "1.0.0",     .summary = "test codes' search for training codes of their class: mAP, precision",
    .licence = "MIT",       TSR_INSTANCE(retrieval),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
