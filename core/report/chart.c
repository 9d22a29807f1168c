/* The activation hash phase chart (arXiv 2101.05490): the plane of two of model size, training time and
   sample size, coloured by redundancy and by accuracy, with the three regimes drawn. A cell's regime is
   judged once, by the worst of its redundancies and by its accuracies on test examples, and drawn on every
   map. */
#include "report/regimes.h"

#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 560
#define MAP_WIDTH 400.0 /* pixels of the cells together, about */
#define MARGINS 84      /* pixels above and below the cells together */
#define MAX_CHARTS 3
#define MAX_RESTS 4     /* combinations of the other keys that get a chart each */
#define MAX_CELLS 10000 /* of a chart: more cannot be told apart */
#define NAME_WIDTH 90.0 /* pixels of a regime's name */
#define TEXT_WIDTH 60   /* pixels that a cell needs to have words in it */
#define TEXT_HEIGHT 30

static const char *const names[TSR_N_REGIMES] = { "", "under-", "critically-", "sufficiently-" };
static const char *const words[TSR_N_REGIMES] = { "no data", "under", "critical", "sufficient" };
static const unsigned fills[TSR_N_REGIMES] = { 0x888888, 0xD55E00, 0xF0E442, 0x56B4E9 };

/* Drawing. */

static unsigned height_of(const tsr_chart *c)
{
    double cells = 40.0 * (double)c->y.axis->n;
    return MARGINS + (unsigned)(cells < 170 ? 170 : cells > 420 ? 420 : cells);
}

static double cell_width(const tsr_chart *c)
{
    return MAP_WIDTH / (double)c->x.axis->n;
}

static double cell_height(const tsr_chart *c)
{
    return (height_of(c) - (double)MARGINS) / (double)c->y.axis->n;
}

static bool has_padding_for_words(const tsr_chart *c)
{
    return cell_width(c) >= TEXT_WIDTH && cell_height(c) >= TEXT_HEIGHT;
}

/* Lines between cells of different regimes, as data "$edges". */
static bool write_edges(const tsr_chart *c, tsr_text *script)
{
    size_t columns = c->x.axis->n, found = 0;
    tsr_text_add(script, "$edges << EOD\n");
    for (size_t cell = 0; cell < c->cells; cell++) {
        double x = (double)(cell % columns), y = (double)(cell / columns);
        if (cell % columns + 1 < columns && c->regimes[cell] != c->regimes[cell + 1] && ++found)
            tsr_text_add(script, "%g %g 0 1\n", x + 0.5, y - 0.5);
        if (cell + columns < c->cells && c->regimes[cell] != c->regimes[cell + columns] && ++found)
            tsr_text_add(script, "%g %g 1 0\n", x - 0.5, y + 0.5);
    }
    tsr_text_add(script, "EOD\n");
    return found > 0;
}

/* How far the cell is from any of another regime, and how near to the middle of its own: where a name is
   read best. */
static double inwardness(const tsr_chart *c, size_t cell)
{
    size_t columns = c->x.axis->n, n = 0;
    double nearest = 1e9, middle_x = 0, middle_y = 0;
    for (size_t other = 0; other < c->cells; other++) {
        double dx = ((double)(other % columns) - (double)(cell % columns)) * cell_width(c);
        double dy = ((double)(other / columns) - (double)(cell / columns)) * cell_height(c);
        if (c->regimes[other] != c->regimes[cell]) {
            nearest = fmin(nearest, hypot(dx / 4, dy)); /* names are wide */
        } else {
            middle_x += dx;
            middle_y += dy;
            n++;
        }
    }
    return fmin(nearest, 45) - 0.3 * hypot(middle_x, middle_y) / (double)n;
}

static void place_names(tsr_chart *c)
{
    double most[TSR_N_REGIMES];
    for (int r = 0; r < TSR_N_REGIMES; r++)
        c->named[r] = c->cells;
    for (size_t cell = 0; cell < c->cells; cell++) {
        tsr_regime r = c->regimes[cell];
        double here = inwardness(c, cell);
        if (c->named[r] == c->cells || here > most[r]) {
            c->named[r] = cell;
            most[r] = here;
        }
    }
}

/* Each regime's name once, inside of it and of the map. */
static void write_names(const tsr_chart *c, tsr_text *script)
{
    size_t columns = c->x.axis->n;
    for (int r = TSR_REGIME_UNDER; r < TSR_N_REGIMES; r++) {
        if (c->named[r] == c->cells)
            continue;
        double x = ((double)(c->named[r] % columns) + 0.5) / (double)columns;
        x = fmax(NAME_WIDTH / 2 / MAP_WIDTH, fmin(1 - NAME_WIDTH / 2 / MAP_WIDTH, x));
        tsr_text_add(script,
                     "set label \"%s\\nexpressive\" at graph %.4f, first %zu center offset 0,0.5 front tc "
                     "rgb " TSR_HALO "\n",
                     names[r], x, c->named[r] / columns);
    }
}

/* The cell's value above its regime, in black or white. */
static void write_words(const tsr_chart *c, size_t measure, double low, double high, tsr_text *script)
{
    for (size_t cell = 0; cell < c->cells; cell++) {
        double value = tsr_chart_value(c, cell, measure);
        if (isnan(value))
            continue;
        const char *ink = (value - low) / (high - low) > 0.55 ? "#000001" : "#fefefe";
        size_t x = cell % c->x.axis->n, y = cell / c->x.axis->n;
        bool tiny = value > 0 && value < 0.0005;
        tsr_text_add(script,
                     "set label '%s%.*f' at %zu,%zu center offset 0,0.45 front tc rgb '%s'\n"
                     "set label '%s' at %zu,%zu center offset 0,-0.5 front font " TSR_SMALL_FONT
                     " tc rgb '%s'\n",
                     tiny ? "< " : "", value < 0.0995 && value > 0 ? 3 : 2, tiny ? 0.001 : value, x, y, ink,
                     words[c->regimes[cell]], x, y, ink);
    }
}

static const char *label_at(const tsr_axis *axis, size_t rank)
{
    size_t i = 0;
    while (i + 1 < axis->n && axis->rank[i] != rank)
        i++;
    return axis->labels[i];
}

/* NULL where the album has failed. */
static tsr_panel *begin_panel(const tsr_chart *c, tsr_album *album, const char *title)
{
    char *name = tsr_format("phase-chart-%s-%s-%s%s%s", c->y.axis->title, c->x.axis->title, title,
                            c->rest ? "-" : "", c->rest ? c->rest : "");
    size_t counts[TSR_N_REGIMES] = { 0 };
    for (size_t cell = 0; cell < c->cells; cell++)
        counts[c->regimes[cell]]++;
    char *alt =
        tsr_format("%s over %s and %s, a map of %zu by %zu cells: %zu under-expressive, %zu "
                   "critically-expressive, %zu sufficiently-expressive",
                   title, c->x.axis->title, c->y.axis->title, c->x.axis->n, c->y.axis->n,
                   counts[TSR_REGIME_UNDER], counts[TSR_REGIME_CRITICAL], counts[TSR_REGIME_SUFFICIENT]);
    album->failed = album->failed || !alt || !name;
    double height = height_of(c);
    const tsr_panel_form form = { .width = WIDTH,
                                  .height = height_of(c),
                                  .left = 0.145,
                                  .right = 0.87,
                                  .bottom = 68 / height,
                                  .top = 1 - 14 / height,
                                  .name = name,
                                  .quantity = title,
                                  .x_title = c->x.axis->title,
                                  .y_title = c->y.axis->title,
                                  .x_low = -0.5,
                                  .x_high = (double)c->x.axis->n - 0.5,
                                  .y_low = -0.5,
                                  .y_high = (double)c->y.axis->n - 0.5 };
    tsr_panel *panel = tsr_album_panel(album, title, alt ? alt : "", &form);
    free(alt);
    free(name);
    if (!panel)
        return NULL;
    tsr_axis_script(c->x.axis, 'x', MAP_WIDTH, true, &panel->script);
    tsr_axis_script(c->y.axis, 'y', height - MARGINS, true, &panel->script);
    tsr_text_add(&panel->script, "unset grid\nset border 15\n");
    return panel;
}

static void add_datum(const tsr_chart *c, size_t cell, const tsr_statistic *y, tsr_album *album,
                      tsr_panel *panel)
{
    size_t x = cell % c->x.axis->n, row = cell / c->x.axis->n;
    const tsr_datum datum = { .word = (char *)(uintptr_t)words[c->regimes[cell]],
                              .x = (double)x,
                              .y = (double)row,
                              .x_text = (char *)(uintptr_t)label_at(c->x.axis, x),
                              .y_text = (char *)(uintptr_t)label_at(c->y.axis, row),
                              .mean = y->mean,
                              .low = y->mean - y->interval,
                              .high = y->mean + y->interval,
                              .n = y->n };
    tsr_panel_datum(album, panel, &datum);
}

static void write_plot(const char *cells, bool edges, tsr_text *script)
{
    tsr_text_add(script, "plot $cells using 1:2:(0.5):(0.5):3 with boxxyerror fs solid noborder %s", cells);
    if (edges)
        tsr_text_add(script, ", $edges using 1:2:3:4 with vectors nohead lt 1 lw 5 lc rgb '#fefefe'"
                             ", $edges using 1:2:3:4 with vectors nohead lt 1 lw 2.2 lc rgb '#101010'");
    tsr_text_add(script, "\n");
}

static void draw_regimes(const tsr_chart *c, tsr_album *album)
{
    const tsr_statistic none = { .mean = NAN, .interval = NAN };
    tsr_panel *panel = begin_panel(c, album, "Regimes");
    if (!panel)
        return;
    tsr_text *script = &panel->script;
    bool edges = write_edges(c, script);
    tsr_text_add(script, "$cells << EOD\n");
    for (size_t cell = 0; cell < c->cells; cell++)
        if (c->regimes[cell] != TSR_REGIME_NONE) {
            tsr_text_add(script, "%zu %zu %u\n", cell % c->x.axis->n, cell / c->x.axis->n,
                         fills[c->regimes[cell]]);
            add_datum(c, cell, &none, album, panel);
        }
    tsr_text_add(script, "EOD\n");
    write_names(c, script);
    write_plot("lc rgb variable", edges, script);
}

static void draw_map(const tsr_chart *c, size_t measure, tsr_album *album)
{
    bool whole = tsr_chart_has_role(c, measure, TSR_METRIC_REDUNDANCY);
    double low = whole ? 0 : INFINITY, high = whole ? 1 : -INFINITY;
    for (size_t cell = 0; cell < c->cells; cell++) {
        low = fmin(low, tsr_chart_value(c, cell, measure));
        high = fmax(high, tsr_chart_value(c, cell, measure));
    }
    if (!isfinite(low) || !isfinite(high))
        return;
    if (!(high > low))
        high = low + 0.01;
    tsr_panel *panel = begin_panel(c, album, c->study->summary->results->measures[measure].name);
    if (!panel)
        return;
    tsr_text *script = &panel->script;
    bool edges = write_edges(c, script);
    tsr_text_add(script, "$cells << EOD\n");
    for (size_t cell = 0; cell < c->cells; cell++)
        if (!isnan(tsr_chart_value(c, cell, measure))) {
            tsr_text_add(script, "%zu %zu %.9g\n", cell % c->x.axis->n, cell / c->x.axis->n,
                         tsr_chart_value(c, cell, measure));
            add_datum(c, cell, tsr_chart_statistic(c, cell, measure), album, panel);
        }
    tsr_text_add(
        script,
        "EOD\nset cbrange [%.9g:%.9g]\nset palette maxcolors 64\nset palette defined (0 '#440154', 1 "
        "'#482878', 2 '#3e4989', 3 '#31688e', 4 '#26828e', 5 '#1f9e89', 6 '#35b779', 7 '#6ece58', 8 "
        "'#b5de2b', 9 '#fde725')\n",
        low, high);
    if (has_padding_for_words(c))
        write_words(c, measure, low, high, script);
    else
        write_names(c, script);
    write_plot("lc palette", edges, script);
}

static void begin_figure(const tsr_chart *c, tsr_album *album)
{
    const tsr_report_settings *thresholds = &c->study->summary->results->thresholds;
    bool over_time = tsr_chart_is_epochs(c, &c->x) || tsr_chart_is_epochs(c, &c->y);
    char *title = tsr_format("%s and %s%s%s", c->y.axis->title, c->x.axis->title, c->rest ? " · " : "",
                             c->rest ? c->rest : "");
    char *caption = tsr_format(
        "Means over the replicates%s. Under-expressive: redundancy above %g. "
        "Sufficiently-expressive: redundancy below %g, and each accuracy on test examples within %g "
        "of the best on the chart. Critically-expressive: between. The worst of the redundancies "
        "counts.",
        over_time ? "" : " after the last epoch", thresholds->under_expressive,
        thresholds->sufficiently_expressive, thresholds->accuracy_within);
    tsr_album_figure(album, title ? title : "", caption, NULL);
    album->failed = album->failed || !title || !caption;
    free(title);
    free(caption);
}

static tsr_status *add_chart(const tsr_study *study, tsr_album *album, tsr_chart_side x, tsr_chart_side y,
                             size_t representative, const bool *shown)
{
    tsr_chart c = { .study = study, .x = x, .y = y };
    tsr_status *status = tsr_chart_fill(&c, representative, shown);
    if (!status) {
        tsr_text rest = { 0 };
        tsr_study_describe_point(study, representative, shown, &rest);
        c.rest = rest.chars;
        album->failed = album->failed || rest.failed;
        tsr_chart_judge(&c);
        place_names(&c);
        begin_figure(&c, album);
        draw_regimes(&c, album);
        static const tsr_metric_role order[] = { TSR_METRIC_REDUNDANCY, TSR_METRIC_ACCURACY };
        for (size_t i = 0; i < 2; i++)
            for (size_t m = 0; m < study->summary->results->n_measures; m++)
                if (tsr_chart_has_role(&c, m, order[i]))
                    draw_map(&c, m, album);
    }
    tsr_chart_clear(&c);
    return status;
}

/* The last point that agrees with the representative where the keys are not numbers: other numbers than those
   of the plane stay at their last value. */
static size_t last_alike(const tsr_study *study, size_t representative, const bool *left_out)
{
    size_t last = representative;
    for (size_t p = 0; p < study->summary->n_points; p++)
        if (tsr_study_agree(study, p, representative, left_out))
            last = p;
    return last;
}

/* One plane, for each combination of the keys that are no numbers. */
static tsr_status *add_charts(const tsr_study *study, tsr_album *album, tsr_chart_side x, tsr_chart_side y)
{
    size_t n_keys = study->summary->results->n_keys, n, found;
    bool *shown = tsr_alloc(n_keys, sizeof(*shown)), *free_keys = tsr_alloc(n_keys, sizeof(*free_keys));
    size_t *representatives = NULL;
    tsr_status *status = shown && free_keys ? NULL : tsr_no_memory("the phase chart");
    if (!status) {
        for (size_t k = 0; k < n_keys; k++) {
            shown[k] = k == x.key || k == y.key;
            free_keys[k] = shown[k] || study->keys[k].numeric;
        }
        representatives = tsr_study_rest(study, free_keys, MAX_RESTS, &n, &found);
        status = representatives ? NULL : tsr_no_memory("the phase chart");
    }
    for (size_t i = 0; !status && i < n; i++)
        status = add_chart(study, album, x, y, last_alike(study, representatives[i], free_keys), shown);
    free(representatives);
    free(free_keys);
    free(shown);
    return status;
}

static bool has_redundancy(const tsr_summary *summary)
{
    bool found = false;
    for (size_t m = 0; m < summary->results->n_measures; m++)
        found = found || summary->results->measures[m].info.role == TSR_METRIC_REDUNDANCY;
    return found;
}

tsr_status *tsr_study_charts(const tsr_study *study, tsr_album *album)
{
    size_t n_keys = study->summary->results->n_keys, n = 0, drawn = 0;
    tsr_chart_side *sides = tsr_alloc(n_keys + 1, sizeof(*sides));
    tsr_status *status = sides ? NULL : tsr_no_memory("the phase chart");
    for (size_t k = 0; !status && k < n_keys; k++)
        if (study->keys[k].numeric && study->keys[k].n > 1)
            sides[n++] = (tsr_chart_side){ k, &study->keys[k] };
    if (!status && study->epochs.n >= TSR_SNAPSHOTS_OF_A_STUDY)
        sides[n++] = (tsr_chart_side){ n_keys, &study->epochs };
    if (!status && n > 1 && has_redundancy(study->summary))
        tsr_album_section(album, "Activation hash phase chart",
                          "How well the activation patterns hash, over two of what varies; black lines part "
                          "the regimes.",
                          false);
    else
        n = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; !status && j < n && drawn < MAX_CHARTS; j++)
            if (sides[i].axis->n * sides[j].axis->n <= MAX_CELLS) {
                status = add_charts(study, album, sides[j], sides[i]);
                drawn++;
            }
    free(sides);
    return status;
}
