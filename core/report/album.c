/* The figures of a report. */
#include "report/album.h"

#include "base/memory.h"
#include "report/gnuplot.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more zeroed element; NULL, and the album has failed, without memory. */
static void *grow(tsr_album *album, void *elements, size_t n, size_t size)
{
    char *grown = album->failed ? NULL : realloc(elements, (n + 1) * size);
    if (!grown) {
        album->failed = true;
        return NULL;
    }
    memset(grown + n * size, 0, size);
    return grown;
}

/* As it is shown: nothing in it steers the page. */
static char *copy(tsr_album *album, const char *text)
{
    char *kept = text ? tsr_shown(strdup(text)) : NULL;
    album->failed = album->failed || (text && !kept);
    return kept;
}

/* NULL where there is none yet, or the album has failed. */
static tsr_figure *last_figure(const tsr_album *album)
{
    const tsr_section *section = album->n ? &album->sections[album->n - 1] : NULL;
    return !album->failed && section && section->n ? &section->figures[section->n - 1] : NULL;
}

void tsr_album_section(tsr_album *album, const char *title, const char *introduction, bool folded)
{
    tsr_section *grown = grow(album, album->sections, album->n, sizeof(*grown));
    if (!grown)
        return;
    album->sections = grown;
    tsr_section *section = &album->sections[album->n];
    section->id = tsr_format("figures-%zu", ++album->n);
    section->title = copy(album, title);
    section->introduction = copy(album, introduction);
    section->folded = folded;
    album->failed = album->failed || !section->id;
}

void tsr_album_figure(tsr_album *album, const char *title, const char *caption, const char *legend_title)
{
    if (album->failed || !album->n)
        return;
    tsr_section *section = &album->sections[album->n - 1];
    tsr_figure *grown = grow(album, section->figures, section->n, sizeof(*grown));
    if (!grown)
        return;
    section->figures = grown;
    tsr_figure *figure = &section->figures[section->n++];
    figure->title = copy(album, title);
    figure->caption = copy(album, caption);
    figure->legend_title = copy(album, legend_title);
}

void tsr_album_legend(tsr_album *album, const char *text, tsr_style style)
{
    tsr_figure *figure = last_figure(album);
    tsr_legend_entry *grown = figure ? grow(album, figure->legend, figure->n_legend, sizeof(*grown)) : NULL;
    if (!grown)
        return;
    figure->legend = grown;
    figure->legend[figure->n_legend++] = (tsr_legend_entry){ copy(album, text), style };
}

tsr_panel *tsr_album_panel(tsr_album *album, const char *title, const char *alt, const tsr_panel_form *form)
{
    tsr_figure *figure = last_figure(album);
    tsr_panel *grown = figure ? grow(album, figure->panels, figure->n_panels, sizeof(*grown)) : NULL;
    if (!grown)
        return NULL;
    figure->panels = grown;
    tsr_panel *panel = &figure->panels[figure->n_panels++];
    panel->form = *form;
    panel->title = copy(album, title);
    panel->alt = copy(album, alt);
    panel->form.name = copy(album, form->name);
    panel->form.quantity = copy(album, form->quantity);
    panel->form.x_title = copy(album, form->x_title);
    panel->form.y_title = copy(album, form->y_title);
    album->n_panels++;
    return panel;
}

void tsr_panel_plot(tsr_album *album, tsr_panel *panel, size_t entry)
{
    size_t *grown = panel ? grow(album, panel->entries, panel->n_plots, sizeof(*grown)) : NULL;
    if (!grown)
        return;
    panel->entries = grown;
    panel->entries[panel->n_plots++] = entry;
}

void tsr_panel_datum(tsr_album *album, tsr_panel *panel, const tsr_datum *datum)
{
    if (!panel || album->failed)
        return;
    if (panel->n_data == panel->capacity) {
        size_t capacity = panel->capacity ? 2 * panel->capacity : 32;
        tsr_datum *grown = reallocarray(panel->data, capacity, sizeof(*grown));
        album->failed = !grown;
        if (!grown)
            return;
        panel->data = grown;
        panel->capacity = capacity;
    }
    tsr_datum *kept = &panel->data[panel->n_data++];
    *kept = *datum;
    kept->x_text = copy(album, datum->x_text);
    kept->y_text = copy(album, datum->y_text);
    kept->word = copy(album, datum->word);
    kept->x_end_text = copy(album, datum->x_end_text);
}

void tsr_style_script(tsr_style style, tsr_text *script)
{
    static const char *const dashes[TSR_DASHES] = { "1", "(9,5)", "(2,4)" };
    tsr_text_add(script, "dt %s lc rgb '#01%02x%02x'", dashes[style.dash % TSR_DASHES], style.ramp ? 1 : 0,
                 style.colour);
}

/* Calls `visit` for each panel in order, until it gives false; whether it never did. */
static bool each_panel(tsr_album *album, bool (*visit)(void *context, tsr_panel *panel), void *context)
{
    for (size_t s = 0; s < album->n; s++)
        for (size_t f = 0; f < album->sections[s].n; f++)
            for (size_t p = 0; p < album->sections[s].figures[f].n_panels; p++)
                if (!visit(context, &album->sections[s].figures[f].panels[p]))
                    return false;
    return true;
}

static bool add_script(void *context, tsr_panel *panel)
{
    tsr_text *script = context;
    const tsr_panel_form *form = &panel->form;
    tsr_text_add(script,
                 "set output\nreset\nset encoding utf8\nset decimalsign '.'\n"
                 "set terminal svg size %u,%u noenhanced font 'sans-serif,13'\n" TSR_PLOT_LOOK
                 "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset bmargin at screen %.4f\n"
                 "set tmargin at screen %.4f\nunset key\n",
                 form->width, form->height, form->left, form->right, form->bottom, form->top);
    if (panel->script.chars)
        tsr_text_add_span(script, panel->script.chars, panel->script.length);
    script->failed = script->failed || panel->script.failed;
    return !script->failed;
}

typedef struct drawings {
    char *rest; /* of gnuplot's output */
    size_t number;
} drawings;

static bool take_drawing(void *context, tsr_panel *panel)
{
    drawings *d = context;
    return tsr_gnuplot_next_drawing(&d->rest, ++d->number, panel, &panel->svg);
}

tsr_status *tsr_album_draw(tsr_album *album)
{
    tsr_text script = { 0 };
    char *output = NULL;
    bool whole = each_panel(album, add_script, &script);
    tsr_text_add(&script, "set output\n");
    tsr_status *status = NULL;
    if (album->failed || script.failed || !whole)
        status = tsr_no_memory("the figures");
    else if (album->n_panels)
        status = tsr_gnuplot_run(script.chars, &output, &album->no_gnuplot, &album->trouble);
    drawings d = { output, 0 };
    if (!status && output && !each_panel(album, take_drawing, &d))
        status = tsr_no_memory("the figures");
    free(output);
    free(script.chars);
    return status;
}

static void panel_clear(tsr_panel *panel)
{
    for (size_t i = 0; i < panel->n_data; i++) {
        free(panel->data[i].x_text);
        free(panel->data[i].y_text);
        free(panel->data[i].word);
        free(panel->data[i].x_end_text);
    }
    free(panel->data);
    free(panel->entries);
    free(panel->script.chars);
    free(panel->title);
    free(panel->alt);
    free(panel->svg);
    const char *const own[] = { panel->form.name, panel->form.quantity, panel->form.x_title,
                                panel->form.y_title };
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        free((char *)(uintptr_t)own[i]);
}

static void figure_clear(tsr_figure *figure)
{
    for (size_t i = 0; i < figure->n_legend; i++)
        free(figure->legend[i].text);
    for (size_t i = 0; i < figure->n_panels; i++)
        panel_clear(&figure->panels[i]);
    free(figure->legend);
    free(figure->panels);
    free(figure->title);
    free(figure->caption);
    free(figure->legend_title);
}

void tsr_album_clear(tsr_album *album)
{
    for (size_t s = 0; s < album->n; s++) {
        for (size_t f = 0; f < album->sections[s].n; f++)
            figure_clear(&album->sections[s].figures[f]);
        free(album->sections[s].figures);
        free(album->sections[s].id);
        free(album->sections[s].title);
        free(album->sections[s].introduction);
    }
    free(album->sections);
    free(album->trouble);
    *album = (tsr_album){ 0 };
}
