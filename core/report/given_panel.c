/* How a figure of a given curve is drawn: its axes, lines or steps with their bands, and the numbers that it
   shows. */
#include "report/given_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDTH 560
#define HEIGHT 330
#define MAX_MARKERS 40  /* points of a curve that are marked one by one */
#define LEAST_BIN 1e-12 /* what stands for 0 on a logarithmic axis that has nothing else */

/* --- places --- */

bool tsr_given_is_histogram(const tsr_given_plan *p)
{
    return p->given->info.shape == TSR_CURVE_HISTOGRAM;
}

double tsr_given_epoch(const tsr_given_plan *p, size_t curve)
{
    size_t n = p->study->epochs.n;
    if (!p->by_epoch)
        return NAN;
    return p->study->epoch_list[p->n_curves > 1 ? curve * (n - 1) / (p->n_curves - 1) : 0];
}

/* Where x stands on the axis. */
double tsr_given_place(const tsr_given_plan *p, const tsr_given_mean *mean, size_t i)
{
    double x = mean->x[i];
    if (!p->given->info.x_logarithmic || x > 0)
        return p->given->info.x_logarithmic ? log10(x) : x;
    if (mean->n < 2) /* a bin from 0 is as wide as the next one */
        return log10(fmax(mean->x[1] / 10, LEAST_BIN));
    return 2 * log10(mean->x[1]) - log10(mean->x[2]);
}

double tsr_given_low(const tsr_statistic *y)
{
    return isfinite(y->interval) ? y->mean - y->interval : y->mean;
}

double tsr_given_high(const tsr_statistic *y)
{
    return isfinite(y->interval) ? y->mean + y->interval : y->mean;
}

/* --- axes --- */

/* What was announced, where both ends are finite and it is not far wider than what there is. */
static void choose_range(double minimum, double maximum, double *low, double *high)
{
    bool said = minimum < maximum && isfinite(minimum) && isfinite(maximum);
    if (said && *high - *low > 0.3 * (maximum - minimum)) {
        *low = minimum;
        *high = maximum;
        return;
    }
    double margin = *high > *low ? 0.04 * (*high - *low) : *high != 0 ? 0.1 * fabs(*high) : 1;
    *low = said || minimum < maximum ? fmax(*low - margin, minimum) : *low - margin;
    *high = said || minimum < maximum ? fmin(*high + margin, maximum) : *high + margin;
}

static void choose_ranges(tsr_given_plan *p)
{
    const tsr_curve_info *info = &p->given->info;
    if (!info->x_logarithmic && !tsr_given_is_histogram(p))
        choose_range(info->x_minimum, info->x_maximum, &p->x_low, &p->x_high);
    if (!tsr_given_is_histogram(p))
        choose_range(info->y_minimum, info->y_maximum, &p->y_low, &p->y_high);
    else {
        p->y_low = 0;
        p->y_high = fmin(1, 1.05 * p->y_high);
    }
}

static void add_words(const char *name, const char *unit, tsr_text *out)
{
    tsr_text_add(out, "%s", name);
    if (unit)
        tsr_text_add(out, ", in %s", unit);
}

/* Decades, where x is logarithmic. */
static void write_axes(const tsr_given_plan *p, const char *x_title, tsr_text *script)
{
    tsr_text_add(script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset xlabel ", p->x_low, p->x_high,
                 p->y_low, p->y_high);
    tsr_gnuplot_quote(x_title, script);
    tsr_text_add(script, "\n");
    if (!p->given->info.x_logarithmic)
        return;
    int first = (int)ceil(p->x_low - 1e-9), last = (int)floor(p->x_high + 1e-9);
    int step = (last - first) / 8 + 1;
    tsr_text_add(script, "set xtics (");
    for (int decade = first; decade <= last; decade += step)
        tsr_text_add(script, "%s'%g' %d", decade > first ? ", " : "", pow(10, decade), decade);
    if (last < first) /* not one within */
        tsr_text_add(script, "'%.3g' %.9g, '%.3g' %.9g", pow(10, p->x_low), p->x_low, pow(10, p->x_high),
                     p->x_high);
    tsr_text_add(script, ")\n");
}

/* --- drawing --- */

/* "$cI", the line, and "$bI", its band: x, low, high. A bin is a step from edge to edge. */
static void write_data(const tsr_given_plan *p, const tsr_given_mean *mean, size_t curve, tsr_text *script)
{
    size_t ends = tsr_given_is_histogram(p) ? 2 : 1;
    tsr_text_add(script, "$c%zu << EOD\n", curve);
    for (size_t i = 0; i < mean->n; i++)
        for (size_t end = 0; end < ends; end++)
            tsr_text_add(script, "%.9g %.9g\n", tsr_given_place(p, mean, i + end), mean->y[i].mean);
    tsr_text_add(script, "EOD\n");
    if (mean->runs < 2)
        return;
    tsr_text_add(script, "$b%zu << EOD\n", curve);
    for (size_t i = 0; i < mean->n; i++)
        for (size_t end = 0; end < ends; end++)
            tsr_text_add(script, "%.9g %.9g %.9g\n", tsr_given_place(p, mean, i + end),
                         fmax(tsr_given_low(&mean->y[i]), p->y_low),
                         fmin(tsr_given_high(&mean->y[i]), p->y_high));
    tsr_text_add(script, "EOD\n");
}

static tsr_style style_of(const tsr_given_plan *p, size_t curve)
{
    if (!p->by_epoch)
        return tsr_curves_style(&p->keys, curve);
    return (tsr_style){ .ramp = true,
                        .colour =
                            (unsigned)(p->n_curves > 1 ? curve * (TSR_RAMP - 1) / (p->n_curves - 1) : 0) };
}

/* What a curve is called; NULL where there is but one. */
static const char *legend_of(const tsr_given_plan *p, size_t curve, char number[32])
{
    if (p->keys.by != TSR_NO_KEY)
        return p->study->keys[p->keys.by].labels[tsr_curves_value(&p->keys, curve)];
    if (!p->by_epoch)
        return NULL;
    snprintf(number, 32, "%.0f", tsr_given_epoch(p, curve));
    return number;
}

static void write_plots(const tsr_given_plan *p, const tsr_given_mean *means, tsr_panel *panel)
{
    tsr_text *script = &panel->script;
    const char *before = "plot ";
    for (size_t i = 0; i < p->n_curves; i++)
        if (means[i].n)
            write_data(p, &means[i], i, script);
    for (size_t i = 0; i < p->n_curves; i++) {
        if (means[i].runs < 2)
            continue;
        tsr_text_add(script, "%s$b%zu using 1:2:3 with filledcurves fs transparent solid 0.18 noborder ",
                     before, i);
        tsr_style_script(style_of(p, i), script);
        tsr_text_add(script, " notitle");
        tsr_panel_plot(p->album, panel, i);
        before = ", ";
    }
    for (size_t i = 0; i < p->n_curves; i++) {
        char number[32];
        const char *name = legend_of(p, i, number);
        if (means[i].n == 0)
            continue;
        bool marked = !tsr_given_is_histogram(p) && means[i].n <= MAX_MARKERS;
        tsr_text_add(script, "%s$c%zu using 1:2 with %s ", before, i,
                     marked ? "linespoints lw 2 pt 7 ps 0.45" : "lines lw 2");
        tsr_style_script(style_of(p, i), script);
        tsr_text_add(script, name ? " title " : " notitle");
        if (name)
            tsr_gnuplot_quote(name, script);
        tsr_panel_plot(p->album, panel, i);
        before = ", ";
    }
    tsr_text_add(script, "\n");
}

/* The numbers that the panel shows; a bin's stands in its middle. */
static void add_data(const tsr_given_plan *p, const tsr_given_mean *mean, size_t curve, tsr_panel *panel)
{
    for (size_t i = 0; i < mean->n; i++) {
        char from[32], to[32];
        snprintf(from, sizeof(from), "%.9g", mean->x[i]);
        snprintf(to, sizeof(to), "%.9g", tsr_given_is_histogram(p) ? mean->x[i + 1] : 0);
        double x = tsr_given_place(p, mean, i),
               end = tsr_given_is_histogram(p) ? tsr_given_place(p, mean, i + 1) : x;
        bool banded = isfinite(mean->y[i].interval);
        tsr_datum datum = { .entry = curve,
                            .x = (x + end) / 2,
                            .x_text = from,
                            .x_end_text = tsr_given_is_histogram(p) ? to : NULL,
                            .mean = mean->y[i].mean,
                            .low = banded ? tsr_given_low(&mean->y[i]) : NAN,
                            .high = banded ? tsr_given_high(&mean->y[i]) : NAN,
                            .n = mean->y[i].n };
        tsr_panel_datum(p->album, panel, &datum);
    }
}

static void draw_panel(const tsr_given_plan *p, size_t number)
{
    const tsr_curve_info *info = &p->given->info;
    const tsr_given_mean *means = p->means + number * p->n_curves;
    tsr_text rest = { 0 }, alt = { 0 }, x = { 0 }, y = { 0 };
    size_t shown = 0;
    for (size_t i = 0; i < p->n_curves; i++)
        shown += means[i].n > 0;
    if (shown == 0)
        return;
    tsr_study_describe_point(p->study, p->representatives[number], p->keys.shown, &rest);
    add_words(info->x, info->x_unit, &x);
    tsr_text_add(&y, tsr_given_is_histogram(p) ? "share of " : "");
    add_words(info->y, info->y_unit, &y);
    tsr_text_add(&alt, "%s: %s over %s, %zu curve%s", info->doc, y.chars ? y.chars : "",
                 x.chars ? x.chars : "", shown, shown == 1 ? "" : "s");
    char *name = tsr_format("%s%s%s", p->given->name, rest.chars ? "-" : "", rest.chars ? rest.chars : "");
    tsr_panel_form form = { .width = WIDTH,
                            .height = HEIGHT,
                            .left = 0.115,
                            .right = 0.97,
                            .bottom = 0.19,
                            .top = 0.975,
                            .name = name,
                            .quantity = y.chars ? y.chars : "",
                            .x_title = x.chars ? x.chars : "",
                            .x_low = p->x_low,
                            .x_high = p->x_high,
                            .y_low = p->y_low,
                            .y_high = p->y_high,
                            .bins = tsr_given_is_histogram(p) };
    p->album->failed = p->album->failed || !name || rest.failed || alt.failed || x.failed || y.failed;
    tsr_panel *panel =
        tsr_album_panel(p->album, rest.chars ? rest.chars : "", alt.chars ? alt.chars : "", &form);
    if (panel) {
        write_axes(p, form.x_title, &panel->script);
        write_plots(p, means, panel);
        for (size_t i = 0; i < p->n_curves; i++)
            add_data(p, &means[i], i, panel);
    }
    free(name);
    free(rest.chars);
    free(alt.chars);
    free(x.chars);
    free(y.chars);
}

static void begin_figure(const tsr_given_plan *p)
{
    static const char *const better[TSR_N_METRIC_BETTER] = { "", " (larger is better)",
                                                             " (smaller is better)" };
    const tsr_curve_info *info = &p->given->info;
    const char *key = p->by_epoch                ? "epoch"
                      : p->keys.by != TSR_NO_KEY ? p->study->keys[p->keys.by].title
                                                 : NULL;
    size_t values = p->by_epoch ? p->study->epochs.n : key ? p->study->keys[p->keys.by].n : 1;
    tsr_text title = { 0 }, caption = { 0 };
    tsr_text_add(&title, "%s: %s%s", p->given->name, info->doc, better[info->better]);
    tsr_text_add(&caption, "Up: %s%s; across: %s.", tsr_given_is_histogram(p) ? "share of " : "", info->y,
                 info->x);
    if (values > p->n_curves)
        tsr_text_add(&caption, " %zu of %zu values of %s are shown.", p->n_curves, values, key);
    if (p->found > p->n_panels)
        tsr_text_add(&caption, " %zu of %zu combinations of the other keys are shown.", p->n_panels,
                     p->found);
    if (p->apart)
        tsr_text_add(&caption,
                     " Where replicates have other values of %s there is no mean: the first one's "
                     "curve is shown.",
                     info->x);
    if (p->left_out)
        tsr_text_add(&caption, " Means leave out %zu runs: they are over %d replicates at most.", p->left_out,
                     TSR_GIVEN_REPLICATES);
    tsr_album_figure(p->album, title.chars ? title.chars : "", caption.chars, key);
    p->album->failed = p->album->failed || title.failed || caption.failed;
    for (size_t i = 0; i < p->n_curves && key; i++) {
        char number[32];
        tsr_album_legend(p->album, legend_of(p, i, number), style_of(p, i));
    }
    free(title.chars);
    free(caption.chars);
}

void tsr_given_draw(tsr_given_plan *p)
{
    choose_ranges(p);
    begin_figure(p);
    for (size_t i = 0; i < p->n_panels; i++)
        draw_panel(p, i);
}
