/* The runs one by one: those that failed, with their reasons, and all in a table. */
#include "config/print.h"
#include "report/html.h"
#include "report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FAILURES 100 /* runs whose reason is told */
#define MAX_RUNS 500     /* of the table; results.csv has all */
#define MAX_VERTICES 60  /* of a curve in it */
#define SPARK_WIDTH 100.0
#define SPARK_HEIGHT 24.0

void tsr_page_write_failures(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    size_t failed = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        const json_t *record = results->runs[i].record;
        if (results->runs[i].done || failed++ >= MAX_FAILURES)
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
                     tsr_page_text(record, "run"), swept.chars,
                     (size_t)json_integer_value(json_object_get(record, "seed")),
                     tsr_page_text(record, "status"), tsr_page_text(record, "error"));
        free(swept.chars);
    }
    if (failed)
        tsr_html_add(p->html, "</tbody></table></div>\n");
    if (failed > MAX_FAILURES)
        tsr_html_add(p->html, "<p>%zu more failed; their run.json says why.</p>\n", failed - MAX_FAILURES);
    if (failed)
        tsr_html_add(p->html, "</section>\n");
}

/* The folder of a run, as a link. */
static void write_link(const tsr_report_page *p, const tsr_result *run)
{
    const char *id = tsr_page_text(run->record, "run"),
               *folder = tsr_is_comparison(p->summary->results) ? tsr_result_folder(p->summary->results, run)
                                                                : p->folder;
    tsr_text_add(p->html, "<td><a href=\"");
    for (const char *c = folder; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("/._-", *c);
        tsr_text_add(p->html, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    tsr_html_add(p->html, *folder ? "/runs/%s/\">" : "runs/%s/\">", id);
    tsr_html_add(p->html, "<code>%s</code></a></td>", id);
}

/* Its loss over the epochs, drawn small. */
static void write_spark(const tsr_report_page *p, const tsr_result *run)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t e = 0; e < run->n_trained; e++) {
        double loss = run->training[e * TSR_N_CURVES + TSR_CURVE_LOSS];
        low = fmin(low, loss);
        high = fmax(high, loss);
    }
    if (run->n_trained < 2 || !isfinite(low) || !isfinite(high)) {
        tsr_html_add(p->html, "<td></td>");
        return;
    }
    size_t n = run->n_trained < MAX_VERTICES ? run->n_trained : MAX_VERTICES;
    tsr_text_add(p->html,
                 "<td data-v=\"%.6g\"><svg class=\"spark\" viewBox=\"0 0 100 24\" role=\"img\" "
                 "aria-label=\"loss from %.3g to %.3g\"><title>training loss: %.3g to %.3g</title>"
                 "<polyline points=\"",
                 run->training[(run->n_trained - 1) * TSR_N_CURVES], run->training[0],
                 run->training[(run->n_trained - 1) * TSR_N_CURVES], run->training[0],
                 run->training[(run->n_trained - 1) * TSR_N_CURVES]);
    for (size_t i = 0; i < n; i++) {
        double loss = run->training[i * (run->n_trained - 1) / (n - 1) * TSR_N_CURVES + TSR_CURVE_LOSS];
        if (isfinite(loss))
            tsr_text_add(p->html, "%s%.1f,%.1f", i ? " " : "", (double)i / (double)(n - 1) * SPARK_WIDTH,
                         1 + (SPARK_HEIGHT - 2) * (high > low ? (high - loss) / (high - low) : 0.5));
    }
    tsr_html_add(p->html, "\"/></svg></td>");
}

static void write_run(const tsr_report_page *p, const tsr_result *run)
{
    const tsr_results *results = p->summary->results;
    const json_t *record = run->record;
    tsr_html_add(p->html, "<tr>");
    write_link(p, run);
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_html_add(p->html, p->labels[k].numeric ? "<td class=\"n\">%s</td>" : "<td>%s</td>",
                     p->labels[k].labels[run->place[k]]);
    tsr_html_add(p->html, "<td class=\"n\">%zu</td><td>%s</td>",
                 (size_t)json_integer_value(json_object_get(record, "seed")),
                 tsr_page_text(record, "status"));
    tsr_text_add(p->html, "<td class=\"n\">%.2f</td><td class=\"n\">%.0f</td>",
                 json_number_value(json_object_get(json_object_get(record, "seconds"), "total")),
                 json_number_value(json_object_get(record, "peak_memory")) / (1 << 20));
    write_spark(p, run);
    for (size_t m = 0; m < results->n_measures; m++) {
        if (!tsr_measure_is_headline(&results->measures[m]))
            continue;
        double value = run->n_snapshots ? run->cells[(run->n_snapshots - 1) * results->n_measures + m] : NAN;
        if (isnan(value))
            tsr_html_add(p->html, "<td class=\"n\">–</td>");
        else
            tsr_text_add(p->html, "<td class=\"n\">%.*f</td>", tsr_summary_decimals(p->summary, m), value);
    }
    tsr_html_add(p->html, "</tr>\n");
}

void tsr_page_write_runs(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    size_t shown = results->n_runs < MAX_RUNS ? results->n_runs : MAX_RUNS;
    tsr_html_add(p->html,
                 "<section id=\"runs\">\n<h2>Runs</h2>\n<p class=\"intro\">Each run with its folder, "
                 "its training loss, and its metrics after the last epoch.</p>\n"
                 "<details class=\"fold\"><summary>%zu run%s</summary>\n<div class=\"scroll\">"
                 "<table class=\"rows\">\n<thead><tr><th>run</th>",
                 shown, tsr_page_plural(shown));
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_page_write_heading(p, results->keys[k].name, p->labels[k].numeric);
    tsr_html_add(p->html, "<th class=\"n\">seed</th><th>status</th><th class=\"n\">seconds</th>"
                          "<th class=\"n\">MiB</th><th>training loss</th>");
    for (size_t m = 0; m < results->n_measures; m++)
        if (tsr_measure_is_headline(&results->measures[m]))
            tsr_page_write_heading(p, results->measures[m].name, true);
    tsr_html_add(p->html, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < shown; i++)
        write_run(p, &results->runs[i]);
    tsr_html_add(p->html, "</tbody></table></div>\n");
    if (results->n_runs > shown)
        tsr_html_add(p->html, "<p>%zu more are in results.csv.</p>\n", results->n_runs - shown);
    tsr_html_add(p->html, "</details>\n</section>\n");
}
