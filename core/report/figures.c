/* Figures as files. gnuplot draws all of them in one run into a folder beside the others, from which they are
   moved when all are there. */
#include "report/figures.h"

#include "base/file.h"
#include "base/memory.h"
#include "report/csv.h"
#include "report/gnuplot.h"
#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FONT_POINTS 7.0 /* as journals want it: 5 to 8 */
#define SMALL_POINTS 5.0
#define MILLIMETRES_OF_INCH 25.4
#define PNG_PIXELS_OF_INCH 600.0
#define SVG_UNITS_OF_INCH 190.0 /* so that text has the size that it has on the page, whose places fit */
#define MAX_SVG (64u << 20)
#define MAX_NAME 120 /* bytes, without the ending */

/* Room of a drawing that its own titles and legend take, as fractions of its width. */
#define COLOUR_BOX 0.025 /* whose numbers are larger than on the page */
#define TITLE_LEFT 0.05
#define TITLE_BELOW 0.035
#define TITLE_LEFT_OF_POWERS 0.09 /* 0.0001 */
#define ROW_HEIGHT 0.045          /* of a legend */
#define ROW_ENTRIES 3

const char *const tsr_figure_formats[TSR_N_FIGURE_FORMATS + 1] = { "svg", "pdf", "png", NULL };

typedef struct exported {
    char *name; /* of the panel's files, without the ending */
    const tsr_figure *figure;
    const tsr_panel *panel;
} exported;

typedef struct job {
    const tsr_figure_options *options;
    const char *folder;
    char *part; /* the folder where files are until all are there */
    size_t n;
    exported *panels;
} job;

/* --- names --- */

/* Letters, digits, dots and underscores; a minus for each run of others. */
static void add_word(const char *text, tsr_text *name)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || *text == '.' || *text == '_';
        if (plain)
            tsr_text_add(name, "%c", *text);
        else if (name->length && name->chars[name->length - 1] != '-')
            tsr_text_add(name, "-");
    }
}

/* The panel's name; with a number where another one has it already. */
static char *name_of(const job *j, const tsr_panel *panel)
{
    tsr_text name = { 0 };
    add_word(panel->form.name, &name);
    if (name.length > MAX_NAME)
        name.chars[MAX_NAME] = '\0';
    size_t twins = 0;
    for (size_t i = 0; name.chars && i < j->n; i++) {
        size_t length = strlen(name.chars);
        twins += strncmp(j->panels[i].name, name.chars, length) == 0 &&
                 (!j->panels[i].name[length] || j->panels[i].name[length] == '+');
    }
    if (!twins || !name.chars)
        return name.chars;
    char *numbered = tsr_format("%s+%zu", name.chars, twins + 1);
    free(name.chars);
    return numbered;
}

static tsr_status *add_panel(job *j, const tsr_figure *figure, const tsr_panel *panel)
{
    if (panel->form.other_axis)
        return NULL;
    exported *grown = reallocarray(j->panels, j->n + 1, sizeof(*grown));
    if (!grown)
        return tsr_no_memory("the figures");
    j->panels = grown;
    char *name = name_of(j, panel);
    if (!name)
        return tsr_no_memory("the figures");
    j->panels[j->n++] = (exported){ name, figure, panel };
    return NULL;
}

static tsr_status *list_panels(job *j, const tsr_album *album)
{
    for (size_t s = 0; s < album->n; s++)
        for (size_t f = 0; f < album->sections[s].n; f++) {
            const tsr_figure *figure = &album->sections[s].figures[f];
            for (size_t p = 0; p < figure->n_panels; p++)
                TSR_TRY(add_panel(j, figure, &figure->panels[p]));
        }
    return NULL;
}

/* --- the script --- */

/* A drawing of the panel's proportions, with room for what the page writes around it. */
typedef struct layout {
    double width, height; /* inches */
    double left, right, bottom, top;
    size_t rows; /* of the legend */
    bool titled; /* beyond the quantity's name */
} layout;

static layout layout_of(const job *j, const exported *e)
{
    const tsr_panel_form *form = &e->panel->form;
    layout out = { .width = j->options->width / MILLIMETRES_OF_INCH,
                   .right = form->right - (form->y_title ? COLOUR_BOX : 0) };
    out.rows = (e->figure->n_legend + ROW_ENTRIES - 1) / ROW_ENTRIES + (e->figure->legend_title != NULL);
    out.titled = *e->panel->title && strcmp(e->panel->title, form->quantity) != 0;
    double aspect = (double)form->height / (double)form->width,
           above = 0.03 + ROW_HEIGHT * (double)(out.rows + out.titled);
    bool map = form->y_title;
    out.left = form->left + (map ? 0 : form->y_logarithmic ? TITLE_LEFT_OF_POWERS : TITLE_LEFT);
    double whole = aspect + above + TITLE_BELOW;
    out.height = whole * out.width;
    out.bottom = (form->bottom * aspect + TITLE_BELOW) / whole;
    out.top = (form->top * aspect + TITLE_BELOW) / whole;
    return out;
}

static void add_terminal(const job *j, const layout *at, const char *name, tsr_text *script)
{
    switch (j->options->format) {
    case TSR_FIGURE_PDF:
        tsr_text_add(script,
                     "set terminal pdfcairo size %.4fin,%.4fin noenhanced font 'Helvetica,%.3g' lw 0.5\n",
                     at->width, at->height, FONT_POINTS);
        break;
    case TSR_FIGURE_PNG:
        tsr_text_add(script,
                     "set terminal pngcairo size %.0f,%.0f noenhanced font 'Helvetica,%.3g' fontscale %.4g "
                     "lw %.4g background rgb 'white'\n",
                     at->width * PNG_PIXELS_OF_INCH, at->height * PNG_PIXELS_OF_INCH, FONT_POINTS,
                     PNG_PIXELS_OF_INCH / 96, 0.5 * PNG_PIXELS_OF_INCH / 96);
        break;
    default:
        tsr_text_add(script, "set terminal svg size %.0f,%.0f noenhanced font 'Helvetica,%.3g' lw %.3g\n",
                     at->width * SVG_UNITS_OF_INCH, at->height * SVG_UNITS_OF_INCH,
                     FONT_POINTS * SVG_UNITS_OF_INCH / 72, SVG_UNITS_OF_INCH / 190);
    }
    char *file = tsr_format("%s/%s.%s", j->part, name, tsr_figure_formats[j->options->format]);
    script->failed = script->failed || !file;
    tsr_text_add(script, "set output ");
    for (const char *c = file ? file : ""; *c; c++) /* in single quotes, which are doubled */
        tsr_text_add(script, c == file ? "'%c%s" : "%c%s", *c, *c == '\'' ? "'" : "");
    tsr_text_add(script, "'\n");
    free(file);
}

/* The colour of a curve or of another thing on paper, of which the page has '#01' and a kind and a number;
   "#rrggbb". */
static void add_colour(unsigned kind, unsigned number, tsr_text *script)
{
    static const char *const others[] = { "#d8dce0", "#303030", "#101418" };
    char name[16];
    snprintf(name, sizeof(name), "--%c%u:", kind ? 'r' : 'c', number);
    const char *at = kind < 2 ? strstr(tsr_paper_colours, name) : NULL;
    if (at)
        at += strlen(name);
    else
        at = kind == 2 && number < 3 ? others[number] : "#000000";
    tsr_text_add(script, "%.7s", at);
}

/* The panel's script with colours and sizes of paper in place of the page's. */
static void add_for_paper(const tsr_text *panel, tsr_text *script)
{
    const char *at = panel->chars ? panel->chars : "";
    unsigned kind, number;
    while (*at) {
        size_t plain = strcspn(at, "'");
        tsr_text_add_span(script, at, plain);
        at += plain;
        if (strncmp(at, TSR_SMALL_FONT, strlen(TSR_SMALL_FONT)) == 0) {
            tsr_text_add(script, "',%.3g'", SMALL_POINTS);
            at += strlen(TSR_SMALL_FONT);
        } else if (strlen(at) >= 9 && at[8] == '\'' && sscanf(at, "'#01%2x%2x", &kind, &number) == 2) {
            tsr_text_add(script, "'");
            add_colour(kind, number, script);
            tsr_text_add(script, "'");
            at += 9;
        } else if (*at) {
            tsr_text_add_span(script, at++, 1);
        }
    }
}

static void add_script(const job *j, const exported *e, tsr_text *script)
{
    layout at = layout_of(j, e);
    const tsr_text look = { .chars = (char[]){ TSR_PLOT_LOOK } };
    tsr_text_add(script, "set output\nreset\nset encoding utf8\nset decimalsign '.'\n");
    add_terminal(j, &at, e->name, script);
    add_for_paper(&look, script);
    tsr_text_add(script,
                 "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset bmargin at screen %.4f\n"
                 "set tmargin at screen %.4f\n",
                 at.left, at.right, at.bottom, at.top);
    if (at.rows) {
        tsr_text_add(
            script,
            "set key at screen %.4f,0.995 left top horizontal Left reverse maxcols %d samplen 2 width 1\n",
            at.left, ROW_ENTRIES);
        if (e->figure->legend_title) {
            tsr_text_add(script, "set key title ");
            tsr_gnuplot_quote(e->figure->legend_title, script);
            tsr_text_add(script, " left\n");
        }
    } else {
        tsr_text_add(script, "unset key\n");
    }
    bool map = e->panel->form.y_title;
    if (map || at.titled) {
        tsr_text_add(script, "set label 99 ");
        tsr_gnuplot_quote(map ? e->panel->form.quantity : e->panel->title, script);
        tsr_text_add(script, " at graph 0,1 left offset 0,0.7\n");
    }
    if (!map) {
        tsr_text_add(script, "set ylabel ");
        tsr_gnuplot_quote(e->panel->form.quantity, script);
        tsr_text_add(script, "\n");
    }
    add_for_paper(&e->panel->script, script);
    script->failed = script->failed || e->panel->script.failed;
}

/* --- the files --- */

/* The numbers of a panel: what stands at the axes, of a cell its regime, the mean, the ends of its interval,
 * and n. */
static tsr_status *write_csv(const job *j, const exported *e)
{
    const tsr_panel *panel = e->panel;
    const char *legend = e->figure->legend_title ? e->figure->legend_title : "curve";
    bool has_legend = e->figure->n_legend > 0;
    tsr_text csv = { 0 };
    if (has_legend) {
        tsr_csv_add_text(legend, &csv);
        tsr_text_add(&csv, ",");
    }
    tsr_csv_add_text(panel->form.x_title, &csv);
    if (panel->form.bins)
        tsr_text_add(&csv, ",to");
    if (panel->form.y_title) {
        tsr_text_add(&csv, ",");
        tsr_csv_add_text(panel->form.y_title, &csv);
    }
    tsr_text_add(&csv, panel->form.y_title ? ",regime,mean,low,high,n\n" : ",mean,low,high,n\n");
    for (size_t i = 0; i < panel->n_data; i++) {
        const tsr_datum *d = &panel->data[i];
        if (has_legend) {
            tsr_csv_add_text(d->entry < e->figure->n_legend ? e->figure->legend[d->entry].text : "", &csv);
            tsr_text_add(&csv, ",");
        }
        tsr_csv_add_text(d->x_text, &csv);
        if (panel->form.bins)
            tsr_text_add(&csv, ",%s", d->x_end_text);
        if (panel->form.y_title) {
            tsr_text_add(&csv, ",");
            tsr_csv_add_text(d->y_text, &csv);
            tsr_text_add(&csv, ",");
            tsr_csv_add_text(d->word ? d->word : "", &csv);
        }
        const double numbers[] = { d->mean, d->low, d->high };
        for (size_t k = 0; k < 3; k++) {
            tsr_text_add(&csv, ",");
            tsr_csv_add_real(numbers[k], &csv);
        }
        tsr_text_add(&csv, ",%zu\n", d->n);
    }
    char *path = tsr_format("%s/%s.csv", j->part, e->name);
    tsr_status *status = !path || csv.failed ? tsr_no_memory("the figures") : NULL;
    if (!status)
        status = tsr_write_file(path, csv.chars, csv.length);
    free(path);
    free(csv.chars);
    return status;
}

static tsr_status *draw(const job *j)
{
    tsr_text script = { 0 };
    for (size_t i = 0; i < j->n; i++)
        add_script(j, &j->panels[i], &script);
    tsr_text_add(&script, "set output\n");
    if (script.failed) {
        free(script.chars);
        return tsr_no_memory("the figures");
    }
    char *output = NULL, *trouble = NULL;
    bool missing = false;
    tsr_status *status = tsr_gnuplot_run(script.chars, &output, &missing, &trouble);
    if (!status && missing)
        status = tsr_fail(TSR_IO, "figures need gnuplot, which was not found (Debian: gnuplot-nox)");
    else if (!status && trouble)
        status = tsr_fail(TSR_IO, "the figures cannot be drawn: %s", trouble);
    free(output);
    free(trouble);
    free(script.chars);
    return status;
}

/* A file of the part folder to its place. */
static tsr_status *move(const job *j, const char *name, const char *ending)
{
    char *from = tsr_format("%s/%s.%s", j->part, name, ending),
         *to = tsr_format("%s/%s.%s", j->folder, name, ending);
    tsr_status *status = from && to ? NULL : tsr_no_memory("the figures");
    if (!status && rename(from, to) != 0)
        status = tsr_fail(TSR_IO, "%s: cannot be written: %s", to, strerror(errno));
    free(from);
    free(to);
    return status;
}

/* Gives an SVG file, whose size gnuplot tells in units of its own, the size that it is to have on paper. */
static tsr_status *give_size(const job *j, const exported *e, const char *path)
{
    layout at = layout_of(j, e);
    char *text, *begin;
    size_t length;
    TSR_TRY(tsr_read_file(path, MAX_SVG, &text, &length));
    tsr_text out = { 0 };
    int own = 0;
    if ((begin = strstr(text, "width=\"")))
        sscanf(begin, "width=\"%*d\" height=\"%*d\"%n", &own);
    if (own)
        tsr_text_add(&out, "%.*swidth=\"%.2fmm\" height=\"%.2fmm\"%s", (int)(begin - text), text,
                     at.width * MILLIMETRES_OF_INCH, at.height * MILLIMETRES_OF_INCH, begin + own);
    tsr_status *status = out.failed ? tsr_no_memory("the figures") : NULL;
    if (!status && out.chars)
        status = tsr_write_file(path, out.chars, out.length);
    free(out.chars);
    free(text);
    return status;
}

/* Whether gnuplot wrote the file: it ends well even where it could not. */
static tsr_status *check_drawn(const job *j, const exported *e)
{
    char *path = tsr_format("%s/%s.%s", j->part, e->name, tsr_figure_formats[j->options->format]);
    tsr_status *status = path ? NULL : tsr_no_memory("the figures");
    if (!status && access(path, R_OK) != 0)
        status = tsr_fail(TSR_IO, "figure %s was not drawn: %s", e->name, strerror(errno));
    if (!status && j->options->format == TSR_FIGURE_SVG)
        status = give_size(j, e, path);
    free(path);
    return status;
}

static tsr_status *write_all(const job *j)
{
    TSR_TRY(draw(j));
    for (size_t i = 0; i < j->n; i++) {
        TSR_TRY(check_drawn(j, &j->panels[i]));
        TSR_TRY(write_csv(j, &j->panels[i]));
    }
    for (size_t i = 0; i < j->n; i++) {
        TSR_TRY(move(j, j->panels[i].name, tsr_figure_formats[j->options->format]));
        TSR_TRY(move(j, j->panels[i].name, "csv"));
    }
    return NULL;
}

static tsr_status *make_part(job *j)
{
    TSR_TRY(tsr_make_folder(j->folder));
    j->part = tsr_path_join(j->folder, ".part-XXXXXX");
    if (!j->part)
        return tsr_no_memory("the figures");
    if (mkdtemp(j->part))
        return NULL;
    tsr_status *status = tsr_fail(TSR_IO, "%s: no folder can be made in it: %s", j->folder, strerror(errno));
    free(j->part);
    j->part = NULL;
    return status;
}

static tsr_status *write_album(const tsr_album *album, const char *folder, const tsr_figure_options *options,
                               size_t *n)
{
    job j = { .options = options, .folder = folder };
    tsr_status *status = list_panels(&j, album);
    if (!status && j.n == 0)
        status = tsr_fail(TSR_REFUSED, "there is nothing to draw: no run is done, or nothing varies");
    if (!status)
        status = make_part(&j);
    if (!status)
        status = write_all(&j);
    if (j.part)
        tsr_status_free(tsr_remove_tree(j.part));
    *n = j.n;
    for (size_t i = 0; i < j.n; i++)
        free(j.panels[i].name);
    free(j.panels);
    free(j.part);
    return status;
}

tsr_status *tsr_report_write_figures(const tsr_summary *summary, const char *folder,
                                     const tsr_figure_options *options, size_t *n)
{
    tsr_album album = { 0 };
    tsr_study study;
    char *real = NULL;
    *n = 0;
    TSR_TRY(tsr_study_new(summary, &study));
    tsr_status *status = tsr_path_real(folder, &real);
    if (!status)
        status = tsr_study_plan(&study, &album);
    if (!status)
        status = write_album(&album, real, options, n);
    free(real);
    tsr_album_clear(&album);
    tsr_study_clear(&study);
    return status;
}
