/* Classes from the models' scores. One-vs-one: each pair's winner has a vote, and the sum of signed scores s,
   as s / (3 (|s| + 1)), decides between equal votes, as in scikit-learn. Else the largest score. The smaller
   class wins what is left equal. */
#include "predict.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 512 /* scored together */

/* What scores need; a thread has one of the last three. */
typedef struct scoring {
    logistic_scheme scheme;
    size_t classes, models, blocks, each;
    tsr_lanes *weights; /* blocks x each */
    tsr_lanes *scores;  /* blocks x ROWS */
    double *values;     /* classes; for one-vs-one their votes */
    double *sums;       /* classes; of scores */
} scoring;

static void spread_weights(const scoring *s, const float *weights)
{
    for (size_t m = 0; m < s->models; m++) {
        float *at = (float *)(s->weights + m / TSR_LANES * s->each) + m % TSR_LANES;
        for (size_t j = 0; j < s->each; j++)
            at[j * TSR_LANES] = weights[m * s->each + j];
    }
}

static void score(const scoring *s, const tsr_code_rows *rows, tsr_lanes *scores)
{
    for (size_t b = 0; b < s->blocks; b++) {
        const tsr_lanes *weights = s->weights + b * s->each;
        for (size_t i = 0; i < rows->n; i++)
            scores[b * ROWS + i] = weights[s->each - 1];
        tsr_codes_dot(rows, weights, scores + b * ROWS);
    }
}

static double score_of(const tsr_lanes *scores, size_t model)
{
    return (double)scores[model / TSR_LANES * ROWS][model % TSR_LANES];
}

static void vote(const scoring *s, const tsr_lanes *scores, double *votes, double *sums)
{
    memset(votes, 0, s->classes * sizeof(*votes));
    memset(sums, 0, s->classes * sizeof(*sums));
    for (size_t a = 0, model = 0; a < s->classes; a++) {
        for (size_t b = a + 1; b < s->classes; b++, model++) {
            double value = score_of(scores, model);
            votes[value > 0 ? b : a]++;
            sums[a] -= value;
            sums[b] += value;
        }
    }
    for (size_t c = 0; c < s->classes; c++)
        votes[c] += sums[c] / (3 * (fabs(sums[c]) + 1));
}

static uint32_t decide(const scoring *s, const tsr_lanes *scores, double *values, double *sums)
{
    if (s->scheme == ONE_VS_ONE)
        vote(s, scores, values, sums);
    else
        for (size_t c = 0; c < s->classes; c++)
            values[c] = score_of(scores, c);
    uint32_t best = 0;
    for (uint32_t c = 1; c < s->classes; c++)
        if (values[c] > values[best])
            best = c;
    return best;
}

tsr_status *logistic_predict(logistic_scheme scheme, size_t n_classes, const float *weights,
                             const tsr_code_rows *rows, uint32_t *out)
{
    size_t threads = (size_t)tsr_threads(), models = logistic_models(scheme, n_classes);
    scoring s = { scheme, n_classes, models, (models + TSR_LANES - 1) / TSR_LANES, rows->bits + 1, NULL,
                  NULL,   NULL,      NULL };
    s.weights = tsr_lanes_new(s.blocks, s.each);
    s.scores = tsr_lanes_new(threads * s.blocks, ROWS);
    s.values = calloc(threads * n_classes, sizeof(*s.values));
    s.sums = calloc(threads * n_classes, sizeof(*s.sums));
    tsr_status *status = s.weights && s.scores && s.values && s.sums ? NULL : logistic_no_memory();
    if (status)
        goto out;
    spread_weights(&s, weights);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(rows->n * s.each * (s.blocks + 1) / 4))
    for (size_t first = 0; first < rows->n; first += ROWS) {
        size_t thread = (size_t)omp_get_thread_num();
        tsr_code_rows some = *rows;
        if (some.index)
            some.index += first;
        else
            some.words += first * some.stride;
        some.n = rows->n - first < ROWS ? rows->n - first : ROWS;
        tsr_lanes *scores = s.scores + thread * s.blocks * ROWS;
        score(&s, &some, scores);
        for (size_t i = 0; i < some.n; i++)
            out[first + i] =
                decide(&s, scores + i, s.values + thread * n_classes, s.sums + thread * n_classes);
    }
out:
    free(s.weights);
    free(s.scores);
    free(s.values);
    free(s.sums);
    return status;
}
