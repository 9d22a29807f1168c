/* The dimension of the data that codes hold: of independent bits, how many would have distances like these.
   The binary intrinsic dimension of Acevedo, Rodriguez and Laio fits P(r) ~ 2^-d(r) binom(d(r), r), d(r) = d0
   + d1 r, to the distances of pairs of different codes up to their alpha quantile; d0 is it. The fit is the
   least Kullback-Leibler divergence, by scoring: Newton's method with Fisher's matrix, damped as Levenberg
   and Marquardt do. Beside it what neighbouring shells say: (r+1) (p(r) + p(r+1)) / p(r) - 1. */
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define ITERATIONS 1000
#define MARGIN 1e-3 /* d(r) stays above r - 1 by so much at least */

typedef struct intrinsic_dimension {
    double alpha;
    int examples;
} intrinsic_dimension;

static const tsr_key keys[] = {
    TSR_KEY_REAL(intrinsic_dimension, alpha, 0.2, 0.001, 1.0,
                 "share of pairs of different codes, the nearest ones, that are fitted to"),
    TSR_KEY_INT(intrinsic_dimension, examples, 2000, 2, 65536,
                "distances are over all pairs of so many examples of a part, the first ones"),
    TSR_KEY_END
};

/* Pairs at each distance r from 1 to n, as shares. */
typedef struct histogram {
    size_t n;
    const double *p;
} histogram;

typedef struct fit {
    double d0, d1, divergence;
} fit;

/* --- the model --- */

/* The derivative of ln Gamma, for x > 0. */
static double digamma(double x)
{
    double sum = 0;
    for (; x < 12; x++)
        sum -= 1 / x;
    double y = 1 / (x * x);
    return sum + log(x) - 0.5 / x -
           y * (1 / 12.0 - y * (1 / 120.0 - y * (1 / 252.0 - y * (1 / 240.0 - y * (1 / 132.0)))));
}

static double log_weight(double d, double r)
{
    return -d * M_LN2 + lgamma(d + 1) - lgamma(r + 1) - lgamma(d - r + 1);
}

static bool is_allowed(const histogram *h, const fit *f)
{
    double n = (double)h->n; /* d(r) - r is linear: its ends say all */
    return f->d0 + f->d1 >= MARGIN && f->d0 + f->d1 * n >= n - 1 + MARGIN;
}

/* ln of the sum of all weights. */
static double log_sum(const histogram *h, const fit *f)
{
    double largest = -INFINITY, sum = 0;
    for (size_t r = 1; r <= h->n; r++)
        largest = fmax(largest, log_weight(f->d0 + f->d1 * (double)r, (double)r));
    for (size_t r = 1; r <= h->n; r++)
        sum += exp(log_weight(f->d0 + f->d1 * (double)r, (double)r) - largest);
    return largest + log(sum);
}

static double divergence(const histogram *h, const fit *f)
{
    double sum = 0, all = log_sum(h, f);
    for (size_t r = 1; r <= h->n; r++)
        if (h->p[r] > 0)
            sum += h->p[r] * (log(h->p[r]) - log_weight(f->d0 + f->d1 * (double)r, (double)r) + all);
    return sum;
}

/* The divergence's gradient, and the covariance of the model's scores. */
static void differentiate(const histogram *h, const fit *f, double gradient[2], double fisher[3])
{
    double all = log_sum(h, f), mean[2] = { 0 }, seen[2] = { 0 }, squares[3] = { 0 };
    for (size_t i = 1; i <= h->n; i++) {
        double r = (double)i, d = f->d0 + f->d1 * r, q = exp(log_weight(d, r) - all);
        double score = digamma(d + 1) - digamma(d - r + 1) - M_LN2, scores[2] = { score, r * score };
        for (int k = 0; k < 2; k++) {
            mean[k] += q * scores[k];
            seen[k] += h->p[i] * scores[k];
        }
        squares[0] += q * score * score;
        squares[1] += q * score * score * r;
        squares[2] += q * score * score * r * r;
    }
    for (int k = 0; k < 2; k++)
        gradient[k] = mean[k] - seen[k];
    fisher[0] = squares[0] - mean[0] * mean[0];
    fisher[1] = squares[1] - mean[0] * mean[1];
    fisher[2] = squares[2] - mean[1] * mean[1];
}

/* A step of the damped equations; its size relative to the parameters, 0 where it leads nowhere lower. */
static double step(const histogram *h, fit *f, double *damping)
{
    double g[2], m[3];
    differentiate(h, f, g, m);
    for (; *damping < 1e12; *damping *= 4) {
        double a = m[0] * (1 + *damping) + 1e-300, c = m[2] * (1 + *damping) + 1e-300,
               det = a * c - m[1] * m[1];
        fit next = { f->d0 - (c * g[0] - m[1] * g[1]) / det, f->d1 - (a * g[1] - m[1] * g[0]) / det, 0 };
        if (!(det > 0) || !is_allowed(h, &next))
            continue;
        next.divergence = divergence(h, &next);
        if (!(next.divergence < f->divergence))
            continue;
        double size = fabs(next.d0 - f->d0) / (1 + fabs(f->d0)) + fabs(next.d1 - f->d1);
        *f = next;
        *damping = fmax(*damping / 10, 1e-12);
        return size;
    }
    return 0;
}

/* What the shells at r and r + 1 say. */
static double shell(const double *p, size_t r)
{
    return ((double)r + 1) * (p[r] + p[r + 1]) / p[r] - 1;
}

static fit fit_to(const histogram *h, double guess)
{
    fit f = { fmax(guess, (double)h->n), 0, 0 };
    double damping = 1e-3;
    f.divergence = divergence(h, &f);
    for (int i = 0; i < ITERATIONS; i++)
        if (step(h, &f, &damping) < 1e-13)
            break;
    return f;
}

/* --- metrics --- */

/* The quantile of the pairs, as a distance, and how many distances up to it pairs have. */
static size_t find_quantile(const uint64_t *counts, size_t bits, double alpha, size_t *used)
{
    double all = 0, sum = 0;
    size_t r = 0;
    for (size_t d = 1; d <= bits; d++)
        all += (double)counts[d];
    for (*used = 0; r < bits && sum / all < alpha;) {
        r++;
        sum += (double)counts[r];
        *used += counts[r] > 0;
    }
    return r;
}

/* From pairs at each distance; p has room for two more than bits. */
static tsr_status *measure_counts(double alpha, const tsr_measured *measured, const char *part,
                                  const uint64_t *counts, size_t bits, double *p)
{
    size_t used, n = find_quantile(counts, bits, alpha, &used), most = 1;
    double sum = 0;
    fit f = { 0 };
    for (size_t r = 1; r <= n; r++) {
        sum += (double)counts[r];
        most = counts[r] > counts[most] ? r : most;
    }
    for (size_t r = 1; r <= n + 1 && r <= bits; r++)
        p[r] = (double)counts[r] / sum;
    const char *none = sum > 0 ? NULL : "no two codes differ";
    double shells = none ? 0 : shell(p, most);
    const char *few = none       ? none
                      : used > 2 ? NULL
                                 : "pairs have fewer than three distances up to the quantile";
    if (!few)
        f = fit_to(&(histogram){ n, p }, shells);
    TSR_TRY(tsr_measured_metric(measured, few, f.d0, "dimension.%s", part));
    TSR_TRY(tsr_measured_metric(measured, few, f.d1, "slope.%s", part));
    TSR_TRY(tsr_measured_metric(measured, few, fmax(f.divergence, 0), "divergence.%s", part));
    return tsr_measured_metric(measured, none, shells, "shell.%s", part);
}

/* One part's measuring. */
typedef struct work {
    const intrinsic_dimension *options;
    const char *part;
} work;

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    const work *w = context;
    const tsr_codes *codes = measured->train;
    uint64_t *counts = calloc(codes->bits + 2, sizeof(*counts));
    double *p = calloc(codes->bits + 3, sizeof(*p));
    tsr_status *status = counts && p
                             ? tsr_codes_count_distances(codes, NULL, counts, NULL)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    if (!status)
        status = measure_counts(w->options->alpha, measured, w->part, counts, codes->bits, p);
    free(counts);
    free(p);
    return status;
}

static tsr_status *measure_part(const intrinsic_dimension *options, const tsr_probing *probing,
                                const char *part, const tsr_codes *codes)
{
    tsr_codes head = *codes; /* the first examples: rows follow one another */
    head.n = head.n < (size_t)options->examples ? head.n : (size_t)options->examples;
    return tsr_measure_layers(probing, &head, NULL, measure, &(work){ options, part });
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    TSR_TRY(measure_part(self, probing, "train", probing->train));
    return measure_part(self, probing, "test", probing->test);
}

/* clang-format off */
#define OF(name, part_, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, part_, text, ##__VA_ARGS__)
#define PART(p, s, part_)                                                                                    \
    OF(p "dimension" s, part_, "binary intrinsic dimension of the codes"),                                   \
    OF(p "slope" s, part_, "growth of the dimension with distance"),                                         \
    OF(p "divergence" s, part_, "divergence of distances from the fit of the dimension", .maximum = INFINITY), \
    OF(p "shell" s, part_, "dimension by the most frequent distance and the next", .maximum = INFINITY)
#define BOTH(p) PART(p, ".train", TSR_METRIC_OF_TRAIN), PART(p, ".test", TSR_METRIC_OF_TEST)
/* clang-format on */

static const tsr_metric_info metrics[] = { BOTH(""), BOTH("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, .without_labels = true };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "intrinsic_dimension",
    .version = "1.0.0",     .summary = "binary intrinsic dimension of codes, from their distances; by layer",
    .licence = "MIT",       TSR_INSTANCE(intrinsic_dimension),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
