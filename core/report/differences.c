/* How far studies differ. */
#include "report/differences.h"

#include "base/memory.h"
#include "report/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

struct tsr_seeded {
    json_int_t seed;
    size_t run;
};

/* --- two means --- */

static tsr_statistic statistic_of(size_t n, const double *values)
{
    tsr_statistic s = { 0 };
    tsr_interval_factor factor = { 0 };
    for (size_t i = 0; i < n; i++)
        tsr_statistic_add(&s, values[i]);
    tsr_statistic_finish(&s, &factor);
    return s;
}

tsr_difference tsr_difference_of_pairs(size_t n, const double *reference, const double *other)
{
    tsr_statistic of_differences = { 0 };
    tsr_interval_factor factor = { 0 };
    for (size_t i = 0; i < n; i++)
        tsr_statistic_add(&of_differences, other[i] - reference[i]);
    tsr_statistic_finish(&of_differences, &factor);
    return (tsr_difference){ .paired = true,
                             .n = n,
                             .n_other = n,
                             .reference = statistic_of(n, reference).mean,
                             .other = statistic_of(n, other).mean,
                             .difference = of_differences.mean,
                             .interval = of_differences.interval };
}

/* Half the interval, by the degrees of freedom of Welch and Satterthwaite. */
static double welch(const tsr_statistic *a, const tsr_statistic *b)
{
    if (a->n < 2 || b->n < 2)
        return NAN;
    double of_a = a->deviation * a->deviation / (double)a->n,
           of_b = b->deviation * b->deviation / (double)b->n, sum = of_a + of_b;
    if (!(sum > 0))
        return sum;           /* no value varies */
    double part = of_a / sum; /* of the variance: no square of a small number is lost */
    double freedom = 1 / (part * part / (double)(a->n - 1) + (1 - part) * (1 - part) / (double)(b->n - 1));
    return tsr_student_t_real(CONFIDENCE, freedom) * sqrt(sum);
}

tsr_difference tsr_difference_of_samples(size_t n, const double *reference, size_t n_other,
                                         const double *other)
{
    tsr_statistic a = statistic_of(n, reference), b = statistic_of(n_other, other);
    return (tsr_difference){ .n = n,
                             .n_other = n_other,
                             .reference = a.mean,
                             .other = b.mean,
                             .difference = b.mean - a.mean,
                             .interval = welch(&a, &b) };
}

bool tsr_difference_is_clear(const tsr_difference *difference)
{
    return fabs(difference->difference) > difference->interval; /* never where there is none */
}

/* --- settings --- */

static size_t number_of(const tsr_summary *summary, size_t point)
{
    return summary->results->runs[summary->points[point].first].point;
}

static tsr_status *allocate(const tsr_summary *summary, tsr_differences *d)
{
    size_t most = 0;
    for (size_t p = 0; p < summary->n_points; p++)
        most = summary->points[p].n > most ? summary->points[p].n : most;
    d->settings = tsr_alloc(summary->n_points, sizeof(*d->settings));
    d->lone = tsr_alloc(summary->results->n_studies, sizeof(*d->lone));
    d->lacking = tsr_alloc(summary->results->n_studies, sizeof(*d->lacking));
    bool whole = d->settings && d->lone && d->lacking;
    for (size_t i = 0; i < 2; i++) {
        d->runs[i] = tsr_alloc(most, sizeof(*d->runs[i]));
        d->values[i] = tsr_alloc(most, sizeof(*d->values[i]));
        whole = whole && d->runs[i] && d->values[i];
    }
    return whole ? NULL : tsr_no_memory("the differences");
}

/* The points of a study lie together, in the order of the other keys. */
static size_t end_of_study(const tsr_summary *summary, size_t point)
{
    size_t study = tsr_summary_place(summary, point, 0);
    while (point < summary->n_points && tsr_summary_place(summary, point, 0) == study)
        point++;
    return point;
}

static void find_settings(tsr_differences *d, size_t first, size_t end, size_t end_of_reference,
                          size_t stride)
{
    const tsr_summary *summary = d->summary;
    size_t study = tsr_summary_place(summary, first, 0), a = 0;
    for (size_t b = first; b < end; b++) {
        size_t rest = number_of(summary, b) % stride;
        for (; a < end_of_reference && number_of(summary, a) % stride < rest; a++)
            d->lacking[study]++;
        if (a < end_of_reference && number_of(summary, a) % stride == rest)
            d->settings[d->n++] = (tsr_setting){ study, a++, b };
        else
            d->lone[study]++;
    }
    d->lacking[study] += end_of_reference - a;
}

tsr_status *tsr_differences_new(const tsr_summary *summary, tsr_differences *out)
{
    *out = (tsr_differences){ .summary = summary, .chosen = SIZE_MAX };
    tsr_status *status = allocate(summary, out);
    if (status) {
        tsr_differences_clear(out);
        return status;
    }
    size_t stride = 1, end = end_of_study(summary, 0);
    for (size_t k = 1; k < summary->results->n_keys; k++)
        stride *= summary->results->keys[k].n; /* the results hold the product of all */
    for (size_t first = end, next; first < summary->n_points; first = next) {
        next = end_of_study(summary, first);
        find_settings(out, first, next, end, stride);
    }
    return NULL;
}

void tsr_differences_clear(tsr_differences *d)
{
    for (size_t i = 0; i < 2; i++) {
        free(d->runs[i]);
        free(d->values[i]);
    }
    free(d->settings);
    free(d->lone);
    free(d->lacking);
    *d = (tsr_differences){ 0 };
}

/* --- the runs of a setting --- */

static int compare_seeds(const void *a, const void *b)
{
    const struct tsr_seeded *left = a, *right = b;
    if (left->seed != right->seed)
        return left->seed < right->seed ? -1 : 1;
    return left->run < right->run ? -1 : left->run > right->run;
}

static size_t list_runs(const tsr_summary *summary, size_t point, struct tsr_seeded *out)
{
    const tsr_point *of = &summary->points[point];
    size_t n = 0;
    for (size_t i = of->first; i < of->first + of->n; i++)
        if (summary->results->runs[i].n_snapshots)
            out[n++] = (struct tsr_seeded){
                json_integer_value(json_object_get(summary->results->runs[i].record, "seed")), i
            };
    qsort(out, n, sizeof(*out), compare_seeds);
    return n;
}

/* Brings the runs whose seeds both have to the front, pair by pair. */
static size_t pair_runs(tsr_differences *d)
{
    size_t pairs = 0, a = 0, b = 0;
    while (a < d->n_all[0] && b < d->n_all[1]) {
        struct tsr_seeded *left = &d->runs[0][a], *right = &d->runs[1][b], swap;
        if (left->seed != right->seed) {
            a += left->seed < right->seed;
            b += !(left->seed < right->seed);
            continue;
        }
        swap = d->runs[0][pairs], d->runs[0][pairs] = *left, *left = swap;
        swap = d->runs[1][pairs], d->runs[1][pairs] = *right, *right = swap;
        pairs++, a++, b++;
    }
    return pairs;
}

static void choose(tsr_differences *d, size_t setting)
{
    if (d->chosen == setting)
        return;
    d->chosen = setting;
    d->n_all[0] = list_runs(d->summary, d->settings[setting].reference, d->runs[0]);
    d->n_all[1] = list_runs(d->summary, d->settings[setting].other, d->runs[1]);
    d->n_pairs = pair_runs(d);
}

static double value_of(const tsr_differences *d, size_t side, size_t i, size_t measure)
{
    const tsr_results *results = d->summary->results;
    const tsr_result *run = &results->runs[d->runs[side][i].run];
    return run->cells[(run->n_snapshots - 1) * results->n_measures + measure];
}

bool tsr_differences_at(tsr_differences *d, size_t setting, size_t measure, tsr_difference *out)
{
    choose(d, setting);
    size_t pairs = 0, n[2] = { 0, 0 };
    for (size_t i = 0; i < d->n_pairs; i++) {
        d->values[0][pairs] = value_of(d, 0, i, measure);
        d->values[1][pairs] = value_of(d, 1, i, measure);
        pairs += !isnan(d->values[0][pairs]) && !isnan(d->values[1][pairs]);
    }
    if (pairs >= 2) {
        *out = tsr_difference_of_pairs(pairs, d->values[0], d->values[1]);
        return true;
    }
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < d->n_all[side]; i++) {
            d->values[side][n[side]] = value_of(d, side, i, measure);
            n[side] += !isnan(d->values[side][n[side]]);
        }
    *out = tsr_difference_of_samples(n[0], d->values[0], n[1], d->values[1]);
    return n[0] && n[1];
}
