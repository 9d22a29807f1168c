/* Curves: a metric's mean against what varies, with the mean's interval as a band; over categories, points
   with bars. What a plot shows is gathered first, as curves of statistics, and then written for gnuplot. */
#include "report/curves.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 560
#define HEIGHT 330
#define PLOT_WIDTH 480.0 /* pixels of the axis, about */
#define MAX_PANELS 4     /* of one metric: combinations of the keys that neither axis nor curves show */
#define MAX_MARKERS 40   /* points of a curve that are marked one by one */

typedef struct curve {
    size_t n, capacity;
    double *x;
    tsr_statistic *y; /* on a logarithmic axis: the mean is that of the logarithms, taken back, and deviation
                         and interval are the logarithms' */
    tsr_style style;
} curve;

/* One figure in the making. */
typedef struct plan {
    const tsr_study *study;
    tsr_album *album;
    const tsr_curve_group *group;
    tsr_abscissa along;
    const tsr_axis *axis;
    size_t x, by;       /* keys along the axis and of the curves; TSR_NO_KEY: none */
    bool *shown;        /* of each key: x or by */
    double low, high;   /* of y, over all panels */
    double least, most; /* means */
    bool logarithmic;   /* y */
} plan;

static void curves_clear(curve *curves, size_t n)
{
    for (size_t i = 0; curves && i < n; i++) {
        free(curves[i].x);
        free(curves[i].y);
    }
    free(curves);
}

static void add_to_curve(tsr_album *album, curve *c, double x, const tsr_statistic *y)
{
    if (!isfinite(y->mean))
        return;
    if (c->n == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 16;
        double *xs = realloc(c->x, capacity * sizeof(*xs));
        c->x = xs ? xs : c->x;
        tsr_statistic *ys = realloc(c->y, capacity * sizeof(*ys));
        c->y = ys ? ys : c->y;
        if (!xs || !ys) {
            album->failed = true;
            return;
        }
        c->capacity = capacity;
    }
    size_t at = c->n++; /* by x: a sweep's values may stand in any order */
    for (; at > 0 && c->x[at - 1] > x; at--) {
        c->x[at] = c->x[at - 1];
        c->y[at] = c->y[at - 1];
    }
    c->x[at] = x;
    c->y[at] = *y;
}

/* Adds a value as the axis has it; false where it has no logarithm. */
static bool add_value(const plan *p, double value, tsr_statistic *s)
{
    if (p->logarithmic && value <= 0)
        return false;
    tsr_statistic_add(s, p->logarithmic ? log(value) : value);
    return true;
}

/* Loss or accuracy of every epoch, over the point's runs. */
static void add_training(const plan *p, size_t point, tsr_curve which, curve *c)
{
    const tsr_summary *summary = p->study->summary;
    const tsr_point *of = &summary->points[point];
    tsr_interval_factor factor = { 0 };
    for (size_t e = 0; e < (size_t)p->axis->high; e++) {
        tsr_statistic s = { 0 };
        bool shown = true;
        for (size_t i = of->first; i < of->first + of->n; i++) {
            const tsr_result *run = &summary->results->runs[i];
            double value = e < run->n_trained ? run->training[e * TSR_N_CURVES + which] : NAN;
            if (run->done && !isnan(value))
                shown = add_value(p, value, &s) && shown;
        }
        tsr_statistic_finish(&s, &factor);
        if (p->logarithmic)
            s.mean = shown ? exp(s.mean) : NAN;
        add_to_curve(p->album, c, (double)e + 1, &s);
    }
}

static void add_point(const plan *p, size_t point, size_t measure, curve *c)
{
    const tsr_summary *summary = p->study->summary;
    size_t n = summary->points[point].n_epochs;
    if (p->along == TSR_ALONG_TRAINING) {
        add_training(p, point, (tsr_curve)measure, c);
    } else if (p->along == TSR_ALONG_KEY && n) {
        size_t place = tsr_summary_place(summary, point, p->x);
        add_to_curve(p->album, c, p->axis->at[place], tsr_summary_at(summary, point, n - 1, measure));
    } else if (p->along == TSR_ALONG_SNAPSHOTS) {
        for (size_t e = 0; e < n; e++)
            add_to_curve(p->album, c,
                         p->axis->at[tsr_study_epoch(p->study, summary->points[point].epochs[e])],
                         tsr_summary_at(summary, point, e, measure));
    }
}

/* How many curves stand for values of the key `by`, and which value number i is: evenly picked. */
static size_t n_shown(const plan *p)
{
    size_t n = p->by == TSR_NO_KEY ? p->group->n : p->study->keys[p->by].n;
    return n < TSR_MAX_CURVES ? n : TSR_MAX_CURVES;
}

static size_t value_shown(const plan *p, size_t i)
{
    size_t n = p->study->keys[p->by].n, shown = n_shown(p);
    size_t rank = shown > 1 ? i * (n - 1) / (shown - 1) : 0;
    const tsr_axis *axis = &p->study->keys[p->by];
    for (size_t value = 0; axis->numeric && value < n; value++)
        if (axis->rank[value] == rank)
            return value;
    return rank;
}

/* Over categories there are no lines, and points stand side by side. */
static bool has_bars(const plan *p)
{
    return p->along == TSR_ALONG_KEY && !p->axis->numeric;
}

static tsr_style style_of(const plan *p, size_t i)
{
    size_t n = n_shown(p), dash = 0;
    if (p->by != TSR_NO_KEY && p->study->keys[p->by].numeric)
        return (tsr_style){ .ramp = true, .colour = (unsigned)(n > 1 ? i * (TSR_RAMP - 1) / (n - 1) : 0) };
    if (p->by != TSR_NO_KEY)
        dash = i % TSR_DASHES;
    else if (p->group->dashes && n > 1)
        dash = p->group->dashes[i];
    return (tsr_style){ .colour = (unsigned)(i % TSR_COLOURS), .dash = has_bars(p) ? 0 : (unsigned)dash };
}

/* The curves of one panel: of the metrics where no key has curves, else of one metric by the key's values. */
static curve *gather(const plan *p, size_t representative, size_t measure)
{
    const tsr_summary *summary = p->study->summary;
    curve *curves = tsr_alloc(n_shown(p), sizeof(*curves));
    if (!curves) {
        p->album->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < n_shown(p); i++) {
        curves[i].style = style_of(p, i);
        for (size_t point = 0; point < summary->n_points; point++)
            if (tsr_study_agree(p->study, point, representative, p->shown) &&
                (p->by == TSR_NO_KEY || tsr_summary_place(summary, point, p->by) == value_shown(p, i)))
                add_point(p, point, p->group->measures[p->by == TSR_NO_KEY ? i : measure], &curves[i]);
    }
    return curves;
}

static double band(const tsr_statistic *y)
{
    return isfinite(y->interval) ? y->interval : 0;
}

static double band_low(const plan *p, const tsr_statistic *y)
{
    return p->logarithmic ? y->mean * exp(-band(y)) : y->mean - band(y);
}

static double band_high(const plan *p, const tsr_statistic *y)
{
    return p->logarithmic ? y->mean * exp(band(y)) : y->mean + band(y);
}

/* Widens the figure's range of y. */
static void find_range(plan *p, const curve *curves)
{
    for (size_t i = 0; i < n_shown(p); i++)
        for (size_t j = 0; j < curves[i].n; j++) {
            const tsr_statistic *y = &curves[i].y[j];
            p->least = fmin(p->least, y->mean);
            p->most = fmax(p->most, y->mean);
            p->low = fmin(p->low, band_low(p, y));
            p->high = fmax(p->high, band_high(p, y));
        }
}

/* Whether a loss falls so far that its logarithm shows more. */
static bool falls_far(const plan *p)
{
    return p->along == TSR_ALONG_TRAINING && p->group->measures[0] == 0 && p->least > 0 &&
           p->most / p->least > 50;
}

/* What is never negative has no axis below 0. Fractions stay within 0 and 1; where they fill most of it, all
   of it is shown. On a logarithmic axis a band ends at the axis where it is wider than a decade. */
static void round_range(plan *p, bool fraction)
{
    double margin = 0.04 * (p->high - p->low);
    if (p->logarithmic) {
        p->low = fmax(p->low, p->least / 10) / 1.3;
        p->high = fmin(p->high, p->most * 10) * 1.3;
        return;
    }
    if (!(p->high > p->low))
        margin = p->high != 0 && isfinite(p->high) ? 0.1 * fabs(p->high) : 1;
    p->low = p->least >= 0 ? fmax(0, p->low - margin) : p->low - margin;
    p->high += margin;
    if (!fraction)
        return;
    bool most = p->high - p->low > 0.6;
    p->low = most ? 0 : p->low;
    p->high = most || p->high > 1 ? 1 : p->high;
}

static bool is_fraction(const plan *p)
{
    if (p->along == TSR_ALONG_TRAINING)
        return p->group->measures[0] == 1;
    const tsr_measure *measure = &p->study->summary->results->measures[p->group->measures[0]];
    return measure->info.role != TSR_METRIC_OTHER || strncmp(measure->name, "model.accuracy.", 15) == 0;
}

/* The data of curve i: "$bI", its band, where it has one, and "$cI". */
static bool write_data(const plan *p, const curve *c, size_t i, double offset, tsr_text *script)
{
    size_t in_band = 0;
    tsr_text_add(script, "$c%zu << EOD\n", i);
    for (size_t j = 0; j < c->n; j++) {
        tsr_text_add(script, "%.9g %.9g %.9g\n", c->x[j] + offset, c->y[j].mean, band(&c->y[j]));
        in_band += isfinite(c->y[j].interval);
    }
    tsr_text_add(script, "EOD\n");
    if (in_band < 2)
        return false;
    tsr_text_add(script, "$b%zu << EOD\n", i);
    for (size_t j = 0; j < c->n; j++)
        if (isfinite(c->y[j].interval))
            tsr_text_add(script, "%.9g %.9g %.9g\n", c->x[j], fmax(band_low(p, &c->y[j]), p->low),
                         fmin(band_high(p, &c->y[j]), p->high));
    tsr_text_add(script, "EOD\n");
    return true;
}

static void write_curves(const plan *p, const curve *curves, tsr_text *script)
{
    bool bands[TSR_MAX_CURVES] = { false }, bars = has_bars(p);
    double spread = n_shown(p) > 1 ? 0.5 / (double)n_shown(p) : 0;
    for (size_t i = 0; i < n_shown(p); i++)
        bands[i] = write_data(p, &curves[i], i,
                              bars ? spread * ((double)i - ((double)n_shown(p) - 1) / 2) : 0, script);
    const char *before = "plot ";
    for (size_t i = 0; i < n_shown(p); i++)
        if (bands[i] && !bars) {
            tsr_text_add(script, "%s$b%zu using 1:2:3 with filledcurves fs transparent solid 0.18 noborder ",
                         before, i);
            tsr_style_script(curves[i].style, script);
            before = ", ";
        }
    for (size_t i = 0; i < n_shown(p); i++) {
        if (curves[i].n == 0)
            continue;
        const char *with = bars                        ? "using 1:2:3 with yerrorbars lw 1.5 pt 7 ps 0.6 "
                           : curves[i].n > MAX_MARKERS ? "using 1:2 with lines lw 2 "
                                                       : "using 1:2 with linespoints lw 2 pt 7 ps 0.45 ";
        tsr_text_add(script, "%s$c%zu %s", before, i, with);
        tsr_style_script(curves[i].style, script);
        before = ", ";
    }
    tsr_text_add(script, "\n");
}

static bool has_points(const plan *p, const curve *curves)
{
    size_t points = 0;
    for (size_t i = 0; i < n_shown(p); i++)
        points += curves[i].n;
    return points > 0;
}

static void describe_panel(const plan *p, const curve *curves, const char *title, tsr_text *alt)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n_shown(p); i++)
        for (size_t j = 0; j < curves[i].n; j++) {
            least = fmin(least, curves[i].y[j].mean);
            most = fmax(most, curves[i].y[j].mean);
        }
    tsr_text_add(alt, "%s%s%s against %s: %zu curve%s, means from %.3g to %.3g", p->group->title,
                 *title ? ", " : "", title, p->axis->title, n_shown(p), n_shown(p) == 1 ? "" : "s", least,
                 most);
}

static void draw_panel(const plan *p, const curve *curves, const char *title)
{
    tsr_text alt = { 0 };
    tsr_text *script = &p->album->script;
    describe_panel(p, curves, title, &alt);
    tsr_album_panel(p->album, title, alt.chars ? alt.chars : "", WIDTH, HEIGHT);
    free(alt.chars);
    bool slanted = tsr_axis_script(p->axis, 'x', PLOT_WIDTH, false, script);
    tsr_text_add(script, "set lmargin 8\nset rmargin 2.5\nset tmargin 0.8\nset bmargin %s\n",
                 slanted ? "7" : "3.3");
    tsr_text_add(script, "set yrange [%.9g:%.9g]\n", p->low, p->high);
    if (p->logarithmic)
        tsr_text_add(script, "set logscale y\nset format y '%%g'\n");
    write_curves(p, curves, script);
}

/* Gathers and draws one panel, or only looks how large its values are. */
static void do_panel(plan *p, size_t representative, size_t measure, bool draw)
{
    curve *curves = gather(p, representative, measure);
    if (!curves)
        return;
    tsr_text title = { 0 };
    if (p->by != TSR_NO_KEY && strcmp(p->group->names[measure], p->group->title) != 0)
        tsr_text_add(&title, "%s", p->group->names[measure]);
    tsr_text rest = { 0 };
    tsr_study_describe_point(p->study, representative, p->shown, &rest);
    if (rest.chars)
        tsr_text_add(&title, "%s%s", title.length ? " · " : "", rest.chars);
    if (!draw)
        find_range(p, curves);
    else if (has_points(p, curves))
        draw_panel(p, curves, title.chars ? title.chars : "");
    free(rest.chars);
    free(title.chars);
    curves_clear(curves, n_shown(p));
}

static void do_panels(plan *p, const size_t *representatives, size_t n, bool draw)
{
    for (size_t measure = 0; measure < (p->by == TSR_NO_KEY ? 1 : p->group->n); measure++)
        for (size_t i = 0; i < n; i++)
            do_panel(p, representatives[i], measure, draw);
}

static void begin_figure(const plan *p, size_t panels, size_t found)
{
    tsr_text caption = { 0 };
    if (p->by != TSR_NO_KEY && p->study->keys[p->by].n > n_shown(p))
        tsr_text_add(&caption, "%zu of %zu values of %s are shown. ", n_shown(p), p->study->keys[p->by].n,
                     p->study->keys[p->by].title);
    if (found > panels)
        tsr_text_add(&caption, "%zu of %zu combinations of the other keys are shown; summary.csv has all.",
                     panels, found);
    if (p->logarithmic)
        tsr_text_add(&caption,
                     "%sThe axis is logarithmic, and so are means and intervals: those of the loss's "
                     "logarithm.",
                     caption.length ? " " : "");
    tsr_album_figure(p->album, p->group->title, caption.chars,
                     p->by == TSR_NO_KEY ? NULL : p->study->keys[p->by].title);
    free(caption.chars);
    for (size_t i = 0; i < n_shown(p) && (p->by != TSR_NO_KEY || p->group->n > 1); i++)
        tsr_album_legend(p->album,
                         p->by == TSR_NO_KEY ? p->group->names[i]
                                             : p->study->keys[p->by].labels[value_shown(p, i)],
                         style_of(p, i));
}

/* The key that has the curves: the first that varies and is not along the axis. */
static size_t find_by(const tsr_study *study, size_t x)
{
    for (size_t k = 0; k < study->summary->results->n_keys; k++)
        if (k != x && study->keys[k].n > 1)
            return k;
    return TSR_NO_KEY;
}

void tsr_study_add_figure(const tsr_study *study, tsr_album *album, const tsr_curve_group *of,
                          tsr_abscissa along, size_t x)
{
    plan p = { .study = study,
               .album = album,
               .group = of,
               .along = along,
               .axis = along == TSR_ALONG_KEY         ? &study->keys[x]
                       : along == TSR_ALONG_SNAPSHOTS ? &study->epochs
                                                      : &study->training,
               .x = x,
               .by = find_by(study, x),
               .shown = tsr_alloc(study->summary->results->n_keys, sizeof(bool)),
               .low = INFINITY,
               .high = -INFINITY,
               .least = INFINITY,
               .most = -INFINITY };
    if (p.shown) {
        if (p.x != TSR_NO_KEY)
            p.shown[p.x] = true;
        if (p.by != TSR_NO_KEY)
            p.shown[p.by] = true;
        size_t n, found, *representatives = tsr_study_rest(study, p.shown, MAX_PANELS, &n, &found);
        album->failed = album->failed || !representatives;
        if (representatives) {
            do_panels(&p, representatives, n, false);
            if (isfinite(p.low) && isfinite(p.high)) {
                if ((p.logarithmic = falls_far(&p))) { /* then all is gathered anew */
                    p.low = p.least = INFINITY;
                    p.high = p.most = -INFINITY;
                    do_panels(&p, representatives, n, false);
                }
                round_range(&p, is_fraction(&p));
                begin_figure(&p, n, found);
                do_panels(&p, representatives, n, true);
            }
        }
        free(representatives);
    }
    album->failed = album->failed || !p.shown;
    free(p.shown);
}
