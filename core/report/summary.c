/* What the runs of an experiment gave, point by point. */
#include "report/summary.h"

#include "base/memory.h"
#include "config/describe.h"
#include "experiment/outcome.h"
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

static const json_t *snapshots_of(const tsr_summary *summary, size_t run)
{
    const json_t *outcome = summary->results->runs[run].outcome;
    return tsr_outcome_is_done(outcome) ? json_object_get(outcome, "snapshots") : NULL;
}

static double epoch_of(const json_t *snapshots, size_t i)
{
    return json_number_value(json_object_get(json_array_get(snapshots, i), "epoch"));
}

/* The snapshot of `epoch`; the last one where it is NaN. */
static const json_t *snapshot_of(const json_t *snapshots, double epoch)
{
    size_t n = json_array_size(snapshots);
    if (isnan(epoch))
        return n ? json_array_get(snapshots, n - 1) : NULL;
    for (size_t i = 0; i < n; i++)
        if (epoch_of(snapshots, i) == epoch)
            return json_array_get(snapshots, i);
    return NULL;
}

/* All metrics at one snapshot (NaN: the last), over the point's finished runs. */
static void fill_snapshot(const tsr_summary *summary, tsr_point *point, size_t e, double wanted)
{
    tsr_statistic *row = point->statistics + e * summary->n_measures;
    tsr_interval_factor factor = { 0 };
    for (size_t i = point->first; i < point->first + point->n; i++) {
        const json_t *snapshot = snapshot_of(snapshots_of(summary, i), wanted);
        point->snapshots[e] += snapshot != NULL;
        for (size_t m = 0; m < summary->n_measures; m++) {
            const json_t *value =
                json_object_get(json_object_get(snapshot, "metrics"), summary->measures[m].name);
            if (json_is_real(value))
                summary->measures[m].counts = false;
            if (json_is_number(value))
                tsr_statistic_add(&row[m], json_number_value(value));
        }
    }
    for (size_t m = 0; m < summary->n_measures; m++)
        tsr_statistic_finish(&row[m], &factor);
}

/* The epochs of all snapshots but each run's last, once each and in order, then the latest last one. */
static tsr_status *find_epochs(const tsr_summary *summary, tsr_point *point)
{
    size_t room = 1;
    double last = -1;
    for (size_t i = point->first; i < point->first + point->n; i++) {
        const json_t *snapshots = snapshots_of(summary, i);
        size_t n = json_array_size(snapshots);
        room += n;
        if (n && epoch_of(snapshots, n - 1) > last)
            last = epoch_of(snapshots, n - 1);
    }
    point->epochs = tsr_alloc(room, sizeof(*point->epochs));
    if (!point->epochs)
        return tsr_no_memory("the summary");
    size_t found = 0;
    for (size_t i = point->first; i < point->first + point->n; i++) {
        const json_t *snapshots = snapshots_of(summary, i);
        for (size_t j = 0; j + 1 < json_array_size(snapshots); j++)
            if (epoch_of(snapshots, j) < last)
                point->epochs[found++] = epoch_of(snapshots, j);
    }
    tsr_sort_reals(point->epochs, found);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || point->epochs[i] != point->epochs[i - 1])
            point->epochs[point->n_epochs++] = point->epochs[i];
    if (last >= 0)
        point->epochs[point->n_epochs++] = last;
    return NULL;
}

static tsr_status *fill_point(const tsr_summary *summary, tsr_point *point)
{
    for (size_t i = point->first; i < point->first + point->n; i++) {
        bool done = tsr_outcome_is_done(summary->results->runs[i].outcome);
        point->done += done;
        point->failed += !done;
    }
    TSR_TRY(find_epochs(summary, point));
    size_t cells;
    if (!tsr_multiply(point->n_epochs, summary->n_measures, &cells))
        return tsr_no_memory("the summary");
    point->snapshots = tsr_alloc(point->n_epochs, sizeof(*point->snapshots));
    point->statistics = tsr_alloc(cells, sizeof(*point->statistics));
    if (!point->snapshots || !point->statistics)
        return tsr_no_memory("the summary");
    for (size_t e = 0; e < point->n_epochs; e++)
        fill_snapshot(summary, point, e, e + 1 == point->n_epochs ? NAN : point->epochs[e]);
    return NULL;
}

static bool is_detail(const tsr_measure *measure)
{
    const char *dot = strchr(measure->name, '.');
    return !measure->info.doc && dot && strchr(dot + 1, '.');
}

bool tsr_measure_is_headline(const tsr_measure *measure)
{
    return measure->info.role != TSR_METRIC_OTHER || strncmp(measure->name, "model.", 6) == 0;
}

/* What was announced of a metric, by the first run that says. */
static void find_info(const tsr_results *results, tsr_measure *measure)
{
    for (size_t i = 0; !measure->info.doc && i < results->n_runs; i++)
        tsr_announced_read(
            json_object_get(json_object_get(results->runs[i].outcome, "metrics"), measure->name),
            &measure->info);
    measure->detail = is_detail(measure);
}

static tsr_status *find_measures(tsr_summary *summary)
{
    const tsr_results *results = summary->results;
    json_t *outcomes = json_array(), *ignored;
    for (size_t i = 0; i < results->n_runs; i++)
        json_array_append(outcomes, results->runs[i].outcome);
    json_t *names = tsr_outcomes_metrics(outcomes);
    json_decref(outcomes);
    summary->measures = tsr_alloc(json_object_size(names), sizeof(*summary->measures));
    tsr_status *status = summary->measures && names ? NULL : tsr_no_memory("the summary");
    const char *name;
    json_object_foreach(names, name, ignored)
    {
        if (status)
            break;
        tsr_measure *measure = &summary->measures[summary->n_measures];
        measure->name = strdup(name);
        if (!measure->name) {
            status = tsr_no_memory("the summary");
            break;
        }
        summary->n_measures++;
        measure->counts = true; /* until a value says otherwise */
        find_info(results, measure);
    }
    json_decref(names);
    return status;
}

static tsr_status *fill(tsr_summary *summary)
{
    const tsr_results *results = summary->results;
    TSR_TRY(find_measures(summary));
    summary->points = tsr_alloc(results->n_runs, sizeof(*summary->points));
    if (!summary->points)
        return tsr_no_memory("the summary");
    for (size_t first = 0; first < results->n_runs;) {
        tsr_point *point = &summary->points[summary->n_points++];
        point->first = first;
        while (first < results->n_runs && results->runs[first].point == results->runs[point->first].point)
            first++;
        point->n = first - point->first;
        TSR_TRY(fill_point(summary, point));
    }
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
    for (size_t i = 0; i < summary->n_measures; i++)
        free(summary->measures[i].name);
    free(summary->points);
    free(summary->measures);
    free(summary);
}

const tsr_statistic *tsr_summary_at(const tsr_summary *summary, size_t point, size_t epoch, size_t measure)
{
    return &summary->points[point].statistics[epoch * summary->n_measures + measure];
}

size_t tsr_summary_place(const tsr_summary *summary, size_t point, size_t key)
{
    return summary->results->runs[summary->points[point].first].place[key];
}

const tsr_value *tsr_summary_value(const tsr_summary *summary, size_t point, size_t key)
{
    return summary->results->keys[key].values[tsr_summary_place(summary, point, key)];
}

/* None for counts, four for fractions, fewer for what is larger. */
int tsr_summary_decimals(const tsr_summary *summary, size_t measure)
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
    if (whole && (largest > 1 || summary->measures[measure].counts))
        return 0;
    return largest >= 1000 ? 1 : largest >= 10 ? 2 : 4;
}
