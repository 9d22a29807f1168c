/* Whether a metric tells beforehand which configuration will be accurate: its rank correlations, at each
   snapshot, with the final test accuracy over the points of a sweep. */
#include "report/html.h"
#include "report/page_parts.h"
#include "report/ranks.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEWEST 4   /* points that correlations are told of */
#define MOST 500   /* points that are compared, each with each */
#define COLUMNS 12 /* snapshots that are shown, evenly picked */
#define ACCURACY "model.accuracy.test"

/* The final accuracies of the points, and room for those that have a metric. */
typedef struct ranks {
    const tsr_report_page *page;
    size_t n;         /* points, MOST at most */
    double *accuracy; /* n; NaN: there is none */
    double *x, *y;    /* n */
} ranks;

static size_t find_accuracy(const tsr_results *results)
{
    size_t m = 0;
    while (m < results->n_measures && strcmp(results->measures[m].name, ACCURACY) != 0)
        m++;
    return m;
}

/* NaN as the epoch: the point's last. */
static double mean_at(const tsr_summary *summary, size_t point, double epoch, size_t measure)
{
    const tsr_point *of = &summary->points[point];
    if (isnan(epoch) && of->n_epochs)
        return tsr_summary_at(summary, point, of->n_epochs - 1, measure)->mean;
    for (size_t e = 0; e < of->n_epochs; e++)
        if (of->epochs[e] == epoch)
            return tsr_summary_at(summary, point, e, measure)->mean;
    return NAN;
}

/* A cell: tau, rho, and of how many points. */
static bool write_correlation(const ranks *r, size_t measure, double epoch)
{
    size_t n = 0;
    tsr_text *html = r->page->html;
    for (size_t p = 0; p < r->n; p++) {
        double value = mean_at(r->page->summary, p, epoch, measure);
        if (!isfinite(value) || !isfinite(r->accuracy[p]))
            continue;
        r->x[n] = value;
        r->y[n++] = r->accuracy[p];
    }
    tsr_rank_correlation found;
    if (!tsr_rank_correlate(n, r->x, r->y, &found))
        return false;
    if (n < FEWEST || isnan(found.tau))
        tsr_html_add(html, "<td class=\"n\">–</td>");
    else
        tsr_text_add(html, "<td class=\"n\">%.2f<small> ρ %.2f, n = %zu</small></td>", found.tau, found.rho,
                     n);
    return true;
}

static bool is_shown(const tsr_measure *measure)
{
    return !measure->detail && strcmp(measure->name, ACCURACY) != 0;
}

/* The epoch of a column; NaN where no points have more than their last snapshot. */
static double epoch_of(const tsr_report_page *p, size_t column, size_t columns)
{
    if (p->n_epochs == 0)
        return NAN;
    return p->epochs[columns > 1 ? column * (p->n_epochs - 1) / (columns - 1) : 0];
}

static bool write_rows(const ranks *r)
{
    const tsr_report_page *p = r->page;
    const tsr_results *results = p->summary->results;
    tsr_html_add(p->html, "<div class=\"scroll\"><table class=\"numbers rows\">\n<thead><tr><th>metric</th>");
    size_t columns = p->n_epochs == 0 ? 1 : p->n_epochs < COLUMNS ? p->n_epochs : COLUMNS;
    for (size_t e = 0; p->n_epochs && e < columns; e++)
        tsr_text_add(p->html, "<th class=\"n\">epoch %.0f</th>", epoch_of(p, e, columns));
    if (p->n_epochs == 0)
        tsr_html_add(p->html, "<th class=\"n\">last epoch</th>");
    tsr_html_add(p->html, "</tr></thead>\n<tbody>\n");
    for (size_t m = 0; m < results->n_measures; m++) {
        if (!is_shown(&results->measures[m]))
            continue;
        tsr_html_add(p->html, "<tr><th scope=\"row\">%s</th>", results->measures[m].name);
        for (size_t e = 0; e < columns; e++)
            if (!write_correlation(r, m, epoch_of(p, e, columns)))
                return false;
        tsr_html_add(p->html, "</tr>\n");
    }
    tsr_html_add(p->html, "</tbody></table></div>\n");
    return true;
}

static bool fill(ranks *r, size_t accuracy)
{
    const tsr_summary *summary = r->page->summary;
    r->n = summary->n_points < MOST ? summary->n_points : MOST;
    r->accuracy = tsr_alloc(r->n, sizeof(double));
    r->x = tsr_alloc(r->n, sizeof(double));
    r->y = tsr_alloc(r->n, sizeof(double));
    if (!r->accuracy || !r->x || !r->y)
        return false;
    for (size_t p = 0; p < r->n; p++) {
        size_t n = summary->points[p].n_epochs;
        r->accuracy[p] = n ? tsr_summary_at(summary, p, n - 1, accuracy)->mean : NAN;
    }
    return true;
}

bool tsr_page_write_ranks(const tsr_report_page *p)
{
    size_t accuracy = find_accuracy(p->summary->results);
    if (accuracy == p->summary->results->n_measures || p->summary->n_points < FEWEST)
        return false;
    ranks r = { .page = p };
    tsr_html_add(
        p->html,
        "<section id=\"ranks\">\n<h2>Rank correlation with the final accuracy</h2>\n"
        "<p class=\"intro\">Kendall's τ<sub>b</sub>, and Spearman's ρ beside it, of each metric at a "
        "snapshot "
        "with the accuracy on test examples after the last epoch, over the points of the sweep; each point "
        "counts by its means over the replicates. 1: what has more of it will be more accurate; −1: less; 0: "
        "it "
        "tells nothing.");
    if (p->summary->n_points > MOST)
        tsr_html_add(p->html, " The first %zu points are compared.", (size_t)MOST);
    tsr_html_add(p->html, "</p>\n");
    bool whole = fill(&r, accuracy) && write_rows(&r);
    tsr_html_add(p->html, "</section>\n");
    p->html->failed = p->html->failed || !whole;
    free(r.accuracy);
    free(r.x);
    free(r.y);
    return true;
}
