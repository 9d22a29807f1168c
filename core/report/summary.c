/* What the runs of an experiment gave, point by point. */
#include "report/summary.h"

#include "base/memory.h"
#include "experiment/resolved.h"
#include "experiment/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The snapshot of `epoch`; the last one where it is NaN. */
static const json_t *snapshot_of(const json_t *outcome, double epoch)
{
    const json_t *snapshots = json_object_get(outcome, "snapshots");
    if (isnan(epoch))
        return json_array_get(snapshots, json_array_size(snapshots) - 1);
    for (size_t i = 0; i < json_array_size(snapshots); i++)
        if (json_number_value(json_object_get(json_array_get(snapshots, i), "epoch")) == epoch)
            return json_array_get(snapshots, i);
    return NULL;
}

/* Mean and sample deviation over the outcomes that have the metric as a number. */
static tsr_statistic statistic_of(const json_t *outcomes, size_t first, size_t n, double epoch,
                                  const char *metric)
{
    tsr_statistic s = { 0, 0, NAN };
    double squares = 0;
    for (size_t i = first; i < first + n; i++) {
        const json_t *outcome = json_array_get(outcomes, i);
        const json_t *value =
            tsr_outcome_is_done(outcome)
                ? json_object_get(json_object_get(snapshot_of(outcome, epoch), "metrics"), metric)
                : NULL;
        if (!json_is_number(value))
            continue;
        s.n++;
        double difference = json_number_value(value) - s.mean; /* Welford */
        s.mean += difference / (double)s.n;
        squares += difference * (json_number_value(value) - s.mean);
    }
    if (s.n == 0)
        s.mean = NAN;
    if (s.n > 1)
        s.deviation = sqrt(squares / (double)(s.n - 1));
    return s;
}

static tsr_status *fill_point(tsr_point *point, const tsr_summary *summary, const json_t *outcomes,
                              size_t first, size_t n)
{
    const json_t *shown = NULL;
    for (size_t i = first; i < first + n; i++) {
        const json_t *outcome = json_array_get(outcomes, i);
        point->done += tsr_outcome_is_done(outcome);
        point->failed += json_is_object(outcome) && !tsr_outcome_is_done(outcome);
        if (!shown && tsr_outcome_is_done(outcome))
            shown = outcome;
    }
    const json_t *snapshots = json_object_get(shown, "snapshots");
    point->n_epochs = json_array_size(snapshots);
    point->epochs = tsr_alloc(point->n_epochs, sizeof(*point->epochs));
    point->statistics = tsr_alloc(point->n_epochs * summary->n_metrics, sizeof(*point->statistics));
    if (!point->epochs || !point->statistics)
        return tsr_no_memory("the summary");
    for (size_t e = 0; e < point->n_epochs; e++) {
        point->epochs[e] = json_number_value(json_object_get(json_array_get(snapshots, e), "epoch"));
        double wanted = e + 1 == point->n_epochs ? NAN : point->epochs[e];
        for (size_t m = 0; m < summary->n_metrics; m++)
            point->statistics[e * summary->n_metrics + m] =
                statistic_of(outcomes, first, n, wanted, summary->metrics[m]);
    }
    return NULL;
}

static tsr_status *fill(tsr_summary *summary, const tsr_experiment *experiment, const json_t *outcomes)
{
    json_t *names = tsr_outcomes_metrics(outcomes), *ignored;
    const char *name;
    summary->metrics = tsr_alloc(json_object_size(names), sizeof(char *));
    summary->points = tsr_alloc(experiment->n_runs, sizeof(tsr_point));
    tsr_status *status = summary->metrics && summary->points ? NULL : tsr_no_memory("the summary");
    if (!status)
        json_object_foreach(names, name, ignored) summary->metrics[summary->n_metrics++] = strdup(name);
    json_decref(names);
    for (size_t first = 0; !status && first < experiment->n_runs;) {
        size_t n = 1; /* replicates stand together, numbered from 0 */
        while (first + n < experiment->n_runs && experiment->runs[first + n].replicate != 0)
            n++;
        tsr_point *point = &summary->points[summary->n_points++];
        point->run = &experiment->runs[first];
        status = fill_point(point, summary, outcomes, first, n);
        first += n;
    }
    return status;
}

tsr_status *tsr_summary_new(const tsr_experiment *experiment, const json_t *outcomes, tsr_summary **out)
{
    tsr_summary *summary = tsr_alloc(1, sizeof(*summary));
    tsr_status *status = summary ? fill(summary, experiment, outcomes) : tsr_no_memory("the summary");
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
        free(summary->points[i].statistics);
    }
    for (size_t i = 0; i < summary->n_metrics; i++)
        free(summary->metrics[i]);
    free(summary->points);
    free(summary->metrics);
    free(summary);
}
