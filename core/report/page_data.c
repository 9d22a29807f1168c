/* The numbers that a panel shows, as JSON for the page's script. */
#include "config/json.h"
#include "report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* null, where there is none. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* The curve's entry, the place, mean and interval, how many values, what stands at the place, and a cell's
 * regime. */
static json_t *datum_of(const tsr_datum *datum)
{
    json_t *row = json_array();
    json_array_append_new(row, json_integer((json_int_t)datum->entry));
    json_array_append_new(row, number(datum->x));
    if (datum->y_text)
        json_array_append_new(row, number(datum->y));
    json_array_append_new(row, number(datum->mean));
    json_array_append_new(row, number(datum->low));
    json_array_append_new(row, number(datum->high));
    json_array_append_new(row, json_integer((json_int_t)datum->n));
    if (datum->x_end_text)
        json_array_append_new(row, json_sprintf("%s to %s", datum->x_text, datum->x_end_text));
    else
        json_array_append_new(row, json_string(datum->x_text));
    if (datum->y_text) {
        json_array_append_new(row, json_string(datum->y_text));
        json_array_append_new(row, json_string(datum->word ? datum->word : ""));
    }
    if (json_array_size(row) == (datum->y_text ? 10 : 7))
        return row;
    json_decref(row);
    return NULL;
}

static json_t *panel_of(const tsr_panel *panel)
{
    const tsr_panel_form *form = &panel->form;
    json_t *rows = json_array();
    for (size_t i = 0; i < panel->n_data; i++)
        if (!(form->bins && panel->data[i].x < form->x_low) && /* an empty bin beyond the axis */
            json_array_append_new(rows, datum_of(&panel->data[i])) != 0) {
            json_decref(rows);
            return NULL;
        }
    return json_pack("{s[ffff]s[ff]s[ff]sbsbss*ss*so}", "area", form->left, form->right, form->bottom,
                     form->top, "x", form->x_low, form->x_high, "y", form->y_low, form->y_high, "log",
                     (int)form->y_logarithmic, "map", (int)(form->y_title != NULL), "xt", form->x_title, "yt",
                     form->y_title, "d", rows);
}

void tsr_page_write_data(const tsr_panel *panel, tsr_text *html)
{
    size_t before = tsr_json_failures();
    json_t *data = panel_of(panel);
    char *text = data ? tsr_json_dump(data, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    html->failed = html->failed || !text || before != tsr_json_failures();
    tsr_text_add(html, "<script type=\"application/json\">");
    for (const char *at = text; at && *at;) { /* nothing in it may end the element */
        size_t plain = strcspn(at, "<");
        tsr_text_add_span(html, at, plain);
        at += plain;
        if (*at) {
            tsr_text_add(html, "\\u003c");
            at++;
        }
    }
    tsr_text_add(html, "</script>");
    free(text);
    json_decref(data);
}
