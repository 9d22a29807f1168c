/* Figures of curves: a metric's mean against what varies, with the mean's interval as a band; over
   categories, points with bars. What a plot shows is gathered first (curve.h), and then written for gnuplot.
 */
#include "report/curve.h"

#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 560
#define HEIGHT 330
#define PLOT_WIDTH 480.0 /* pixels of the axis, about */
#define MAX_PANELS 4     /* of one metric: combinations of the keys that neither axis nor curves show */
#define FAR_APART 10     /* the largest mean to the smallest, from where a logarithmic axis is offered too */
#define MAX_MARKERS 40   /* points of a curve that are marked one by one */

/* Whether a loss falls so far that its logarithm shows more. */
static bool falls_far(const tsr_curves_plan *p)
{
    return p->along == TSR_ALONG_TRAINING && p->group->measures[0] == 0 && p->least > 0 &&
           p->most / p->least > 50;
}

/* What is never negative has no axis below 0. Fractions stay within 0 and 1; where they fill most of it, all
   of it is shown. On a logarithmic axis a band ends at the axis where it is wider than a decade. */
static void round_range(tsr_curves_plan *p, bool fraction)
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

static bool is_fraction(const tsr_curves_plan *p)
{
    if (p->along == TSR_ALONG_TRAINING)
        return p->group->measures[0] == 1;
    const tsr_measure *measure = &p->study->summary->results->measures[p->group->measures[0]];
    return measure->info.role != TSR_METRIC_OTHER || strncmp(measure->name, "model.accuracy.", 15) == 0;
}

/* The data of curve i: "$bI", its band, where it has one, and "$cI": x, mean, half the interval, its ends. */
static bool write_data(const tsr_curves_plan *p, const tsr_curve_points *c, size_t i, double offset,
                       tsr_text *script)
{
    size_t in_band = 0;
    tsr_text_add(script, "$c%zu << EOD\n", i);
    for (size_t j = 0; j < c->n; j++) {
        const tsr_statistic *y = &c->points[j].y;
        tsr_text_add(script, "%.9g %.9g %.9g %.9g %.9g\n", c->points[j].x + offset, y->mean,
                     tsr_curves_band(y), tsr_curves_low(p, y), tsr_curves_high(p, y));
        in_band += isfinite(y->interval);
    }
    tsr_text_add(script, "EOD\n");
    if (in_band < 2)
        return false;
    tsr_text_add(script, "$b%zu << EOD\n", i);
    for (size_t j = 0; j < c->n; j++)
        if (isfinite(c->points[j].y.interval))
            tsr_text_add(script, "%.9g %.9g %.9g\n", c->points[j].x,
                         fmax(tsr_curves_low(p, &c->points[j].y), p->low),
                         fmin(tsr_curves_high(p, &c->points[j].y), p->high));
    tsr_text_add(script, "EOD\n");
    return true;
}

/* What curve i is called; NULL where there is but one. */
static const char *legend_of(const tsr_curves_plan *p, size_t i)
{
    if (p->by != TSR_NO_KEY)
        return p->study->keys[p->by].labels[tsr_curves_value(p, i)];
    return p->group->n > 1 ? p->group->names[i] : NULL;
}

/* "title 'NAME'": what a key of the plot says; nothing where there is no legend. */
static void write_title(const tsr_curves_plan *p, size_t i, tsr_text *script)
{
    const char *name = legend_of(p, i);
    tsr_text_add(script, name ? " title " : " notitle");
    if (name)
        tsr_gnuplot_quote(name, script);
}

static void write_curves(const tsr_curves_plan *p, const tsr_curve_points *curves, tsr_panel *panel)
{
    bool bands[TSR_MAX_CURVES] = { false }, bars = tsr_curves_are_points(p);
    double spread = tsr_curves_shown(p) > 1 ? 0.5 / (double)tsr_curves_shown(p) : 0;
    tsr_text *script = &panel->script;
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        bands[i] =
            write_data(p, &curves[i], i,
                       bars ? spread * ((double)i - ((double)tsr_curves_shown(p) - 1) / 2) : 0, script);
    const char *before = "plot ";
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        if (bands[i] && !bars) {
            tsr_text_add(script, "%s$b%zu using 1:2:3 with filledcurves fs transparent solid 0.18 noborder ",
                         before, i);
            tsr_style_script(curves[i].style, script);
            tsr_text_add(script, " notitle");
            tsr_panel_plot(p->album, panel, i);
            before = ", ";
        }
    for (size_t i = 0; i < tsr_curves_shown(p); i++) {
        if (curves[i].n == 0)
            continue;
        const char *with = bars                        ? "using 1:2:4:5 with yerrorbars lw 1.5 pt 7 ps 0.6 "
                           : curves[i].n > MAX_MARKERS ? "using 1:2 with lines lw 2 "
                                                       : "using 1:2 with linespoints lw 2 pt 7 ps 0.45 ";
        tsr_text_add(script, "%s$c%zu %s", before, i, with);
        tsr_style_script(curves[i].style, script);
        write_title(p, i, script);
        tsr_panel_plot(p->album, panel, i);
        before = ", ";
    }
    tsr_text_add(script, "\n");
}

/* The numbers that the panel shows. */
static void add_data(const tsr_curves_plan *p, const tsr_curve_points *curves, tsr_panel *panel)
{
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        for (size_t j = 0; j < curves[i].n; j++) {
            const tsr_curve_point *at = &curves[i].points[j];
            char number[32];
            snprintf(number, sizeof(number), "%.9g", at->x);
            bool banded = isfinite(at->y.interval);
            tsr_datum datum = { .entry = i,
                                .x = at->x,
                                .x_text = at->label ? (char *)(uintptr_t)at->label : number,
                                .mean = at->y.mean,
                                .low = banded ? tsr_curves_low(p, &at->y) : NAN,
                                .high = banded ? tsr_curves_high(p, &at->y) : NAN,
                                .n = at->y.n };
            tsr_panel_datum(p->album, panel, &datum);
        }
}

static bool has_points(const tsr_curves_plan *p, const tsr_curve_points *curves)
{
    size_t points = 0;
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        points += curves[i].n;
    return points > 0;
}

static void describe_panel(const tsr_curves_plan *p, const tsr_curve_points *curves, const char *title,
                           tsr_text *alt)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        for (size_t j = 0; j < curves[i].n; j++) {
            least = fmin(least, curves[i].points[j].y.mean);
            most = fmax(most, curves[i].points[j].y.mean);
        }
    tsr_text_add(alt, "%s%s%s against %s: %zu curve%s, means from %.3g to %.3g", p->group->title,
                 *title ? ", " : "", title, p->axis->title, tsr_curves_shown(p),
                 tsr_curves_shown(p) == 1 ? "" : "s", least, most);
}

/* "knn.test-against-model.width-model.activation relu". */
static char *name_of(const tsr_curves_plan *p, size_t measure, const char *rest)
{
    static const char *const along[] = { [TSR_ALONG_KEY] = "-against-",
                                         [TSR_ALONG_SNAPSHOTS] = "-over-training",
                                         [TSR_ALONG_TRAINING] = "-while-training" };
    return tsr_format(
        "%s%s%s%s%s", p->along == TSR_ALONG_TRAINING ? p->group->name : p->group->names[measure],
        along[p->along], p->along == TSR_ALONG_KEY ? p->axis->title : "", *rest ? "-" : "", rest);
}

static void draw_panel(const tsr_curves_plan *p, const tsr_curve_points *curves, size_t measure,
                       const char *title, const char *rest)
{
    tsr_text alt = { 0 }, axis = { 0 };
    char *name = name_of(p, measure, rest);
    bool several = p->by == TSR_NO_KEY && p->group->n > 1;
    tsr_panel_form form = { .width = WIDTH,
                            .height = HEIGHT,
                            .left = 0.115,
                            .right = 0.97,
                            .top = 0.975,
                            .name = name,
                            .quantity = several ? p->group->title : p->group->names[measure],
                            .x_title = p->axis->title,
                            .y_low = p->low,
                            .y_high = p->high,
                            .y_logarithmic = p->logarithmic,
                            .other_axis = p->other_axis };
    bool slanted = tsr_axis_script(p->axis, 'x', PLOT_WIDTH, false, &axis);
    form.bottom = slanted ? 0.36 : 0.19;
    tsr_axis_range(p->axis, false, &form.x_low, &form.x_high);
    describe_panel(p, curves, title, &alt);
    tsr_panel *panel = tsr_album_panel(p->album, title, alt.chars ? alt.chars : "", &form);
    if (panel) {
        tsr_text *script = &panel->script;
        tsr_text_add(script, "%sset yrange [%.9g:%.9g]\n", axis.chars ? axis.chars : "", p->low, p->high);
        if (p->logarithmic)
            tsr_text_add(script, "set logscale y\nset format y '%%g'\n");
        write_curves(p, curves, panel);
        add_data(p, curves, panel);
    }
    p->album->failed = p->album->failed || axis.failed || alt.failed || !name;
    free(name);
    free(axis.chars);
    free(alt.chars);
}

/* Gathers and draws one panel, or only looks how large its values are. */
static void do_panel(tsr_curves_plan *p, size_t representative, size_t measure, bool draw)
{
    tsr_curve_points *curves = tsr_curves_gather(p, representative, measure);
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
        tsr_curves_widen(p, curves);
    else if (has_points(p, curves))
        draw_panel(p, curves, measure, title.chars ? title.chars : "", rest.chars ? rest.chars : "");
    p->album->failed = p->album->failed || rest.failed || title.failed;
    free(rest.chars);
    free(title.chars);
    tsr_curves_clear(curves, tsr_curves_shown(p));
}

static void do_panels(tsr_curves_plan *p, const size_t *representatives, size_t n, bool draw)
{
    for (size_t measure = 0; measure < (p->by == TSR_NO_KEY ? 1 : p->group->n); measure++)
        for (size_t i = 0; i < n; i++)
            do_panel(p, representatives[i], measure, draw);
}

static void begin_figure(const tsr_curves_plan *p, size_t panels, size_t found)
{
    tsr_text caption = { 0 };
    if (p->by != TSR_NO_KEY && p->study->keys[p->by].n > tsr_curves_shown(p))
        tsr_text_add(&caption, "%zu of %zu values of %s are shown. ", tsr_curves_shown(p),
                     p->study->keys[p->by].n, p->study->keys[p->by].title);
    if (found > panels)
        tsr_text_add(&caption, "%zu of %zu combinations of the other keys are shown; summary.csv has all.",
                     panels, found);
    if (p->logarithmic)
        tsr_text_add(&caption,
                     "%sThe axis is logarithmic, and so are means and intervals: those of the logarithm.",
                     caption.length ? " " : "");
    tsr_album_figure(p->album, p->group->title, caption.chars,
                     p->by == TSR_NO_KEY ? NULL : p->study->keys[p->by].title);
    free(caption.chars);
    for (size_t i = 0; i < tsr_curves_shown(p); i++)
        if (legend_of(p, i))
            tsr_album_legend(p->album, legend_of(p, i), tsr_curves_style(p, i));
}

/* The key that has the curves: the first that varies and is not along the axis. */
static size_t find_by(const tsr_study *study, size_t x)
{
    for (size_t k = 0; k < study->summary->results->n_keys; k++)
        if (k != x && study->keys[k].n > 1)
            return k;
    return TSR_NO_KEY;
}

static void look_at_panels(tsr_curves_plan *p, const size_t *representatives, size_t n)
{
    p->low = p->least = INFINITY;
    p->high = p->most = -INFINITY;
    do_panels(p, representatives, n, false);
}

static void draw_figure(tsr_curves_plan *p, const size_t *representatives, size_t n, size_t found)
{
    look_at_panels(p, representatives, n);
    if (!isfinite(p->low) || !isfinite(p->high))
        return;
    bool far_apart = p->least > 0 && p->most / p->least > FAR_APART;
    if ((p->logarithmic = falls_far(p))) /* then all is gathered anew */
        look_at_panels(p, representatives, n);
    round_range(p, is_fraction(p));
    begin_figure(p, n, found);
    do_panels(p, representatives, n, true);
    if (p->logarithmic || !far_apart)
        return;
    p->logarithmic = p->other_axis = true;
    look_at_panels(p, representatives, n);
    round_range(p, is_fraction(p));
    do_panels(p, representatives, n, true);
}

void tsr_study_add_figure(const tsr_study *study, tsr_album *album, const tsr_curve_group *of,
                          tsr_abscissa along, size_t x)
{
    tsr_curves_plan p = { .study = study,
                          .album = album,
                          .group = of,
                          .along = along,
                          .axis = along == TSR_ALONG_KEY         ? &study->keys[x]
                                  : along == TSR_ALONG_SNAPSHOTS ? &study->epochs
                                                                 : &study->training,
                          .x = x,
                          .by = find_by(study, x),
                          .shown = tsr_alloc(study->summary->results->n_keys, sizeof(bool)) };
    if (p.shown) {
        if (p.x != TSR_NO_KEY)
            p.shown[p.x] = true;
        if (p.by != TSR_NO_KEY)
            p.shown[p.by] = true;
        size_t n, found, *representatives = tsr_study_rest(study, p.shown, MAX_PANELS, &n, &found);
        album->failed = album->failed || !representatives;
        if (representatives)
            draw_figure(&p, representatives, n, found);
        free(representatives);
    }
    album->failed = album->failed || !p.shown;
    free(p.shown);
}
