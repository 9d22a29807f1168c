/* The plane of the phase chart and its regimes. */
#include "report/regimes.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

bool tsr_chart_is_epochs(const tsr_chart *c, const tsr_chart_side *s)
{
    return s->key == c->study->summary->results->n_keys;
}

static size_t rank_of(const tsr_chart *c, const tsr_chart_side *s, size_t point, size_t epoch)
{
    const tsr_summary *summary = c->study->summary;
    size_t value = tsr_chart_is_epochs(c, s) ? tsr_study_epoch(c->study, summary->points[point].epochs[epoch])
                                             : tsr_summary_place(summary, point, s->key);
    return s->axis->rank[value];
}

void tsr_chart_clear(tsr_chart *c)
{
    free(c->point);
    free(c->epoch);
    free(c->known);
    free(c->regimes);
    free(c->rest);
}

tsr_status *tsr_chart_fill(tsr_chart *c, size_t representative, const bool *shown)
{
    const tsr_summary *summary = c->study->summary;
    c->cells = c->x.axis->n * c->y.axis->n; /* at most MAX_CELLS */
    c->point = tsr_alloc(c->cells, sizeof(*c->point));
    c->epoch = tsr_alloc(c->cells, sizeof(*c->epoch));
    c->known = tsr_alloc(c->cells, sizeof(*c->known));
    c->regimes = tsr_alloc(c->cells, sizeof(*c->regimes));
    if (!c->point || !c->epoch || !c->known || !c->regimes)
        return tsr_no_memory("the phase chart");
    bool over_time = tsr_chart_is_epochs(c, &c->x) || tsr_chart_is_epochs(c, &c->y);
    for (size_t p = 0; p < summary->n_points; p++) {
        size_t n = summary->points[p].n_epochs;
        if (!tsr_study_agree(c->study, p, representative, shown))
            continue;
        for (size_t e = over_time || n == 0 ? 0 : n - 1; e < n; e++) {
            size_t cell = rank_of(c, &c->y, p, e) * c->x.axis->n + rank_of(c, &c->x, p, e);
            c->known[cell] = true;
            c->point[cell] = p;
            c->epoch[cell] = e;
        }
    }
    return NULL;
}

const tsr_statistic *tsr_chart_statistic(const tsr_chart *c, size_t cell, size_t measure)
{
    return tsr_summary_at(c->study->summary, c->point[cell], c->epoch[cell], measure);
}

double tsr_chart_value(const tsr_chart *c, size_t cell, size_t measure)
{
    return c->known[cell] ? tsr_chart_statistic(c, cell, measure)->mean : NAN;
}

bool tsr_chart_has_role(const tsr_chart *c, size_t measure, tsr_metric_role role)
{
    return c->study->summary->results->measures[measure].info.role == role;
}

/* Accuracies of training examples rise as these get fewer: they say nothing of a regime. */
static bool is_judged(const tsr_chart *c, size_t measure)
{
    return tsr_chart_has_role(c, measure, TSR_METRIC_ACCURACY) &&
           c->study->summary->results->measures[measure].info.part != TSR_METRIC_OF_TRAIN;
}

static double best_of(const tsr_chart *c, size_t measure)
{
    double best = -INFINITY;
    for (size_t cell = 0; cell < c->cells; cell++)
        best = fmax(best, tsr_chart_value(c, cell, measure)); /* passes over NaN */
    return best;
}

void tsr_chart_judge(tsr_chart *c)
{
    const tsr_summary *summary = c->study->summary;
    const tsr_report_settings *thresholds = &summary->results->thresholds;
    for (size_t cell = 0; cell < c->cells; cell++) {
        double worst = NAN;
        for (size_t m = 0; m < summary->results->n_measures; m++)
            if (tsr_chart_has_role(c, m, TSR_METRIC_REDUNDANCY))
                worst = fmax(worst, tsr_chart_value(c, cell, m));
        c->regimes[cell] = isnan(worst)                                  ? TSR_REGIME_NONE
                           : worst > thresholds->under_expressive        ? TSR_REGIME_UNDER
                           : worst < thresholds->sufficiently_expressive ? TSR_REGIME_SUFFICIENT
                                                                         : TSR_REGIME_CRITICAL;
    }
    for (size_t m = 0; m < summary->results->n_measures; m++) {
        if (!is_judged(c, m))
            continue;
        double least = best_of(c, m) - thresholds->accuracy_within;
        for (size_t cell = 0; cell < c->cells; cell++)
            if (c->regimes[cell] == TSR_REGIME_SUFFICIENT && !(tsr_chart_value(c, cell, m) >= least))
                c->regimes[cell] = TSR_REGIME_CRITICAL;
    }
}
