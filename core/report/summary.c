/* What the runs of an experiment gave, point by point. */
#include "report/summary.h"

#include "base/memory.h"
#include "report/axis.h"
#include "report/student.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.95

void tsr_statistic_add(tsr_statistic *s, double value) /* Welford; deviation holds the sum of squares */
{
    s->n++;
    double difference = value - s->mean;
    s->mean += difference / (double)s->n;
    s->deviation += difference * (value - s->mean);
}

void tsr_statistic_finish(tsr_statistic *s, tsr_interval_factor *factor)
{
    s->mean = s->n ? s->mean : NAN;
    s->deviation = s->n > 1 ? sqrt(s->deviation / (double)(s->n - 1)) : NAN;
    s->interval = NAN;
    if (s->n < 2)
        return;
    if (factor->n != s->n)
        *factor = (tsr_interval_factor){ s->n, tsr_student_t(CONFIDENCE, s->n - 1) };
    s->interval = factor->t * s->deviation / sqrt((double)s->n);
}

/* The run's snapshot of `epoch`, the last one where that is NaN; its n_snapshots where it has none. */
static size_t snapshot_of(const tsr_result *run, double epoch)
{
    if (isnan(epoch))
        return run->n_snapshots ? run->n_snapshots - 1 : 0;
    size_t i = 0;
    while (i < run->n_snapshots && run->epochs[i] != epoch)
        i++;
    return i;
}

/* All metrics at one snapshot (NaN: the last), over the point's finished runs. */
static void fill_snapshot(const tsr_results *results, tsr_point *point, size_t e, double wanted)
{
    tsr_statistic *row = point->statistics + e * results->n_measures;
    tsr_interval_factor factor = { 0 };
    for (size_t i = point->first; i < point->first + point->n; i++) {
        const tsr_result *run = &results->runs[i];
        size_t snapshot = snapshot_of(run, wanted);
        if (snapshot >= run->n_snapshots)
            continue;
        point->snapshots[e]++;
        const double *cells = run->cells + snapshot * results->n_measures;
        for (size_t m = 0; m < results->n_measures; m++)
            if (!isnan(cells[m]))
                tsr_statistic_add(&row[m], cells[m]);
    }
    for (size_t m = 0; m < results->n_measures; m++)
        tsr_statistic_finish(&row[m], &factor);
}

/* The epochs of all snapshots but each run's last, once each and in order, then the latest last one. */
static tsr_status *find_epochs(const tsr_results *results, tsr_point *point)
{
    const tsr_result *first = results->runs + point->first, *end = first + point->n;
    size_t most = 1, found = 0;
    double last = -1;
    for (const tsr_result *run = first; run < end; run++) {
        most += run->n_snapshots;
        if (run->n_snapshots)
            last = fmax(last, run->epochs[run->n_snapshots - 1]);
    }
    point->epochs = tsr_alloc(most, sizeof(*point->epochs));
    if (!point->epochs)
        return tsr_no_memory("the summary");
    for (const tsr_result *run = first; run < end; run++)
        for (size_t j = 0; j + 1 < run->n_snapshots; j++)
            if (run->epochs[j] < last)
                point->epochs[found++] = run->epochs[j];
    tsr_sort_reals(point->epochs, found);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || point->epochs[i] != point->epochs[i - 1])
            point->epochs[point->n_epochs++] = point->epochs[i];
    if (last >= 0)
        point->epochs[point->n_epochs++] = last;
    return NULL;
}

static tsr_status *fill_point(const tsr_results *results, tsr_point *point)
{
    for (size_t i = point->first; i < point->first + point->n; i++) {
        point->done += results->runs[i].done;
        point->failed += !results->runs[i].done;
    }
    TSR_TRY(find_epochs(results, point));
    size_t cells;
    if (!tsr_checked_multiply(point->n_epochs, results->n_measures, &cells))
        return tsr_no_memory("the summary");
    point->snapshots = tsr_alloc(point->n_epochs, sizeof(*point->snapshots));
    point->statistics = tsr_alloc(cells, sizeof(*point->statistics));
    if (!point->snapshots || !point->statistics)
        return tsr_no_memory("the summary");
    for (size_t e = 0; e < point->n_epochs; e++)
        fill_snapshot(results, point, e, e + 1 == point->n_epochs ? NAN : point->epochs[e]);
    return NULL;
}

bool tsr_measure_is_headline(const tsr_measure *measure)
{
    return measure->info.role != TSR_METRIC_OTHER || strncmp(measure->name, "model.", 6) == 0;
}

/* None for counts, four for fractions, fewer for what is larger. */
static int choose_decimals(const tsr_summary *summary, size_t measure)
{
    double largest = 0;
    bool whole = true;
    for (size_t p = 0; p < summary->n_points; p++)
        for (size_t e = 0; e < summary->points[p].n_epochs; e++) {
            double mean = tsr_summary_at(summary, p, e, measure)->mean;
            if (isnan(mean))
                continue;
            whole = whole && mean == rint(mean);
            largest = fabs(mean) > largest ? fabs(mean) : largest;
        }
    if (whole && (largest > 1 || summary->results->measures[measure].counts))
        return 0;
    return largest >= 1000 ? 1 : largest >= 10 ? 2 : 4;
}

static tsr_status *fill(tsr_summary *summary)
{
    const tsr_results *results = summary->results;
    summary->points = tsr_alloc(results->n_runs, sizeof(*summary->points));
    summary->decimals = tsr_alloc(results->n_measures, sizeof(*summary->decimals));
    if (!summary->points || !summary->decimals)
        return tsr_no_memory("the summary");
    for (size_t first = 0; first < results->n_runs;) {
        tsr_point *point = &summary->points[summary->n_points++];
        point->first = first;
        while (first < results->n_runs && results->runs[first].point == results->runs[point->first].point)
            first++;
        point->n = first - point->first;
        TSR_TRY(fill_point(results, point));
    }
    for (size_t m = 0; m < results->n_measures; m++)
        summary->decimals[m] = choose_decimals(summary, m);
    return NULL;
}

tsr_status *tsr_summary_new(const tsr_results *results, tsr_summary **out)
{
    tsr_summary *summary = tsr_alloc(1, sizeof(*summary));
    TSR_TRY(summary ? NULL : tsr_no_memory("the summary"));
    summary->results = results;
    tsr_status *status = fill(summary);
    if (status)
        tsr_summary_free(summary);
    else
        *out = summary;
    return status;
}

void tsr_summary_free(tsr_summary *summary)
{
    if (!summary)
        return;
    for (size_t i = 0; i < summary->n_points; i++) {
        free(summary->points[i].epochs);
        free(summary->points[i].snapshots);
        free(summary->points[i].statistics);
    }
    free(summary->points);
    free(summary->decimals);
    free(summary);
}

double tsr_summary_of_run(const tsr_summary *summary, size_t point, size_t epoch, size_t run, size_t measure)
{
    const tsr_point *of = &summary->points[point];
    const tsr_result *result = &summary->results->runs[run];
    size_t snapshot = snapshot_of(result, epoch + 1 == of->n_epochs ? NAN : of->epochs[epoch]);
    return snapshot < result->n_snapshots ? result->cells[snapshot * summary->results->n_measures + measure]
                                          : NAN;
}

const tsr_statistic *tsr_summary_at(const tsr_summary *summary, size_t point, size_t epoch, size_t measure)
{
    return &summary->points[point].statistics[epoch * summary->results->n_measures + measure];
}

size_t tsr_summary_place(const tsr_summary *summary, size_t point, size_t key)
{
    return summary->results->runs[summary->points[point].first].place[key];
}

const tsr_value *tsr_summary_value(const tsr_summary *summary, size_t point, size_t key)
{
    return summary->results->keys[key].values[tsr_summary_place(summary, point, key)];
}

int tsr_summary_decimals(const tsr_summary *summary, size_t measure)
{
    return summary->decimals[measure];
}
