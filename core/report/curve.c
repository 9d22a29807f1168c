/* What a plot of curves shows. */
#include "report/curve.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void tsr_curves_clear(tsr_curve_points *curves, size_t n)
{
    for (size_t i = 0; curves && i < n; i++)
        free(curves[i].points);
    free(curves);
}

static void add_to_curve(tsr_album *album, tsr_curve_points *c, double x, const char *label,
                         const tsr_statistic *y)
{
    if (!isfinite(y->mean))
        return;
    if (c->n == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 16;
        tsr_curve_point *grown = reallocarray(c->points, capacity, sizeof(*grown));
        if (!grown) {
            album->failed = true;
            return;
        }
        c->points = grown;
        c->capacity = capacity;
    }
    size_t at = c->n++; /* by x: a sweep's values may stand in any order */
    for (; at > 0 && c->points[at - 1].x > x; at--)
        c->points[at] = c->points[at - 1];
    c->points[at] = (tsr_curve_point){ x, label, *y };
}

/* Adds a value as the axis has it; false where it has no logarithm. */
static bool add_value(const tsr_curves_plan *p, double value, tsr_statistic *s)
{
    if (p->logarithmic && value <= 0)
        return false;
    tsr_statistic_add(s, p->logarithmic ? log(value) : value);
    return true;
}

/* Of the point's runs: the value of each, NaN where it has none. On a logarithmic axis there is no mean where
   a value has no logarithm. */
static tsr_statistic mean_of(const tsr_curves_plan *p, size_t point,
                             double (*value_of)(const void *what, size_t run), const void *what,
                             tsr_interval_factor *factor)
{
    const tsr_point *of = &p->study->summary->points[point];
    tsr_statistic s = { 0 };
    bool shown = true;
    for (size_t run = of->first; run < of->first + of->n; run++) {
        double value = value_of(what, run);
        if (!isnan(value))
            shown = add_value(p, value, &s) && shown;
    }
    tsr_statistic_finish(&s, factor);
    if (p->logarithmic)
        s.mean = shown ? exp(s.mean) : NAN;
    return s;
}

typedef struct trained {
    const tsr_results *results;
    size_t epoch;
    tsr_curve which;
} trained;

static double trained_value(const void *what, size_t run)
{
    const trained *t = what;
    const tsr_result *result = &t->results->runs[run];
    return result->done && t->epoch < result->n_trained ? result->training[t->epoch * TSR_N_CURVES + t->which]
                                                        : NAN;
}

/* Loss or accuracy of every epoch, over the point's runs. */
static void add_training(const tsr_curves_plan *p, size_t point, tsr_curve which, tsr_curve_points *c)
{
    tsr_interval_factor factor = { 0 };
    for (size_t e = 0; e < (size_t)p->axis->high; e++) {
        trained what = { p->study->summary->results, e, which };
        tsr_statistic s = mean_of(p, point, trained_value, &what, &factor);
        add_to_curve(p->album, c, (double)e + 1, NULL, &s);
    }
}

typedef struct measured {
    const tsr_summary *summary;
    size_t point, epoch, measure;
} measured;

static double measured_value(const void *what, size_t run)
{
    const measured *m = what;
    return tsr_summary_of_run(m->summary, m->point, m->epoch, run, m->measure);
}

/* A snapshot's mean, as the summary has it where the axis is no logarithmic one. */
static void add_snapshot(const tsr_curves_plan *p, size_t point, size_t epoch, size_t measure, size_t place,
                         tsr_curve_points *c)
{
    const measured what = { p->study->summary, point, epoch, measure };
    tsr_interval_factor factor = { 0 };
    tsr_statistic s = p->logarithmic ? mean_of(p, point, measured_value, &what, &factor)
                                     : *tsr_summary_at(p->study->summary, point, epoch, measure);
    add_to_curve(p->album, c, p->axis->at[place], p->axis->labels[place], &s);
}

static void add_point(const tsr_curves_plan *p, size_t point, size_t measure, tsr_curve_points *c)
{
    const tsr_summary *summary = p->study->summary;
    size_t n = summary->points[point].n_epochs;
    if (p->along == TSR_ALONG_TRAINING)
        add_training(p, point, (tsr_curve)measure, c);
    else if (p->along == TSR_ALONG_KEY && n)
        add_snapshot(p, point, n - 1, measure, tsr_summary_place(summary, point, p->x), c);
    else if (p->along == TSR_ALONG_SNAPSHOTS)
        for (size_t e = 0; e < n; e++)
            add_snapshot(p, point, e, measure, tsr_study_epoch(p->study, summary->points[point].epochs[e]),
                         c);
}

size_t tsr_curves_shown(const tsr_curves_plan *p)
{
    size_t n = p->by == TSR_NO_KEY ? p->group->n : p->study->keys[p->by].n;
    return n < TSR_MAX_CURVES ? n : TSR_MAX_CURVES;
}

size_t tsr_curves_value(const tsr_curves_plan *p, size_t i)
{
    size_t n = p->study->keys[p->by].n, shown = tsr_curves_shown(p);
    size_t rank = shown > 1 ? i * (n - 1) / (shown - 1) : 0;
    const tsr_axis *axis = &p->study->keys[p->by];
    for (size_t value = 0; axis->numeric && value < n; value++)
        if (axis->rank[value] == rank)
            return value;
    return rank;
}

bool tsr_curves_are_points(const tsr_curves_plan *p)
{
    return p->along == TSR_ALONG_KEY && !p->axis->numeric;
}

tsr_style tsr_curves_style(const tsr_curves_plan *p, size_t i)
{
    size_t n = tsr_curves_shown(p), dash = 0;
    if (p->by != TSR_NO_KEY && p->study->keys[p->by].numeric)
        return (tsr_style){ .ramp = true, .colour = (unsigned)(n > 1 ? i * (TSR_RAMP - 1) / (n - 1) : 0) };
    if (p->by != TSR_NO_KEY)
        dash = i % TSR_DASHES;
    else if (p->group->dashes && n > 1)
        dash = p->group->dashes[i];
    return (tsr_style){ .colour = (unsigned)(i % TSR_COLOURS),
                        .dash = tsr_curves_are_points(p) ? 0 : (unsigned)dash };
}

tsr_curve_points *tsr_curves_gather(const tsr_curves_plan *p, size_t representative, size_t measure)
{
    const tsr_summary *summary = p->study->summary;
    tsr_curve_points *curves = tsr_alloc(tsr_curves_shown(p), sizeof(*curves));
    if (!curves) {
        p->album->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < tsr_curves_shown(p); i++) {
        curves[i].style = tsr_curves_style(p, i);
        for (size_t point = 0; point < summary->n_points; point++)
            if (tsr_study_agree(p->study, point, representative, p->shown) &&
                (p->by == TSR_NO_KEY || tsr_summary_place(summary, point, p->by) == tsr_curves_value(p, i)))
                add_point(p, point, p->group->measures[p->by == TSR_NO_KEY ? i : measure], &curves[i]);
    }
    return curves;
}

double tsr_curves_band(const tsr_statistic *y)
{
    return isfinite(y->interval) ? y->interval : 0;
}

double tsr_curves_low(const tsr_curves_plan *p, const tsr_statistic *y)
{
    return p->logarithmic ? y->mean * exp(-tsr_curves_band(y)) : y->mean - tsr_curves_band(y);
}

double tsr_curves_high(const tsr_curves_plan *p, const tsr_statistic *y)
{
    return p->logarithmic ? y->mean * exp(tsr_curves_band(y)) : y->mean + tsr_curves_band(y);
}

void tsr_curves_widen(tsr_curves_plan *p, const tsr_curve_points *curves)
{
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        for (size_t j = 0; j < curves[i].n; j++) {
            const tsr_statistic *y = &curves[i].points[j].y;
            p->least = fmin(p->least, y->mean);
            p->most = fmax(p->most, y->mean);
            p->low = fmin(p->low, tsr_curves_low(p, y));
            p->high = fmax(p->high, tsr_curves_high(p, y));
        }
}
