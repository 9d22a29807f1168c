/* What is computed of untrained networks to guess how well they will do: on a batch of training examples,
   NASWOT (Mellor et al. 2021), ln det K with K_ij = units - d(i,j), and SWAP (Peng et al. 2024), the number
   of different columns, constant ones included. K holds integers, so whether it is singular is decided
   exactly, by elimination modulo the prime 2^61 - 1 (a determinant other than 0 that it divides would be
   called 0; none is to be expected in a lifetime); the logarithm comes from elimination with 64 bits of
   precision. By layer. */
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define PRIME ((UINT64_C(1) << 61) - 1)

typedef struct zero_cost {
    int batch;
} zero_cost;

static const tsr_key keys[] = { TSR_KEY_INT(zero_cost, batch, 128, 2, 1024,
                                            "training examples, drawn; fewer where there are fewer"),
                                TSR_KEY_END };

/* --- determinants --- */

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b % PRIME);
}

/* a^-1 = a^(p - 2). */
static uint64_t invert(uint64_t a)
{
    uint64_t result = 1;
    for (uint64_t e = PRIME - 2; e; e /= 2, a = multiply(a, a))
        result = e & 1 ? multiply(result, a) : result;
    return result;
}

/* Row `pivot`, from column c on, times what empties column c of the rows below is taken off them. */
static void eliminate_modulo(size_t n, uint64_t *a, size_t c)
{
    uint64_t inverse = invert(a[c * n + c]);
    for (size_t i = c + 1; i < n; i++) {
        uint64_t factor = PRIME - multiply(a[i * n + c], inverse);
        for (size_t j = c; j < n; j++)
            a[i * n + j] = (a[i * n + j] + multiply(factor, a[c * n + j])) % PRIME;
    }
}

/* Whether the determinant of an integer matrix below the prime is 0; the matrix is used up. */
static bool is_singular(size_t n, uint64_t *a)
{
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        while (pivot < n && a[pivot * n + c] == 0)
            pivot++;
        if (pivot == n)
            return true;
        for (size_t j = c; j < n && pivot != c; j++) {
            uint64_t swapped = a[c * n + j];
            a[c * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swapped;
        }
        eliminate_modulo(n, a, c);
    }
    return false;
}

/* ln of the absolute value of the determinant, which is not 0, with the largest pivots; uses the matrix up.
 */
static double log_determinant(size_t n, long double *a)
{
    long double sum = 0;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t i = c + 1; i < n; i++)
            pivot = fabsl(a[i * n + c]) > fabsl(a[pivot * n + c]) ? i : pivot;
        for (size_t j = c; j < n && pivot != c; j++) {
            long double swapped = a[c * n + j];
            a[c * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swapped;
        }
        sum += logl(fabsl(a[c * n + c]));
        for (size_t i = c + 1; i < n; i++) {
            long double factor = a[i * n + c] / a[c * n + c];
            for (size_t j = c + 1; j < n; j++)
                a[i * n + j] -= factor * a[c * n + j];
        }
    }
    return (double)sum;
}

/* --- scores --- */

typedef struct scores {
    size_t codes, columns; /* different ones */
    double log_determinant;
    const char *none; /* why that is minus infinity */
} scores;

static tsr_status *measure_matrix(const tsr_codes *batch, size_t units, scores *s)
{
    size_t n = batch->n;
    uint32_t *distances = calloc(n * n + 1, sizeof(*distances));
    uint64_t *integers = calloc(n * n + 1, sizeof(*integers));
    long double *reals = calloc(n * n + 1, sizeof(*reals));
    tsr_status *status = NULL;
    if (!distances || !integers || !reals)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for the matrix of %zu codes", n);
    if (!status) {
        tsr_hamming_block(batch, 0, n, batch, 0, n, distances);
        for (size_t i = 0; i < n * n; i++) {
            integers[i] = units - distances[i];
            reals[i] = (long double)(units - distances[i]);
        }
        if (is_singular(n, integers))
            s->none =
                "the determinant is 0, its logarithm minus infinity: codes of the batch depend on others";
        else
            s->log_determinant = log_determinant(n, reals);
    }
    free(distances);
    free(integers);
    free(reals);
    return status;
}

/* Different columns, where `zeros` and `ones` more are always 0 and always 1. */
static tsr_status *count_columns(const tsr_codes *batch, size_t zeros, size_t ones, size_t *out)
{
    tsr_codes *rows;
    TSR_TRY(tsr_codes_transpose(batch, NULL, &rows));
    bool has_zeros = false, has_ones = false;
    for (size_t j = 0; j < rows->n; j++) {
        size_t set = 0;
        for (size_t w = 0; w < tsr_codes_used_words(rows); w++)
            set += (size_t)__builtin_popcountll(tsr_codes_row(rows, j)[w]);
        has_zeros |= set == 0;
        has_ones |= set == rows->bits;
    }
    tsr_status *status = tsr_distinct(rows, out, NULL);
    *out += (zeros > 0 && !has_zeros) + (ones > 0 && !has_ones);
    tsr_codes_free(rows);
    return status;
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    (void)context;
    const tsr_codes *batch = measured->train;
    scores s = { 0 };
    size_t units = batch->bits + measured->zeros + measured->ones;
    TSR_TRY(tsr_distinct(batch, &s.codes, NULL));
    TSR_TRY(count_columns(batch, measured->zeros, measured->ones, &s.columns));
    if (batch->n == 0)
        s.none = "there are no examples";
    else if (s.codes < batch->n)
        s.none = "two codes of the batch are equal: the determinant is 0, its logarithm minus infinity";
    else
        TSR_TRY(measure_matrix(batch, units, &s));
    double normalised = fmin(s.log_determinant - (double)batch->n * log((double)units), 0);
    TSR_TRY(tsr_measured_metric(measured, s.none, s.log_determinant, "naswot.train"));
    TSR_TRY(tsr_measured_metric(measured, s.none, normalised, "naswot_normalised.train"));
    TSR_TRY(tsr_measured_metric(measured, NULL, (double)s.columns, "swap.train"));
    return tsr_measured_metric(measured, NULL, (double)s.codes, "distinct.train");
}

/* --- all of it --- */

static tsr_status *draw_batch(const tsr_codes *codes, size_t n, tsr_rng rng, tsr_codes **out)
{
    uint64_t *mask = calloc((codes->n + 63) / 64 + 1, sizeof(*mask));
    tsr_status *status = mask ? tsr_draw_columns(&rng, codes->n, n, mask)
                              : tsr_fail(TSR_NO_MEMORY, "not enough memory to draw a batch");
    if (!status)
        status = tsr_codes_take_rows(codes, mask, out);
    free(mask);
    return status;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const zero_cost *options = self;
    const tsr_codes *train = probing->train;
    size_t n = train->n < (size_t)options->batch ? train->n : (size_t)options->batch;
    tsr_codes *batch = NULL;
    tsr_status *status = draw_batch(train, n, probing->rng, &batch);
    if (!status)
        status = tsr_measure_layers(probing, batch, NULL, measure, NULL);
    tsr_codes_free(batch);
    return status;
}

#define OF(name, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, text, ##__VA_ARGS__)
#define SCORES(p)                                                                                            \
    OF(p "naswot.train", "NASWOT: ln det of the codes' agreement in a batch", .better = TSR_BETTER_LARGER),  \
        OF(p "naswot_normalised.train", "NASWOT of agreement as a share of the units", .minimum = -INFINITY, \
           .maximum = 0, .better = TSR_BETTER_LARGER),                                                       \
        OF(p "swap.train", "SWAP: different columns of a batch's codes", .maximum = INFINITY,                \
           .better = TSR_BETTER_LARGER),                                                                     \
        OF(p "distinct.train", "different codes of a batch", .maximum = INFINITY,                            \
           .better = TSR_BETTER_LARGER)

static const tsr_metric_info metrics[] = { SCORES(""), SCORES("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, .without_labels = true };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "zero_cost",
    .version = "1.0.0",
    .summary = "scores of untrained networks: NASWOT, SWAP, different codes; by layer",
    .licence = "MIT",
    TSR_INSTANCE(zero_cost),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
