/* The page: what was run and what came of it, figures first, then tables. All text that is not the report's
   own comes through tsr_html_escape. */
#include "report/report.h"

#include "base/memory.h"
#include "config/print.h"
#include "report/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FAILURES 100 /* runs whose reason is told */
#define MOST_ROWS 500     /* of a table; summary.csv has all */

typedef struct page {
    const tsr_summary *summary;
    const tsr_axis *labels; /* of each swept key's values */
    const tsr_album *album;
    tsr_text *html;
} page;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static size_t count_done(const page *p)
{
    size_t done = 0;
    for (size_t i = 0; i < p->summary->n_points; i++)
        done += p->summary->points[i].done;
    return done;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* A finished run, whose environment and config stand for all; else any. */
static const json_t *example_of(const page *p)
{
    const tsr_results *results = p->summary->results;
    for (size_t i = 0; i < results->n_runs; i++)
        if (results->runs[i].done)
            return results->runs[i].record;
    return results->n_runs ? results->runs[0].record : NULL;
}

/* Head. */

static const char *config_text(const tsr_results *results, const char *dotted)
{
    const char *text = tsr_value_text(tsr_value_at(results->config, dotted));
    return text ? text : "";
}

static void write_what_varies(const page *p)
{
    const tsr_results *results = p->summary->results;
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_html_add(p->html, "%s<code>%s</code> (%zu value%s)",
                     k ? ", " : "; swept: ", results->keys[k].name, results->keys[k].n,
                     plural(results->keys[k].n));
}

static void write_header(const page *p)
{
    const tsr_results *results = p->summary->results;
    const char *name = config_text(results, "name");
    size_t done = count_done(p);
    tsr_html_add(p->html,
                 "<header>\n<p class=\"kind\">Tessera report</p>\n<h1>%s</h1>\n"
                 "<p class=\"lede\"><strong>%zu of %zu run%s done</strong>",
                 *name ? name : "experiment", done, results->expected, plural(results->expected));
    if (results->n_runs > done)
        tsr_html_add(p->html, ", <strong class=\"bad\">%zu failed</strong>", results->n_runs - done);
    if (results->expected > results->n_runs)
        tsr_html_add(p->html, ", %zu not done yet", results->expected - results->n_runs);
    if (results->foreign)
        tsr_html_add(p->html, "; %zu in the folder are no part of this sweep and are left out",
                     results->foreign);
    tsr_html_add(p->html, ". Dataset <code>%s</code>, model <code>%s</code>",
                 config_text(results, "dataset.plugin"), config_text(results, "model.plugin"));
    write_what_varies(p);
    tsr_html_add(p->html, ".</p>\n</header>\n");
}

static void write_contents(const page *p)
{
    tsr_html_add(p->html, "<nav aria-label=\"Contents\"><ul>\n");
    for (size_t s = 0; s < p->album->n; s++)
        if (p->album->sections[s].n && !p->album->sections[s].folded)
            tsr_html_add(p->html, "<li><a href=\"#%s\">%s</a></li>\n", p->album->sections[s].id,
                         p->album->sections[s].title);
    tsr_html_add(p->html,
                 "<li><a href=\"#table\">Table</a></li>\n<li><a href=\"#run\">What was run</a></li>\n"
                 "</ul></nav>\n");
}

static void write_failures(const page *p)
{
    const tsr_results *results = p->summary->results;
    size_t failed = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        const json_t *record = results->runs[i].record;
        if (results->runs[i].done || failed++ >= MOST_FAILURES)
            continue;
        if (failed == 1)
            tsr_html_add(
                p->html,
                "<section id=\"failed\">\n<h2>Runs that failed</h2>\n<div class=\"scroll\"><table>\n"
                "<thead><tr><th>Run</th><th>Point</th><th>Seed</th><th>Status</th><th>Reason</th></tr>"
                "</thead>\n<tbody>\n");
        tsr_text swept = { 0 };
        tsr_print_value(results->runs[i].swept, &swept);
        tsr_html_add(p->html,
                     "<tr><td><code>%s</code></td><td>%s</td><td class=\"n\">%zu</td><td>%s</td>"
                     "<td class=\"reason\">%s</td></tr>\n",
                     text_of(record, "run"), swept.chars,
                     (size_t)json_integer_value(json_object_get(record, "seed")), text_of(record, "status"),
                     text_of(record, "error"));
        free(swept.chars);
    }
    if (failed)
        tsr_html_add(p->html, "</tbody></table></div>\n");
    if (failed > MOST_FAILURES)
        tsr_html_add(p->html, "<p>%zu more failed; their run.json says why.</p>\n", failed - MOST_FAILURES);
    if (failed)
        tsr_html_add(p->html, "</section>\n");
}

/* Figures. */

static void write_legend(const page *p, const tsr_figure *figure)
{
    static const char *const dashes[TSR_DASHES] = { "solid", "dashed", "dotted" };
    if (figure->n_legend == 0)
        return;
    tsr_html_add(p->html, "<ul class=\"legend\">");
    if (figure->legend_title)
        tsr_html_add(p->html, "<li class=\"key\">%s</li>", figure->legend_title);
    for (size_t i = 0; i < figure->n_legend; i++) {
        const tsr_style *style = &figure->legend[i].style;
        tsr_text_add(p->html, "<li><span style=\"border-top:3px %s var(--%c%u)\"></span>",
                     dashes[style->dash % TSR_DASHES], style->ramp ? 'r' : 'c', style->colour);
        tsr_html_add(p->html, "%s</li>", figure->legend[i].text);
    }
    tsr_html_add(p->html, "</ul>\n");
}

static void write_panel(const page *p, const tsr_panel *panel)
{
    tsr_html_add(p->html, "<div class=\"panel\">");
    if (*panel->title)
        tsr_html_add(p->html, "<p class=\"title\">%s</p>", panel->title);
    if (panel->svg)
        tsr_text_add(p->html, "%s", panel->svg);
    else
        tsr_html_add(p->html, "<p class=\"missing\">Not drawn.</p>");
    tsr_html_add(p->html, "</div>\n");
}

static void write_figure(const page *p, const tsr_figure *figure)
{
    tsr_html_add(p->html, "<figure class=\"%s\">\n<figcaption>%s</figcaption>\n",
                 figure->n_panels > 4   ? "wide large"
                 : figure->n_panels > 1 ? "wide"
                                        : "",
                 figure->title);
    write_legend(p, figure);
    tsr_html_add(p->html, "<div class=\"panels\">\n");
    for (size_t i = 0; i < figure->n_panels; i++)
        write_panel(p, &figure->panels[i]);
    tsr_html_add(p->html, "</div>\n");
    if (figure->caption)
        tsr_html_add(p->html, "<p class=\"note\">%s</p>\n", figure->caption);
    tsr_html_add(p->html, "</figure>\n");
}

static void write_figures(const page *p)
{
    for (size_t s = 0; s < p->album->n; s++) {
        const tsr_section *section = &p->album->sections[s];
        if (section->n == 0)
            continue;
        if (section->folded)
            tsr_html_add(p->html, "<details class=\"fold\" id=\"%s\"><summary>%s (%zu figure%s)</summary>\n",
                         section->id, section->title, section->n, plural(section->n));
        else
            tsr_html_add(p->html, "<section id=\"%s\">\n<h2>%s</h2>\n", section->id, section->title);
        tsr_html_add(p->html, "<p class=\"intro\">%s</p>\n<div class=\"figures\">\n", section->introduction);
        for (size_t f = 0; f < section->n; f++)
            write_figure(p, &section->figures[f]);
        tsr_html_add(p->html, section->folded ? "</div>\n</details>\n" : "</div>\n</section>\n");
    }
}

static void write_no_figures(const page *p)
{
    if (p->album->no_gnuplot)
        tsr_html_add(
            p->html,
            "<p class=\"notice\"><strong>No plots:</strong> gnuplot was not found when this page was made. "
            "Install it (Debian: <code>apt-get install gnuplot-nox</code>) and run "
            "<code>tessera report %s</code>.</p>\n",
            p->summary->results->folder);
    else
        tsr_html_add(p->html, "<p class=\"notice\"><strong>Plots are missing:</strong> %s</p>\n",
                     p->album->trouble);
}

/* Tables. */

/* A mean of as many values as there are `runs` needs no n of its own. */
static void write_cell(const page *p, const tsr_statistic *s, size_t runs, int decimals)
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
static void write_heading(const page *p, const char *text)
{
    for (; text && *text; text++) {
        char piece[2] = { *text, '\0' };
        tsr_html_escape(piece, p->html);
        tsr_text_add(p->html, "%s", *text == '.' || *text == '_' ? "<wbr>" : "");
    }
}

static void write_point_head(const page *p, bool headline)
{
    const tsr_results *results = p->summary->results;
    tsr_html_add(p->html, "<thead><tr>");
    for (size_t k = 0; k < results->n_keys; k++) {
        tsr_html_add(p->html, "<th class=\"%s\">", p->labels[k].numeric ? "n" : "");
        write_heading(p, results->keys[k].name);
        tsr_html_add(p->html, "</th>");
    }
    tsr_html_add(p->html, "<th class=\"n\">epoch</th><th class=\"n\">n</th>");
    for (size_t m = 0; m < p->summary->results->n_measures; m++)
        if (tsr_measure_is_headline(&p->summary->results->measures[m]) == headline) {
            tsr_html_add(p->html, "<th class=\"n\">");
            write_heading(p, p->summary->results->measures[m].name);
            tsr_html_add(p->html, "</th>");
        }
    tsr_html_add(p->html, "</tr></thead>\n");
}

static void write_point(const page *p, size_t point, bool headline)
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
static void write_points(const page *p, bool headline)
{
    tsr_html_add(p->html, "<div class=\"scroll\"><table class=\"numbers\">\n");
    write_point_head(p, headline);
    tsr_html_add(p->html, "<tbody>\n");
    for (size_t i = 0; i < p->summary->n_points && i < MOST_ROWS; i++)
        write_point(p, i, headline);
    tsr_html_add(p->html, "</tbody></table></div>\n");
    if (p->summary->n_points > MOST_ROWS)
        tsr_html_add(p->html, "<p>%zu more points are in summary.csv.</p>\n",
                     p->summary->n_points - MOST_ROWS);
}

/* One point: metrics down, snapshots across. */
static void write_snapshots(const page *p, bool headline)
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

static void write_table(const page *p, bool headline)
{
    if (p->summary->n_points == 1)
        write_snapshots(p, headline);
    else
        write_points(p, headline);
}

static void write_tables(const page *p)
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
        "<p class=\"intro\">Means over the replicates%s; %s. <code>summary.csv</code> has every snapshot "
        "and standard deviations, <code>results.csv</code> every run.</p>\n",
        p->summary->n_points == 1 ? "" : ", after the last epoch", TSR_INTERVAL_LEGEND);
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

/* What was run, and on what. */

static void write_config(const page *p)
{
    tsr_text config = { 0 };
    tsr_print_config(p->summary->results->config, &config);
    tsr_html_add(p->html,
                 "<details class=\"fold\"><summary>The experiment as resolved, every key</summary>\n"
                 "<pre>%s</pre>\n</details>\n",
                 config.chars ? config.chars : "");
    free(config.chars);
}

static void write_fact(const page *p, const char *what, const char *value)
{
    if (*value)
        tsr_html_add(p->html, "<dt>%s</dt><dd>%s</dd>\n", what, value);
}

static void write_count(const page *p, const char *what, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) > 0)
        tsr_html_add(p->html, "<dt>%s</dt><dd>%zu</dd>\n", what, (size_t)json_integer_value(value));
}

static void write_plugins(const page *p, const json_t *plugins)
{
    if (json_array_size(plugins) == 0)
        return;
    tsr_html_add(p->html,
                 "<div class=\"scroll\"><table>\n<thead><tr><th>Kind</th><th>Plugin</th><th>Version</th>"
                 "<th>File</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        tsr_html_add(p->html, "<tr><td>%s</td><td>%s</td><td>%s</td><td><code>%s</code></td></tr>\n",
                     text_of(plugin, "kind"), text_of(plugin, "name"), text_of(plugin, "version"),
                     text_of(plugin, "file"));
    }
    tsr_html_add(p->html, "</tbody></table></div>\n");
}

/* How many runs say something else of a key of their environment. */
static size_t count_others(const page *p, const json_t *environment, const char *key)
{
    const tsr_results *results = p->summary->results;
    size_t others = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        const json_t *other = json_object_get(results->runs[i].record, "environment");
        others += results->runs[i].done && strcmp(text_of(other, key), text_of(environment, key)) != 0;
    }
    return others;
}

static void write_environment(const page *p)
{
    const json_t *environment = json_object_get(example_of(p), "environment"),
                 *blas = json_object_get(environment, "blas");
    tsr_html_add(p->html, "<h3>Environment</h3>\n<dl>\n");
    write_fact(p, "Tessera", text_of(environment, "version"));
    write_fact(p, "Processor", text_of(environment, "cpu"));
    write_fact(p, "Vector extensions", text_of(environment, "cpu_features"));
    write_count(p, "Cores", json_object_get(environment, "cores"));
    write_count(p, "Threads of a run", json_object_get(environment, "threads"));
    write_fact(p, "BLAS", text_of(blas, "config"));
    write_fact(p, "BLAS core", text_of(blas, "core"));
    write_count(p, "BLAS threads", json_object_get(blas, "threads"));
    write_fact(p, "Hamming kernel", text_of(environment, "hamming_kernel"));
    tsr_html_add(p->html, "</dl>\n");
    size_t versions = count_others(p, environment, "version"), machines = count_others(p, environment, "cpu");
    if (versions || machines)
        tsr_html_add(
            p->html,
            "<p class=\"notice\">This is the first run's. %zu runs were done by another version, %zu on "
            "another processor.</p>\n",
            versions, machines);
    write_plugins(p, json_object_get(environment, "plugins"));
}

static void write_runs(const page *p)
{
    const tsr_results *results = p->summary->results;
    double seconds = 0;
    for (size_t i = 0; i < results->n_runs; i++)
        seconds +=
            json_number_value(json_object_get(json_object_get(results->runs[i].record, "seconds"), "total"));
    tsr_html_add(p->html, "<section id=\"run\">\n<h2>What was run</h2>\n<dl>\n");
    tsr_html_add(p->html, "<dt>Runs</dt><dd>%zu of %zu done</dd>\n<dt>Points</dt><dd>%zu</dd>\n",
                 count_done(p), results->expected, p->summary->n_points);
    tsr_text_add(p->html, "<dt>Time of all runs together</dt><dd>%.1f s</dd>\n</dl>\n", seconds);
    write_config(p);
    write_environment(p);
    tsr_html_add(p->html, "</section>\n");
}

void tsr_page_write(const tsr_study *study, const tsr_album *album, tsr_text *html)
{
    page p = { study->summary, study->keys, album, html };
    tsr_html_add(html,
                 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n"
                 "<title>%s · Tessera report</title>\n<style>\n",
                 config_text(study->summary->results, "name"));
    tsr_text_add(html, "%s", tsr_page_style);
    tsr_html_add(html, "</style>\n</head>\n<body>\n");
    write_header(&p);
    write_contents(&p);
    tsr_html_add(html, "<main>\n");
    if (album->trouble)
        write_no_figures(&p);
    write_failures(&p);
    if (!album->no_gnuplot)
        write_figures(&p);
    write_tables(&p);
    write_runs(&p);
    tsr_html_add(html, "</main>\n</body>\n</html>\n");
}
