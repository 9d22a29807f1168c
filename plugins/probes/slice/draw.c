/* The picture of a window, as SVG: pieces of cells in the colour of their class, in one of a few shades so
   that neighbours can be told apart, boundaries between classes as lines, examples on top, distances at the
   frame. */
#include "slice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 480.0 /* of the window in the picture */
#define LEFT 52.0
#define TOP 12.0
#define BOTTOM 34.0
#define LEGEND 96.0
#define LEGEND_CLASSES 20 /* at most */
#define SHADES 4

/* Told apart by people with any colour vision, more or less (Okabe and Ito; then Tol). */
static const unsigned char colours[][3] = { { 0, 114, 178 },   { 230, 159, 0 },  { 0, 158, 115 },
                                            { 204, 121, 167 }, { 86, 180, 233 }, { 213, 94, 0 },
                                            { 170, 160, 20 },  { 136, 34, 85 },  { 90, 90, 90 },
                                            { 136, 204, 180 } };
#define N_COLOURS (sizeof(colours) / sizeof(*colours))

/* A colour mixed with so much white, as "rrggbb". */
static const char *mixed(int32_t class, double white, char *out)
{
    static const unsigned char grey[3] = { 110, 120, 130 };
    const unsigned char *c = class < 0 ? grey : colours[(size_t) class % N_COLOURS];
    snprintf(out, 7, "%02x%02x%02x", (unsigned)(c[0] + white * (255 - c[0])),
             (unsigned)(c[1] + white * (255 - c[1])), (unsigned)(c[2] + white * (255 - c[2])));
    return out;
}

typedef struct canvas {
    FILE *out;
    const plane *where;
} canvas;

static double across(const canvas *c, double x)
{
    return LEFT + SIDE * (x + c->where->half) / (2 * c->where->half);
}

static double down(const canvas *c, double y)
{
    return TOP + SIDE * (c->where->half - y) / (2 * c->where->half);
}

static void outline(const canvas *c, const polygon *p)
{
    for (size_t i = 0; i < p->n; i++)
        fprintf(c->out, "%s%.2f,%.2f", i ? " " : "", across(c, p->at[i].x), down(c, p->at[i].y));
}

/* All of one class and shade together, so that files stay small. */
static void draw_pieces(const canvas *c, const polygons *pieces, int32_t class, size_t shade)
{
    char fill[8];
    bool begun = false;
    for (size_t i = 0; i < pieces->n; i++) {
        const polygon *p = &pieces->all[i];
        if (p->class != class || (p->cell * 2654435761u >> 7) % SHADES != shade)
            continue;
        if (!begun)
            fprintf(c->out, "<path fill=\"#%s\" stroke=\"#%s\" d=\"",
                    mixed(class, 0.42 + 0.1 * (double)shade, fill), fill);
        begun = true;
        fputc('M', c->out);
        outline(c, p);
        fputc('z', c->out);
    }
    if (begun)
        fputs("\"/>\n", c->out);
}

static void draw_cells(const canvas *c, const polygons *cells)
{
    double width = fmin(fmax(16 / sqrt((double)cells->n), 0.12), 0.7); /* many leave room for their colour */
    fprintf(c->out,
            "<path fill=\"none\" stroke=\"#fff\" stroke-width=\"%.2f\" stroke-linejoin=\"round\" d=\"",
            width);
    for (size_t i = 0; i < cells->n; i++) {
        fputc('M', c->out);
        outline(c, &cells->all[i]);
        fputc('z', c->out);
    }
    fputs("\"/>\n", c->out);
}

static void draw_boundary(const canvas *c, const segments *boundary)
{
    fputs("<path fill=\"none\" stroke=\"#111\" stroke-width=\"1.4\" stroke-linecap=\"round\" d=\"", c->out);
    for (size_t i = 0; i < boundary->n; i++) {
        const segment *s = &boundary->all[i];
        fprintf(c->out, "M%.2f,%.2fL%.2f,%.2f", across(c, s->a.x), down(c, s->a.y), across(c, s->b.x),
                down(c, s->b.y));
    }
    fputs("\"/>\n", c->out);
}

static void draw_marks(const canvas *c, const mark *marks, size_t n)
{
    char fill[8];
    for (size_t i = 0; i < n; i++) {
        if (fabs(marks[i].at.x) > c->where->half || fabs(marks[i].at.y) > c->where->half)
            continue;
        fprintf(
            c->out,
            "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%s\" fill=\"#%s\" stroke=\"#fff\" stroke-width=\"%s\"/>\n",
            across(c, marks[i].at.x), down(c, marks[i].at.y), marks[i].large ? "6" : "2.4",
            mixed(marks[i].class, 0, fill), marks[i].large ? "1.8" : "0.7");
    }
}

/* A round number of which the window has about six. */
static double tick_step(double width)
{
    double step = pow(10, floor(log10(width / 6)));
    return width / step > 30 ? 5 * step : width / step > 12 ? 2 * step : step;
}

static void draw_frame(const canvas *c)
{
    double half = c->where->half, step = tick_step(2 * half);
    fprintf(c->out,
            "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\" stroke=\"#222\"/>\n",
            LEFT, TOP, SIDE, SIDE);
    for (double k = -floor(half / step); k * step <= half; k++) {
        double x = across(c, k * step), y = down(c, k * step);
        fprintf(
            c->out,
            "<path stroke=\"#222\" d=\"M%.2f,%.0fv5M%.0f,%.2fh-5\"/><text x=\"%.2f\" y=\"%.0f\" "
            "text-anchor=\"middle\">%.4g</text><text x=\"%.0f\" y=\"%.2f\" text-anchor=\"end\">%.4g</text>\n",
            x, TOP + SIDE, LEFT, y, x, TOP + SIDE + 18, k * step, LEFT - 9, y + 4, k * step);
    }
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '&')
            fputs(*text == '<' ? "&lt;" : "&amp;", out);
        else if ((unsigned char)*text >= ' ')
            fputc(*text, out);
}

/* The classes that the window shows. */
static void draw_legend(const canvas *c, const tsr_probing *probing, const polygons *pieces,
                        const mark *marks, size_t n_marks)
{
    double y = TOP + 12;
    size_t shown = 0;
    for (int32_t k = 0; k < tsr_network_classes(probing->network) && shown < LEGEND_CLASSES; k++) {
        bool seen = false;
        char fill[8];
        for (size_t i = 0; !seen && i < pieces->n; i++)
            seen = pieces->all[i].class == k;
        for (size_t i = 0; !seen && i < n_marks; i++)
            seen = marks[i].class == k;
        if (!seen)
            continue;
        fprintf(
            c->out,
            "<rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\" rx=\"2\" fill=\"#%s\"/><text x=\"%.0f\" "
            "y=\"%.0f\">",
            LEFT + SIDE + 14, y - 11, mixed(k, 0.3, fill), LEFT + SIDE + 34, y);
        if (probing->class_names && k < probing->classes)
            write_escaped(c->out, probing->class_names[k]);
        else
            fprintf(c->out, "%d", (int)k);
        fputs("</text>\n", c->out);
        y += 21;
        shown++;
    }
}

static void draw_all(const canvas *c, const tsr_probing *probing, const polygons *cells,
                     const polygons *pieces, const segments *boundary, const mark *marks, size_t n_marks)
{
    double width = LEFT + SIDE + LEGEND, height = TOP + SIDE + BOTTOM;
    fprintf(
        c->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n"
        "<title>%zu linear regions of a slice of the input space, epoch %zu</title>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<g stroke-width=\"0.3\">\n",
        width, height, width, height, cells->n, probing->epoch);
    for (int32_t k = -1; k < tsr_network_classes(probing->network); k++)
        for (size_t shade = 0; shade < SHADES; shade++)
            draw_pieces(c, pieces->n ? pieces : cells, k, shade);
    fputs("</g>\n", c->out);
    draw_cells(c, cells);
    draw_boundary(c, boundary);
    draw_marks(c, marks, n_marks);
    draw_frame(c);
    draw_legend(c, probing, pieces, marks, n_marks);
    fputs("</svg>\n", c->out);
}

tsr_status *slice_draw(const tsr_probing *probing, const plane *where, const polygons *cells,
                       const polygons *pieces, const segments *boundary, const mark *marks, size_t n_marks,
                       char **out, size_t *length)
{
    *out = NULL;
    canvas c = { open_memstream(out, length), where };
    if (!c.out)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the picture");
    draw_all(&c, probing, cells, pieces, boundary, marks, n_marks);
    bool failed = ferror(c.out) != 0;
    if (fclose(c.out) == 0 && !failed)
        return NULL;
    free(*out);
    *out = NULL;
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for the picture");
}
