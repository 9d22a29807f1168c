/* The figures of a report. */
#include "report/album.h"

#include "report/gnuplot.h"

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

static char *copy(tsr_album *album, const char *text)
{
    char *kept = text ? strdup(text) : NULL;
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

void tsr_album_panel(tsr_album *album, const char *title, const char *alt, unsigned width, unsigned height)
{
    tsr_figure *figure = last_figure(album);
    tsr_panel *grown = figure ? grow(album, figure->panels, figure->n_panels, sizeof(*grown)) : NULL;
    if (!grown)
        return;
    figure->panels = grown;
    figure->panels[figure->n_panels++] = (tsr_panel){ .title = copy(album, title), .alt = copy(album, alt) };
    album->n_panels++;
    tsr_text_add(&album->script,
                 "set output\nreset\nset encoding utf8\nset decimalsign '.'\n"
                 "set terminal svg size %u,%u noenhanced font 'sans-serif,13'\n"
                 "set border 3 lc rgb " TSR_FAINT "\nset tics nomirror out scale 0.6\n"
                 "set grid ytics lt 1 lw 1 lc rgb " TSR_GRID "\nunset key\n",
                 width, height);
}

void tsr_style_script(tsr_style style, tsr_text *script)
{
    static const char *const dashes[TSR_DASHES] = { "1", "(9,5)", "(2,4)" };
    tsr_text_add(script, "dt %s lc rgb '#01%02x%02x'", dashes[style.dash % TSR_DASHES], style.ramp ? 1 : 0,
                 style.colour);
}

/* Gives the drawings to the panels in order. */
static void take_drawings(tsr_album *album, char *output)
{
    size_t number = 0;
    char *rest = output;
    for (size_t s = 0; s < album->n; s++)
        for (size_t f = 0; f < album->sections[s].n; f++)
            for (size_t p = 0; p < album->sections[s].figures[f].n_panels; p++)
                album->sections[s].figures[f].panels[p].svg =
                    tsr_gnuplot_next_drawing(&rest, ++number, album->sections[s].figures[f].panels[p].alt);
}

tsr_status *tsr_album_draw(tsr_album *album)
{
    if (album->failed || album->script.failed)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the figures");
    if (album->n_panels == 0)
        return NULL;
    char *output = NULL;
    tsr_text_add(&album->script, "set output\n");
    tsr_status *status = tsr_gnuplot_run(album->script.chars, &output, &album->no_gnuplot, &album->trouble);
    if (output)
        take_drawings(album, output);
    free(output);
    return status;
}

static void figure_clear(tsr_figure *figure)
{
    for (size_t i = 0; i < figure->n_legend; i++)
        free(figure->legend[i].text);
    for (size_t i = 0; i < figure->n_panels; i++) {
        free(figure->panels[i].title);
        free(figure->panels[i].alt);
        free(figure->panels[i].svg);
    }
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
    free(album->script.chars);
    free(album->trouble);
    *album = (tsr_album){ 0 };
}
