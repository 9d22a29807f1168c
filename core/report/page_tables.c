/* The tables of the page. */
#include "report/html.h"
#include "report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 500 /* of a table; summary.csv has all */

/* A mean of as many values as there are `runs` needs no n of its own. */
static void write_cell(const tsr_report_page *p, const tsr_statistic *s, size_t runs, int decimals)
{
    char n[40] = "";
    if (s->n != runs)
        snprintf(n, sizeof(n), "<small> (n = %zu)</small>", s->n);
    if (isnan(s->mean))
        tsr_html_add(p->html, "<td class=\"n\">–</td>");
    else if (isnan(s->interval))
        tsr_text_add(p->html, "<td class=\"n\">%.*f%s</td>", decimals, s->mean, n);
    else
        tsr_text_add(p->html, "<td class=\"n\">%.*f<small> ± %.*f</small>%s</td>", decimals, s->mean,
                     decimals ? decimals : 1, s->interval, n);
}

/* Break opportunities behind dots and underscores. */
static void write_breakable(const tsr_report_page *p, const char *text)
{
    for (; text && *text; text++) {
        char piece[2] = { *text, '\0' };
        tsr_html_escape(piece, p->html);
        tsr_text_add(p->html, "%s", *text == '.' || *text == '_' ? "<wbr>" : "");
    }
    tsr_text_add(p->html, "</th>");
}

void tsr_page_write_heading(const tsr_report_page *p, const char *text, bool numeric)
{
    tsr_text_add(p->html, numeric ? "<th class=\"n\">" : "<th>");
    write_breakable(p, text);
}

void tsr_page_write_row_heading(const tsr_report_page *p, const char *text)
{
    tsr_text_add(p->html, "<th scope=\"row\">");
    write_breakable(p, text);
}

static void write_point_head(const tsr_report_page *p, bool headline)
{
    const tsr_results *results = p->summary->results;
    tsr_html_add(p->html, "<thead><tr>");
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_page_write_heading(p, results->keys[k].name, p->labels[k].numeric);
    tsr_html_add(p->html, "<th class=\"n\">epoch</th><th class=\"n\">n</th>");
    for (size_t m = 0; m < p->summary->results->n_measures; m++)
        if (tsr_measure_is_headline(&p->summary->results->measures[m]) == headline)
            tsr_page_write_heading(p, p->summary->results->measures[m].name, true);
    tsr_html_add(p->html, "</tr></thead>\n");
}

static void write_point(const tsr_report_page *p, size_t point, bool headline)
{
    const tsr_point *of = &p->summary->points[point];
    tsr_html_add(p->html, "<tr>");
    for (size_t k = 0; k < p->summary->results->n_keys; k++)
        tsr_html_add(p->html,
                     p->labels[k].numeric ? "<th scope=\"row\" class=\"n\">%s</th>"
                                          : "<th scope=\"row\">%s</th>",
                     p->labels[k].labels[tsr_summary_place(p->summary, point, k)]);
    if (of->n_epochs)
        tsr_text_add(p->html, "<td class=\"n\">%.0f</td>", of->epochs[of->n_epochs - 1]);
    else
        tsr_html_add(p->html, "<td class=\"n\">–</td>");
    tsr_html_add(p->html, "<td class=\"n\">%zu</td>", of->done);
    for (size_t m = 0; m < p->summary->results->n_measures; m++)
        if (tsr_measure_is_headline(&p->summary->results->measures[m]) == headline) {
            if (of->n_epochs)
                write_cell(p, tsr_summary_at(p->summary, point, of->n_epochs - 1, m),
                           of->snapshots[of->n_epochs - 1], tsr_summary_decimals(p->summary, m));
            else
                tsr_html_add(p->html, "<td class=\"n\">–</td>");
        }
    tsr_html_add(p->html, "</tr>\n");
}

/* Points down, metrics across. */
static void write_points(const tsr_report_page *p, bool headline)
{
    tsr_html_add(p->html, "<div class=\"scroll\"><table class=\"numbers rows\">\n");
    write_point_head(p, headline);
    tsr_html_add(p->html, "<tbody>\n");
    for (size_t i = 0; i < p->summary->n_points && i < MAX_ROWS; i++)
        write_point(p, i, headline);
    tsr_html_add(p->html, "</tbody></table></div>\n");
    if (p->summary->n_points > MAX_ROWS)
        tsr_html_add(p->html, "<p>%zu more points are in summary.csv.</p>\n",
                     p->summary->n_points - MAX_ROWS);
}

/* One point: metrics down, snapshots across. */
static void write_snapshots(const tsr_report_page *p, bool headline)
{
    const tsr_point *point = &p->summary->points[0];
    tsr_html_add(p->html, "<div class=\"scroll\"><table class=\"numbers\">\n<thead><tr><th>after epoch</th>");
    for (size_t e = 0; e < point->n_epochs; e++)
        tsr_text_add(p->html, "<th class=\"n\">%.0f</th>", point->epochs[e]);
    tsr_html_add(p->html, "</tr></thead>\n<tbody>\n");
    if (point->n > 1) {
        tsr_html_add(p->html, "<tr><th scope=\"row\">n</th>");
        for (size_t e = 0; e < point->n_epochs; e++)
            tsr_html_add(p->html, "<td class=\"n\">%zu</td>", point->snapshots[e]);
        tsr_html_add(p->html, "</tr>\n");
    }
    for (size_t m = 0; m < p->summary->results->n_measures; m++) {
        if (tsr_measure_is_headline(&p->summary->results->measures[m]) != headline)
            continue;
        tsr_html_add(p->html, "<tr><th scope=\"row\">%s</th>", p->summary->results->measures[m].name);
        for (size_t e = 0; e < point->n_epochs; e++)
            write_cell(p, tsr_summary_at(p->summary, 0, e, m), point->snapshots[e],
                       tsr_summary_decimals(p->summary, m));
        tsr_html_add(p->html, "</tr>\n");
    }
    tsr_html_add(p->html, "</tbody></table></div>\n");
}

static void write_table(const tsr_report_page *p, bool headline)
{
    if (p->summary->n_points == 1)
        write_snapshots(p, headline);
    else
        write_points(p, headline);
}

void tsr_page_write_tables(const tsr_report_page *p)
{
    size_t headline = 0;
    for (size_t m = 0; m < p->summary->results->n_measures; m++)
        headline += tsr_measure_is_headline(&p->summary->results->measures[m]);
    tsr_html_add(p->html, "<section id=\"table\">\n<h2>Table</h2>\n");
    if (p->summary->results->n_measures == 0) {
        tsr_html_add(p->html, "<p>No run has given a metric.</p>\n</section>\n");
        return;
    }
    tsr_html_add(
        p->html,
        "<p class=\"intro\">Means over the replicates%s; %s. <code>summary.csv</code>%s has every snapshot "
        "and standard deviations, <code>results.csv</code> every run.</p>\n",
        p->summary->n_points == 1 ? "" : ", after the last epoch", TSR_INTERVAL_LEGEND,
        tsr_is_comparison(p->summary->results) ? " of each study" : "");
    if (headline)
        write_table(p, true);
    if (headline < p->summary->results->n_measures) {
        tsr_html_add(p->html, "<details class=\"fold\"><summary>%zu more metrics</summary>\n",
                     p->summary->results->n_measures - headline);
        write_table(p, false);
        tsr_html_add(p->html, "</details>\n");
    }
    tsr_html_add(p->html, "</section>\n");
}
