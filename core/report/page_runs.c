/* What was run, on what, and how to cite it, as the page's end. */
#include "config/print.h"
#include "report/html.h"
#include "report/page_parts.h"

#include <stdlib.h>
#include <string.h>

/* A finished run, whose environment and config stand for all; else any. */
static const json_t *example_of(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    for (size_t i = 0; i < results->n_runs; i++)
        if (results->runs[i].done)
            return results->runs[i].record;
    return results->n_runs ? results->runs[0].record : NULL;
}

static void write_config(const tsr_report_page *p)
{
    tsr_text config = { 0 };
    tsr_print_config(p->summary->results->config, &config);
    tsr_html_add(p->html,
                 "<details class=\"fold\"><summary>The experiment as resolved, every key</summary>\n"
                 "<pre>%s</pre>\n</details>\n",
                 config.chars ? config.chars : "");
    p->html->failed = p->html->failed || config.failed;
    free(config.chars);
}

static void write_fact(const tsr_report_page *p, const char *what, const char *value)
{
    if (*value)
        tsr_html_add(p->html, "<dt>%s</dt><dd>%s</dd>\n", what, value);
}

static void write_count(const tsr_report_page *p, const char *what, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) > 0)
        tsr_html_add(p->html, "<dt>%s</dt><dd>%zu</dd>\n", what, (size_t)json_integer_value(value));
}

static void write_plugins(const tsr_report_page *p, const json_t *plugins)
{
    if (json_array_size(plugins) == 0)
        return;
    tsr_html_add(p->html,
                 "<div class=\"scroll\"><table>\n<thead><tr><th>Kind</th><th>Plugin</th><th>Version</th>"
                 "<th>File</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        tsr_html_add(p->html, "<tr><td>%s</td><td>%s</td><td>%s</td><td><code>%s</code></td></tr>\n",
                     tsr_page_text(plugin, "kind"), tsr_page_text(plugin, "name"),
                     tsr_page_text(plugin, "version"), tsr_page_text(plugin, "file"));
    }
    tsr_html_add(p->html, "</tbody></table></div>\n");
}

/* How many runs say something else of a key of their environment. */
static size_t count_others(const tsr_report_page *p, const json_t *environment, const char *key)
{
    const tsr_results *results = p->summary->results;
    size_t others = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        const json_t *other = json_object_get(results->runs[i].record, "environment");
        others +=
            results->runs[i].done && strcmp(tsr_page_text(other, key), tsr_page_text(environment, key)) != 0;
    }
    return others;
}

static void write_environment(const tsr_report_page *p)
{
    const json_t *environment = json_object_get(example_of(p), "environment"),
                 *blas = json_object_get(environment, "blas");
    tsr_html_add(p->html, "<h3>Environment</h3>\n<dl>\n");
    write_fact(p, "Tessera", tsr_page_text(environment, "version"));
    write_fact(p, "Processor", tsr_page_text(environment, "cpu"));
    write_fact(p, "Vector extensions", tsr_page_text(environment, "cpu_features"));
    write_fact(p, "Kernels", tsr_page_text(environment, "kernels"));
    write_count(p, "Cores", json_object_get(environment, "cores"));
    write_count(p, "Threads of a run", json_object_get(environment, "threads"));
    write_fact(p, "BLAS", tsr_page_text(blas, "config"));
    write_fact(p, "BLAS core", tsr_page_text(blas, "core"));
    write_count(p, "BLAS threads", json_object_get(blas, "threads"));
    write_fact(p, "Hamming kernel", tsr_page_text(environment, "hamming_kernel"));
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

void tsr_page_write_subject(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    double seconds = 0;
    for (size_t i = 0; i < results->n_runs; i++)
        seconds +=
            json_number_value(json_object_get(json_object_get(results->runs[i].record, "seconds"), "total"));
    tsr_html_add(p->html, "<section id=\"run\">\n<h2>What was run</h2>\n<dl>\n");
    tsr_html_add(p->html, "<dt>Runs</dt><dd>%zu of %zu done</dd>\n<dt>Points</dt><dd>%zu</dd>\n",
                 tsr_page_count_done(p), results->expected, p->summary->n_points);
    tsr_text_add(p->html, "<dt>Time of all runs together</dt><dd>%.1f s</dd>\n</dl>\n", seconds);
    if (tsr_is_comparison(results))
        tsr_page_write_configs(p);
    else
        write_config(p);
    write_environment(p);
    tsr_html_add(p->html, "</section>\n");
}

static const char paper[] = "@article{he2021hash,\n"
                            "  title  = {Neural networks behave as hash encoders: an empirical study},\n"
                            "  author = {He, Fengxiang and Lei, Shiye and Ji, Jianmin and Tao, Dacheng},\n"
                            "  year   = {2021}, note = {arXiv:2101.05490}\n}\n";

void tsr_page_write_citation(const tsr_report_page *p)
{
    const json_t *environment = json_object_get(example_of(p), "environment");
    const char *version = tsr_page_text(environment, "version"),
               *revision = tsr_page_text(environment, "revision");
    tsr_html_add(p->html,
                 "<section id=\"cite\">\n<h2>How to cite</h2>\n<pre>"
                 "@software{tessera,\n  title   = {Tessera: neural networks as hash encoders},\n"
                 "  author  = {{The Tessera developers}},\n  version = {%s}",
                 *version ? version : tsr_version());
    if (*revision)
        tsr_html_add(p->html, ", note = {revision %s}", revision);
    if (tsr_is_comparison(p->summary->results)) {
        tsr_html_add(p->html, "\n}\n%s</pre>\n</section>\n", paper);
        return;
    }
    tsr_html_add(p->html,
                 "\n}\n%s</pre>\n<p class=\"intro\">This study is <code>%s</code> in the records of "
                 "its runs; its config above, the data and the plugins' digests in "
                 "<code>run.json</code> make it anew.</p>\n</section>\n",
                 paper, p->summary->results->sweep);
}
