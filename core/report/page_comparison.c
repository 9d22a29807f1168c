/* What the page of a comparison has besides that of one study: how far the studies differ, and in what. */
#include "config/print.h"
#include "report/differences.h"
#include "report/html.h"
#include "report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 500 /* of a table; differences.csv has all */

static const char *label(const tsr_report_page *p, size_t study)
{
    return tsr_comparison_label(p->summary->results, study);
}

/* A word on what cannot be compared. */
static void write_gaps(const tsr_report_page *p, const tsr_differences *d)
{
    const tsr_results *results = p->summary->results;
    for (size_t s = 1; s < results->n_studies; s++) {
        size_t shared = 0, common = 0;
        tsr_status *status = tsr_comparison_count_shared(results, s, &shared);
        p->html->failed = p->html->failed || status;
        tsr_status_free(status);
        for (size_t i = 0; i < d->n; i++)
            common += d->settings[i].study == s;
        if (shared)
            tsr_html_add(p->html,
                         "<p class=\"notice\">%zu of the runs of <strong>%s</strong> are runs of "
                         "<strong>%s</strong> too, with the same ids.</p>\n",
                         shared, label(p, s), label(p, 0));
        if (!common)
            tsr_html_add(p->html,
                         "<p class=\"notice\"><strong>%s</strong> and <strong>%s</strong> have no setting "
                         "in common: nothing is subtracted.</p>\n",
                         label(p, 0), label(p, s));
        if (d->lone[s] || d->lacking[s])
            tsr_html_add(
                p->html,
                "<p class=\"note\">Settings of one study only, without a difference: %zu of %s, %zu of "
                "%s.</p>\n",
                d->lacking[s], label(p, 0), d->lone[s], label(p, s));
    }
}

static void write_head(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    tsr_html_add(p->html, "<div class=\"scroll\"><table class=\"numbers rows\">\n<thead><tr>");
    if (results->n_studies > 2)
        tsr_html_add(p->html, "<th>study</th>");
    for (size_t k = 1; k < results->n_keys; k++)
        tsr_page_write_heading(p, results->keys[k].name, p->labels[k].numeric);
    tsr_html_add(p->html, "<th>metric</th><th class=\"n\">%s</th><th class=\"n\">%s</th>", label(p, 0),
                 results->n_studies > 2 ? "the study" : label(p, 1));
    tsr_html_add(p->html, "<th class=\"n\">difference</th><th class=\"n\">n</th><th>excludes "
                          "0</th></tr></thead>\n<tbody>\n");
}

static void write_row(const tsr_report_page *p, const tsr_setting *setting, size_t measure,
                      const tsr_difference *row)
{
    const tsr_results *results = p->summary->results;
    int decimals = tsr_summary_decimals(p->summary, measure), finer = decimals ? decimals : 1;
    tsr_html_add(p->html, "<tr>");
    if (results->n_studies > 2)
        tsr_html_add(p->html, "<th scope=\"row\">%s</th>", label(p, setting->study));
    for (size_t k = 1; k < results->n_keys; k++)
        tsr_html_add(p->html,
                     p->labels[k].numeric ? "<th scope=\"row\" class=\"n\">%s</th>"
                                          : "<th scope=\"row\">%s</th>",
                     p->labels[k].labels[tsr_summary_place(p->summary, setting->other, k)]);
    tsr_page_write_row_heading(p, results->measures[measure].name);
    tsr_text_add(p->html, "<td class=\"n\">%.*f</td><td class=\"n\">%.*f</td><td class=\"n\">%+.*f", decimals,
                 row->reference, decimals, row->other, finer, row->difference);
    if (!isnan(row->interval))
        tsr_text_add(p->html, "<small> ± %.*f</small>", finer, row->interval);
    if (row->paired)
        tsr_text_add(p->html, "</td><td class=\"n\">%zu<small> pairs</small></td>", row->n);
    else
        tsr_text_add(p->html, "</td><td class=\"n\">%zu, %zu</td>", row->n, row->n_other);
    tsr_html_add(p->html, "<td>%s</td></tr>\n",
                 isnan(row->interval)           ? "–"
                 : tsr_difference_is_clear(row) ? "yes"
                                                : "no");
}

static void write_rows(const tsr_report_page *p, tsr_differences *d, bool headline)
{
    const tsr_results *results = p->summary->results;
    size_t shown = 0, left_out = 0;
    write_head(p);
    for (size_t i = 0; i < d->n; i++)
        for (size_t m = 0; m < results->n_measures; m++) {
            tsr_difference row;
            if (tsr_measure_is_headline(&results->measures[m]) != headline)
                continue;
            if (shown == MAX_ROWS) {
                left_out++;
                continue;
            }
            if (!tsr_differences_at(d, i, m, &row))
                continue;
            write_row(p, &d->settings[i], m, &row);
            shown++;
        }
    tsr_html_add(p->html, "</tbody></table></div>\n");
    if (left_out)
        tsr_html_add(p->html,
                     "<p>Up to %zu more are in the <code>differences.csv</code> that <code>--figures</code> "
                     "writes.</p>\n",
                     left_out);
}

static void write_differences(const tsr_report_page *p, tsr_differences *d)
{
    const tsr_results *results = p->summary->results;
    size_t headline = 0;
    for (size_t m = 0; m < results->n_measures; m++)
        headline += tsr_measure_is_headline(&results->measures[m]);
    tsr_html_add(
        p->html,
        "<section id=\"differences\">\n<h2>Differences</h2>\n<p class=\"intro\">Each study minus "
        "<strong>%s</strong>, after the last epoch. The interval is the 95 %% confidence interval of "
        "the difference: over pairs of runs with one seed (Student's t) where at least two seeds are "
        "common, else over independent runs (Welch's t). Each holds for itself: of twenty such "
        "intervals, one misses the truth by chance.</p>\n",
        label(p, 0));
    write_gaps(p, d);
    if (d->n && headline)
        write_rows(p, d, true);
    if (d->n && headline < results->n_measures) {
        tsr_html_add(p->html, "<details class=\"fold\"><summary>%zu more metrics</summary>\n",
                     results->n_measures - headline);
        write_rows(p, d, false);
        tsr_html_add(p->html, "</details>\n");
    }
    tsr_html_add(p->html, "</section>\n");
}

static void write_contrast(const tsr_report_page *p, const tsr_contrast *contrast)
{
    tsr_html_add(p->html, "<section id=\"contrast\">\n<h2>What differs</h2>\n");
    if (!contrast->n) {
        tsr_html_add(p->html, "<p>Nothing: keys, metrics, data and plugins are the same.</p>\n</section>\n");
        return;
    }
    tsr_html_add(
        p->html,
        "<p class=\"intro\">In the configs, but for <code>output</code>, <code>codes.memory</code> and "
        "<code>training.checkpoint_every</code>, which change no result; and in the metrics, data, plugins "
        "and "
        "machines of the runs. –: the study has none.</p>\n"
        "<div class=\"scroll\"><table class=\"contrast\">\n<thead><tr><th></th>");
    for (size_t s = 0; s < contrast->n_studies; s++)
        tsr_html_add(p->html, "<th>%s</th>", label(p, s));
    tsr_html_add(p->html, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < contrast->n; i++) {
        tsr_html_add(p->html, "<tr><th scope=\"row\">%s</th>", contrast->rows[i].what);
        for (size_t s = 0; s < contrast->n_studies; s++)
            tsr_html_add(p->html, "<td>%s</td>",
                         contrast->rows[i].texts[s] ? contrast->rows[i].texts[s] : "–");
        tsr_html_add(p->html, "</tr>\n");
    }
    tsr_html_add(p->html, "</tbody></table></div>\n</section>\n");
}

static tsr_status *write_all(const tsr_report_page *p)
{
    tsr_differences differences;
    tsr_contrast contrast;
    TSR_TRY(tsr_differences_new(p->summary, &differences));
    tsr_status *status = tsr_contrast_find(p->summary->results, &contrast);
    if (!status) {
        write_differences(p, &differences);
        write_contrast(p, &contrast);
    }
    tsr_contrast_clear(&contrast);
    tsr_differences_clear(&differences);
    return status;
}

void tsr_page_write_comparison(const tsr_report_page *p)
{
    tsr_status *status = write_all(p); /* there is memory for it, or not */
    p->html->failed = p->html->failed || status;
    tsr_status_free(status);
}

void tsr_page_write_configs(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    for (size_t s = 0; s < results->n_studies; s++) {
        tsr_text config = { 0 };
        tsr_print_config(results->studies[s]->config, &config);
        tsr_html_add(p->html,
                     "<details class=\"fold\"><summary>%s as resolved, every key</summary>\n"
                     "<p class=\"intro\"><code>%s</code>, study <code>%s</code> in the records of its "
                     "runs</p>\n<pre>%s</pre>\n</details>\n",
                     label(p, s), results->studies[s]->folder, results->studies[s]->sweep,
                     config.chars ? config.chars : "");
        p->html->failed = p->html->failed || config.failed;
        free(config.chars);
    }
}
