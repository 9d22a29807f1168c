/* The pictures that probes have drawn, of a few runs: SVG files among those that they saved, as images that
   may run no script and fetch nothing. */
#include "base/file.h"
#include "report/html.h"
#include "report/page_parts.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RUNS 3
#define MOST_BYTES (1u << 20)  /* of a picture */
#define MOST_IN_ALL (6u << 20) /* bytes of pictures */
#define MOST_OF_A_RUN 12       /* pictures */

typedef struct pictures {
    const tsr_report_page *page;
    size_t shown, of_run, bytes;
    size_t left_out; /* since they or all are too large */
} pictures;

/* Text in base 64 (RFC 4648). */
static void add_base64(const unsigned char *bytes, size_t n, tsr_text *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned triple = (unsigned)bytes[i] << 16;
        triple |= i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0;
        triple |= i + 2 < n ? bytes[i + 2] : 0;
        const char four[] = { digits[triple >> 18], digits[triple >> 12 & 63],
                              i + 1 < n ? digits[triple >> 6 & 63] : '=',
                              i + 2 < n ? digits[triple & 63] : '=' };
        tsr_text_add_span(out, four, sizeof(four));
    }
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int is_picture(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return is_shown(entry) && length > 4 && strcmp(entry->d_name + length - 4, ".svg") == 0;
}

/* The names in a folder, sorted; -1 where it cannot be read. */
static int list(const char *folder, int (*filter)(const struct dirent *), struct dirent ***out)
{
    *out = NULL;
    return scandir(folder, out, filter, alphasort);
}

static void free_list(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static void add_picture(pictures *p, const char *folder, const char *name, double epoch)
{
    if (p->of_run == MOST_OF_A_RUN || p->bytes >= MOST_IN_ALL) {
        p->left_out++;
        return;
    }
    char *path = tsr_path_join(folder, name), *bytes = NULL;
    size_t length;
    tsr_status *status = path ? tsr_read_given_file(path, "picture", MOST_BYTES, &bytes, &length) : NULL;
    if (status || !bytes || p->bytes + length > MOST_IN_ALL) {
        p->left_out++;
    } else {
        tsr_text *html = p->page->html;
        tsr_html_add(html, "<div class=\"panel\"><p class=\"title\">%s, ", name);
        tsr_text_add(html, "epoch %.0f</p><img alt=\"", epoch);
        tsr_html_add(html, "%s\" src=\"data:image/svg+xml;base64,", name);
        add_base64((const unsigned char *)bytes, length, html);
        tsr_text_add(html, "\"></div>\n");
        p->bytes += length;
        p->shown++;
        p->of_run++;
    }
    tsr_status_free(status);
    free(bytes);
    free(path);
}

/* Those that a probe drew at a snapshot. */
static void add_snapshot(pictures *p, const char *probe_folder, double epoch)
{
    struct dirent **names;
    char *folder = tsr_format("%s/epoch-%.0f", probe_folder, epoch);
    int n = folder ? list(folder, is_picture, &names) : -1;
    for (int i = 0; i < n; i++)
        add_picture(p, folder, names[i]->d_name, epoch);
    if (n >= 0)
        free_list(names, n);
    free(folder);
}

static void add_probe(pictures *p, const char *probes, const char *label, const tsr_result *run)
{
    char *folder = tsr_path_join(probes, label);
    for (size_t e = 0; folder && e < run->n_snapshots; e++)
        add_snapshot(p, folder, run->epochs[e]);
    free(folder);
}

static void begin_run(const pictures *p, const tsr_result *run)
{
    tsr_html_add(p->page->html, "<figure class=\"wide\">\n<figcaption>Run %s",
                 tsr_page_text(run->record, "run"));
    const tsr_results *results = p->page->summary->results;
    for (size_t k = 0; k < results->n_keys; k++)
        tsr_html_add(p->page->html, ", %s %s", results->keys[k].name,
                     p->page->labels[k].labels[run->place[k]]);
    tsr_html_add(p->page->html, "</figcaption>\n<div class=\"panels\">\n");
}

static void add_run(pictures *p, const tsr_result *run)
{
    char *probes = tsr_format("%s/runs/%s/probes", tsr_result_folder(p->page->summary->results, run),
                              tsr_page_text(run->record, "run"));
    struct dirent **labels;
    int n = probes ? list(probes, is_shown, &labels) : -1;
    size_t before = p->page->html->length;
    p->of_run = 0;
    begin_run(p, run);
    for (int i = 0; i < n; i++)
        add_probe(p, probes, labels[i]->d_name, run);
    if (n >= 0)
        free_list(labels, n);
    if (p->of_run)
        tsr_html_add(p->page->html, "</div>\n</figure>\n");
    else if (p->page->html->chars)
        p->page->html->chars[p->page->html->length = before] = '\0';
    free(probes);
}

/* The first finished replicate of points that are evenly picked. */
bool tsr_page_write_pictures(const tsr_report_page *page)
{
    const tsr_summary *summary = page->summary;
    size_t n = summary->n_points < MOST_RUNS ? summary->n_points : MOST_RUNS, before = page->html->length;
    pictures p = { .page = page };
    tsr_html_add(
        page->html,
        "<section id=\"pictures\">\n<h2>Pictures</h2>\n<p class=\"intro\">What probes have drawn, of "
        "one replicate of each configuration%s.</p>\n<div class=\"figures\">\n",
        summary->n_points > n ? " that is shown" : "");
    for (size_t i = 0; i < n; i++) {
        const tsr_point *point = &summary->points[n > 1 ? i * (summary->n_points - 1) / (n - 1) : 0];
        size_t run = point->first;
        while (run < point->first + point->n && !summary->results->runs[run].done)
            run++;
        if (run < point->first + point->n)
            add_run(&p, &summary->results->runs[run]);
    }
    tsr_html_add(page->html, "</div>\n");
    if (p.left_out)
        tsr_html_add(page->html, "<p class=\"note\">%zu more are in the runs' folders.</p>\n", p.left_out);
    tsr_html_add(page->html, "</section>\n");
    if (!p.shown && page->html->chars)
        page->html->chars[page->html->length = before] = '\0';
    return p.shown > 0;
}
