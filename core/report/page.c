/* The page: what was run and what came of it, figures first, then tables. All text that is not the report's
   own comes through tsr_html_escape. */
#include "report/page_parts.h"

#include "base/memory.h"
#include "config/print.h"
#include "report/html.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *tsr_page_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

size_t tsr_page_count_done(const tsr_report_page *p)
{
    size_t done = 0;
    for (size_t i = 0; i < p->summary->n_points; i++)
        done += p->summary->points[i].done;
    return done;
}

const char *tsr_page_plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* Head. */

static const char *config_text(const tsr_results *results, const char *dotted)
{
    const char *text = tsr_value_text(tsr_value_at(results->config, dotted));
    return text ? text : "";
}

static void write_what_varies(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_html_add(p->html, "%s<code>%s</code> (%zu value%s)",
                     k ? ", " : "; swept: ", results->keys[k].name, results->keys[k].n,
                     tsr_page_plural(results->keys[k].n));
}

static void write_header(const tsr_report_page *p)
{
    const tsr_results *results = p->summary->results;
    const char *name = config_text(results, "name");
    size_t done = tsr_page_count_done(p);
    tsr_html_add(p->html,
                 "<header>\n<p class=\"kind\">Tessera %s</p>\n<h1>%s</h1>\n"
                 "<p class=\"lede\"><strong>%zu of %zu run%s done</strong>",
                 tsr_is_comparison(results) ? "comparison" : "report", *name ? name : "experiment", done,
                 results->expected, tsr_page_plural(results->expected));
    if (results->n_runs > done)
        tsr_html_add(p->html, ", <strong class=\"bad\">%zu failed</strong>", results->n_runs - done);
    if (results->expected > results->n_runs)
        tsr_html_add(p->html, ", %zu not done yet", results->expected - results->n_runs);
    if (results->foreign)
        tsr_html_add(p->html, "; %zu in the folder are no part of this sweep and are left out",
                     results->foreign);
    if (!tsr_is_comparison(results)) /* else they may differ */
        tsr_html_add(p->html, ". Dataset <code>%s</code>, model <code>%s</code>",
                     config_text(results, "dataset.plugin"), config_text(results, "model.plugin"));
    write_what_varies(p);
    tsr_html_add(p->html, ".</p>\n</header>\n");
}

static void write_contents(const tsr_report_page *p, bool pictures, bool ranks)
{
    const struct {
        bool is_there;
        const char *id, *title;
    } others[] = { { pictures, "pictures", "Pictures" }, { ranks, "ranks", "Rank correlation" },
                   { true, "table", "Table" },           { true, "runs", "Runs" },
                   { true, "run", "What was run" },      { true, "cite", "How to cite" } };
    tsr_html_add(p->html, "<nav aria-label=\"Contents\"><ul>\n");
    if (tsr_is_comparison(p->summary->results))
        tsr_html_add(p->html, "<li><a href=\"#differences\">Differences</a></li>\n"
                              "<li><a href=\"#contrast\">What differs</a></li>\n");
    for (size_t s = 0; s < p->album->n; s++)
        if (p->album->sections[s].n && !p->album->sections[s].folded)
            tsr_html_add(p->html, "<li><a href=\"#%s\">%s</a></li>\n", p->album->sections[s].id,
                         p->album->sections[s].title);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (others[i].is_there)
            tsr_html_add(p->html, "<li><a href=\"#%s\">%s</a></li>\n", others[i].id, others[i].title);
    tsr_html_add(p->html, "</ul></nav>\n");
}

/* Figures. */

static void write_legend(const tsr_report_page *p, const tsr_figure *figure)
{
    static const char *const dashes[TSR_DASHES] = { "solid", "dashed", "dotted" };
    if (figure->n_legend == 0)
        return;
    tsr_html_add(p->html, "<ul class=\"legend\">");
    if (figure->legend_title)
        tsr_html_add(p->html, "<li class=\"key\">%s</li>", figure->legend_title);
    for (size_t i = 0; i < figure->n_legend; i++) {
        const tsr_style *style = &figure->legend[i].style;
        tsr_text_add(p->html,
                     "<li><button type=\"button\" data-entry=\"%zu\" aria-pressed=\"true\">"
                     "<i style=\"border-top:3px %s var(--%c%u)\"></i>",
                     i, dashes[style->dash % TSR_DASHES], style->ramp ? 'r' : 'c', style->colour);
        tsr_html_add(p->html, "%s</button></li>", figure->legend[i].text);
    }
    tsr_html_add(p->html, "</ul>\n");
}

/* A choice of axes, where a panel has two. */
static void write_axis(const tsr_report_page *p, const tsr_figure *figure)
{
    size_t others = 0;
    for (size_t i = 0; i < figure->n_panels; i++)
        others += figure->panels[i].form.other_axis;
    if (others)
        tsr_html_add(p->html, "<label class=\"axis\"><input type=\"checkbox\"> logarithmic axis, with means "
                              "and intervals of the logarithm</label>\n");
}

static void write_panel(const tsr_report_page *p, const tsr_panel *panel)
{
    tsr_html_add(p->html, panel->form.other_axis ? "<div class=\"panel other\">" : "<div class=\"panel\">");
    if (*panel->title)
        tsr_html_add(p->html, "<p class=\"title\">%s</p>", panel->title);
    if (panel->svg)
        tsr_text_add(p->html, "%s", panel->svg);
    else
        tsr_html_add(p->html, "<p class=\"missing\">Not drawn.</p>");
    if (panel->svg && panel->n_data)
        tsr_page_write_data(panel, p->html);
    tsr_html_add(p->html, "</div>\n");
}

static void write_figure(const tsr_report_page *p, const tsr_figure *figure)
{
    size_t n_panels = 0;
    for (size_t i = 0; i < figure->n_panels; i++)
        n_panels += !figure->panels[i].form.other_axis;
    tsr_html_add(p->html, "<figure class=\"%s\">\n<figcaption>%s</figcaption>\n",
                 n_panels > 4   ? "wide large"
                 : n_panels > 1 ? "wide"
                                : "",
                 figure->title);
    write_legend(p, figure);
    write_axis(p, figure);
    tsr_html_add(p->html, "<div class=\"panels\">\n");
    for (size_t i = 0; i < figure->n_panels; i++)
        write_panel(p, &figure->panels[i]);
    tsr_html_add(p->html, "</div>\n");
    if (figure->caption)
        tsr_html_add(p->html, "<p class=\"note\">%s</p>\n", figure->caption);
    tsr_html_add(p->html, "</figure>\n");
}

static void write_figures(const tsr_report_page *p)
{
    for (size_t s = 0; s < p->album->n; s++) {
        const tsr_section *section = &p->album->sections[s];
        if (section->n == 0)
            continue;
        if (section->folded)
            tsr_html_add(p->html, "<details class=\"fold\" id=\"%s\"><summary>%s (%zu figure%s)</summary>\n",
                         section->id, section->title, section->n, tsr_page_plural(section->n));
        else
            tsr_html_add(p->html, "<section id=\"%s\">\n<h2>%s</h2>\n", section->id, section->title);
        tsr_html_add(p->html, "<p class=\"intro\">%s</p>\n<div class=\"figures\">\n", section->introduction);
        for (size_t f = 0; f < section->n; f++)
            write_figure(p, &section->figures[f]);
        tsr_html_add(p->html, section->folded ? "</div>\n</details>\n" : "</div>\n</section>\n");
    }
}

static void write_no_figures(const tsr_report_page *p)
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

static void write_live(int seconds, tsr_text *html)
{
    char moment[64] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts))
        strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M:%S", &parts);
    tsr_html_add(html,
                 "<p class=\"notice\"><strong>Runs are being done.</strong> This is what was finished by %s; "
                 "the page is "
                 "made anew every %zu s until all are.</p>\n",
                 moment, (size_t)seconds);
}

/* What was written before its place came. */
static void take_section(tsr_text *section, tsr_text *html)
{
    tsr_text_add_span(html, section->chars ? section->chars : "", section->length);
    html->failed = html->failed || section->failed;
    free(section->chars);
}

void tsr_page_write(const tsr_study *study, const tsr_album *album, const char *folder, int live,
                    tsr_text *html)
{
    tsr_report_page p = { .summary = study->summary,
                          .labels = study->keys,
                          .n_epochs = study->epochs.n,
                          .epochs = study->epoch_list,
                          .album = album,
                          .folder = folder,
                          .html = html };
    tsr_html_add(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (live)
        tsr_text_add(html, "<meta http-equiv=\"refresh\" content=\"%d\">\n", live);
    tsr_html_add(html, "<title>%s · Tessera report</title>\n<style>\n",
                 config_text(study->summary->results, "name"));
    tsr_text_add(html, "%s", tsr_page_style);
    tsr_html_add(html, "</style>\n</head>\n<body>\n");
    write_header(&p);
    if (live)
        write_live(live, html);
    tsr_text pictures = { 0 }, ranks = { 0 };
    p.html = &pictures;
    bool has_pictures = tsr_page_write_pictures(&p);
    p.html = &ranks;
    bool has_ranks = tsr_page_write_ranks(&p);
    p.html = html;
    write_contents(&p, has_pictures, has_ranks);
    tsr_html_add(html, "<main>\n");
    if (album->trouble)
        write_no_figures(&p);
    tsr_page_write_failures(&p);
    if (tsr_is_comparison(p.summary->results))
        tsr_page_write_comparison(&p);
    if (!album->no_gnuplot)
        write_figures(&p);
    take_section(&pictures, html);
    take_section(&ranks, html);
    tsr_page_write_tables(&p);
    tsr_page_write_runs(&p);
    tsr_page_write_subject(&p);
    tsr_page_write_citation(&p);
    tsr_html_add(html, "</main>\n<script>\n");
    tsr_text_add(html, "%s", tsr_page_script);
    tsr_html_add(html, "</script>\n</body>\n</html>\n");
}
