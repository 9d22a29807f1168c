/* What the bits of codes do for themselves and beside one another, over training and test examples together:
   those that never or hardly ever change, those that repeat another, how correlated pairs are and how many
   dimensions all span. Works on the transposed codes, a row for each column, each complemented where its
   first bit is 1: then a column and its complement are one row, and the covariance of two columns comes from
   their Hamming distance d: n^2 cov = n (o_j + o_k - d) / 2 - o_j o_k for o_j ones of n, all integers. The
   squared singular values of the centred code matrix are the eigenvalues of n cov, by LAPACK. */
#include <tessera/op.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define BLOCK 128 /* columns compared together */

typedef struct units {
    double tau;
    int columns;
} units;

static const tsr_key keys[] = {
    TSR_KEY_REAL(units, tau, 0.01, 0.0, 1.0, "a bit is rare that is 1 for less than this share of examples"),
    TSR_KEY_INT(units, columns, 4096, 2, 16384,
                "where a layer has more bits, correlation and ranks are of so many drawn from them"),
    TSR_KEY_END
};

/* Some columns of the codes. */
typedef struct columns {
    const tsr_codes *rows; /* one for each of them */
    const uint64_t *ones;  /* of each over all examples, before it was complemented */
    size_t zeros, full;    /* more columns that are always 0 and always 1, which codes have dropped */
} columns;

typedef struct spread {
    size_t n;           /* columns that vary */
    double correlation; /* mean absolute value over their pairs */
    double effective, stable, participation;
} spread;

/* --- covariances --- */

typedef struct products {
    const tsr_codes *rows;
    int64_t *ones;
    double *matrix; /* n x n */
} products;

/* Of a block of columns with itself and all later ones, both halves of the matrix. */
static void multiply_block(void *context, size_t block)
{
    products *p = context;
    size_t n = p->rows->n, a = block * BLOCK, na = n - a < BLOCK ? n - a : BLOCK;
    int64_t examples = (int64_t)p->rows->bits;
    uint32_t distances[BLOCK * BLOCK];
    for (size_t b = a; b < n; b += BLOCK) {
        size_t nb = n - b < BLOCK ? n - b : BLOCK;
        tsr_hamming_block(p->rows, a, na, p->rows, b, nb, distances);
        for (size_t i = 0; i < na; i++)
            for (size_t j = 0; j < nb; j++) {
                int64_t both = (p->ones[a + i] + p->ones[b + j] - distances[i * nb + j]) / 2;
                double product = (double)(examples * both - p->ones[a + i] * p->ones[b + j]);
                p->matrix[(a + i) * n + b + j] = p->matrix[(b + j) * n + a + i] = product;
            }
    }
}

static double mean_correlation(const products *p)
{
    size_t n = p->rows->n;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        for (size_t j = 0; j < i; j++)
            row += fabs(p->matrix[i * n + j]) / sqrt(p->matrix[i * n + i] * p->matrix[j * n + j]);
        sum += row;
    }
    return sum / ((double)n * ((double)n - 1) / 2);
}

/* LAPACK's: eigenvalues of a symmetric matrix, ascending. Lengths of texts follow, as Fortran passes them. */
void dsyevd_(const char *vectors, const char *half, const int *n, double *matrix, const int *stride,
             double *values, double *work, const int *work_size, int *integers, const int *integers_size,
             int *failed, size_t, size_t);

static tsr_status *eigenvalues(int n, double *matrix, double *values)
{
    int query = -1, failed = 0, least = 1, size;
    double best = 0;
    dsyevd_("N", "U", &n, matrix, &n, values, &best, &query, &least, &query, &failed, 1, 1);
    size = best < 2 * n + 1 ? 2 * n + 1 : (int)best;
    double *work = calloc((size_t)size, sizeof(*work));
    int integers[8];
    if (!work)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the eigenvalues of %d columns", n);
    least = 8;
    dsyevd_("N", "U", &n, matrix, &n, values, work, &size, integers, &least, &failed, 1, 1);
    free(work);
    return failed ? tsr_fail(TSR_FAILED, "the eigenvalues of %d columns did not converge", n) : NULL;
}

/* From squared singular values; those that are rounding errors of zero count as zero. */
static void measure_spectrum(size_t n, double *values, spread *out)
{
    double sum = 0, squares = 0, fourths = 0, entropy = 0, largest = values[n - 1];
    for (size_t i = 0; i < n; i++) {
        values[i] = values[i] > (double)n * 1e-15 * largest ? values[i] : 0;
        sum += sqrt(values[i]);
        squares += values[i];
        fourths += values[i] * values[i];
    }
    for (size_t i = 0; i < n; i++) {
        double share = sqrt(values[i]) / sum;
        entropy -= share > 0 ? share * log(share) : 0;
    }
    out->effective = exp(entropy);
    out->stable = squares / largest;
    out->participation = squares * squares / fourths;
}

static tsr_status *measure_rows(const tsr_codes *rows, spread *out)
{
    size_t n = rows->n;
    products p = { rows, calloc(n + 1, sizeof(*p.ones)), calloc(n * n, sizeof(*p.matrix)) };
    double *values = calloc(n, sizeof(*values));
    tsr_status *status = NULL;
    if (!p.ones || !p.matrix || !values)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for the covariances of %zu columns", n);
    if (!status) {
        for (size_t i = 0; i < n; i++)
            for (size_t w = 0; w < tsr_codes_used_words(rows); w++)
                p.ones[i] += __builtin_popcountll(tsr_codes_row(rows, i)[w]);
        tsr_parallel_for((n + BLOCK - 1) / BLOCK, n * n * tsr_codes_used_words(rows), multiply_block, &p);
        out->correlation = n > 1 ? mean_correlation(&p) : 0;
        status = eigenvalues((int)n, p.matrix, values);
    }
    if (!status)
        measure_spectrum(n, values, out);
    free(p.ones);
    free(p.matrix);
    free(values);
    return status;
}

static bool varies(const columns *c, size_t j)
{
    return c->ones[j] > 0 && c->ones[j] < c->rows->bits;
}

/* Of the columns that vary, or of as many drawn from them as there may be. */
static tsr_status *measure_spread(const units *options, const tsr_probing *probing, const columns *c,
                                  spread *out)
{
    size_t limit = (size_t)options->columns, varying = 0;
    for (size_t j = 0; j < c->rows->n; j++)
        varying += varies(c, j);
    *out = (spread){ .n = varying < limit ? varying : limit };
    if (varying == 0)
        return NULL;
    uint64_t *drawn = calloc((varying + 63) / 64, sizeof(*drawn));
    uint64_t *rows = calloc((c->rows->n + 63) / 64, sizeof(*rows));
    tsr_codes *chosen = NULL;
    tsr_rng rng = probing->rng;
    tsr_status *status = drawn && rows ? tsr_draw_columns(&rng, varying, out->n, drawn)
                                       : tsr_fail(TSR_NO_MEMORY, "not enough memory to draw columns");
    for (size_t j = 0, number = 0; !status && j < c->rows->n; j++)
        if (varies(c, j)) {
            rows[j / 64] |= (drawn[number / 64] >> number % 64 & 1) << j % 64;
            number++;
        }
    if (!status)
        status = tsr_codes_take_rows(c->rows, rows, &chosen);
    if (!status)
        status = measure_rows(chosen, out);
    tsr_codes_free(chosen);
    free(drawn);
    free(rows);
    return status;
}

/* --- what is counted --- */

/* Columns that are equal to or the complement of an earlier one. All constant ones are alike. */
static tsr_status *count_duplicates(const columns *c, size_t *out)
{
    size_t distinct;
    bool constant = c->zeros + c->full > 0;
    TSR_TRY(tsr_distinct(c->rows, &distinct, NULL));
    for (size_t j = 0; j < c->rows->n && constant; j++)
        constant = varies(c, j);
    *out = c->rows->n + c->zeros + c->full - distinct - constant;
    return NULL;
}

static tsr_status *give_shares(const units *options, const tsr_measured *measured, const columns *c)
{
    size_t dead = c->zeros, always_on = c->full, rare = c->zeros * (options->tau > 0), duplicates;
    double all = (double)(c->rows->n + c->zeros + c->full);
    const char *none = all > 0 ? NULL : "there are no bits";
    for (size_t j = 0; j < c->rows->n; j++) {
        dead += c->ones[j] == 0;
        always_on += c->ones[j] == c->rows->bits;
        rare += tsr_share(c->ones[j], c->rows->bits) < options->tau;
    }
    TSR_TRY(count_duplicates(c, &duplicates));
    TSR_TRY(tsr_measured_metric(measured, NULL, all, "bits"));
    TSR_TRY(tsr_measured_metric(measured, none, (double)dead / all, "dead"));
    TSR_TRY(tsr_measured_metric(measured, none, (double)always_on / all, "always_on"));
    TSR_TRY(tsr_measured_metric(measured, none, (double)rare / all, "rare"));
    return tsr_measured_metric(measured, none, (double)duplicates / all, "duplicates");
}

/* What is measured of all columns, and of each layer's. */
typedef struct work {
    const units *options;
    const tsr_codes *rows; /* one for each column */
    const uint64_t *ones;  /* of each */
} work;

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    const work *w = context;
    const tsr_codes rows = { .n = measured->bits,
                             .bits = w->rows->bits,
                             .stride = w->rows->stride,
                             .words = w->rows->words + measured->first * w->rows->stride };
    const columns of = { &rows, w->ones + measured->first, measured->zeros, measured->ones }, *c = &of;
    spread s;
    TSR_TRY(give_shares(w->options, measured, c));
    TSR_TRY(measure_spread(w->options, measured->probing, c, &s));
    const char *none = s.n ? NULL : "every bit is constant";
    TSR_TRY(tsr_measured_metric(measured, NULL, (double)s.n, "columns"));
    TSR_TRY(tsr_measured_metric(measured, s.n > 1 ? NULL : "there are no two bits that vary", s.correlation,
                                "correlation"));
    TSR_TRY(tsr_measured_metric(measured, none, s.effective, "effective_rank"));
    TSR_TRY(tsr_measured_metric(measured, none, s.stable, "stable_rank"));
    return tsr_measured_metric(measured, none, s.participation, "participation_ratio");
}

/* --- all of it --- */

/* A column that starts with 1 becomes its complement. */
static void complement(tsr_codes *rows)
{
    size_t words = tsr_codes_used_words(rows);
    for (size_t j = 0; j < rows->n; j++) {
        uint64_t *row = rows->words + j * rows->stride;
        if (words == 0 || !(row[0] & 1))
            continue;
        for (size_t w = 0; w < words; w++)
            row[w] = ~row[w];
        if (rows->bits % 64)
            row[words - 1] &= (UINT64_C(1) << rows->bits % 64) - 1;
    }
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    tsr_codes *rows = NULL;
    uint64_t *ones = calloc(tsr_codes_used_words(probing->train) + 1, 64 * sizeof(*ones));
    tsr_status *status = ones ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for counts of ones");
    if (!status)
        status = tsr_codes_transpose(probing->train, probing->test, &rows);
    if (!status) {
        tsr_codes_count_ones(probing->train, ones);
        tsr_codes_count_ones(probing->test, ones);
        complement(rows);
        status = tsr_measure_layers(probing, NULL, NULL, measure, &(work){ self, rows, ones });
    }
    tsr_codes_free(rows);
    free(ones);
    return status;
}

/* clang-format off */
#define OF(name, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, text, ##__VA_ARGS__)
#define SHARE(name, text) OF(name, text, .maximum = 1, .better = TSR_BETTER_SMALLER)
#define RANK(name, text) OF(name, text, .maximum = INFINITY, .better = TSR_BETTER_LARGER)
#define UNITS(p)                                                                                             \
    OF(p "bits", "bits, constant ones included", .unit = "bits", .maximum = INFINITY),                       \
    SHARE(p "dead", "share of bits that are 0 for every example"),                                           \
    SHARE(p "always_on", "share of bits that are 1 for every example"),                                      \
    SHARE(p "rare", "share of bits that are 1 for hardly any example"),                                      \
    SHARE(p "duplicates", "share of bits that equal an earlier one or its complement"),                      \
    OF(p "columns", "bits that correlation and ranks are of", .unit = "bits", .maximum = INFINITY),          \
    SHARE(p "correlation", "mean absolute correlation of two bits"),                                         \
    RANK(p "effective_rank", "exponential of the entropy of the codes' singular values"),                    \
    RANK(p "stable_rank", "sum of squared singular values over the largest"),                                \
    RANK(p "participation_ratio", "squared sum of squared singular values over that of fourth powers")
/* clang-format on */

static const tsr_metric_info metrics[] = { UNITS(""), UNITS("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, .without_labels = true };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "units",
    .version = "1.0.0",     .summary = "dead, rare and duplicate bits, their correlation and ranks; by layer",
    .licence = "MIT",       TSR_INSTANCE(units),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
