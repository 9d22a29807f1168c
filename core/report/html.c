/* Text in HTML and in SVG. */
#include "report/html.h"

#include <string.h>

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void tsr_html_escape(const char *text, tsr_text *html)
{
    char shown[8];
    for (size_t taken; text && *text; text += taken) {
        const char *entity = entity_of(*text);
        size_t length = tsr_plain_length(text, shown, &taken);
        if (entity)
            tsr_text_add(html, "%s", entity);
        else if (length || *text == '\n' || *text == '\t')
            tsr_text_add_span(html, text, taken);
        else
            tsr_text_add(html, "%s", shown);
    }
}

void tsr_html_add(tsr_text *html, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        tsr_text_add(html, "%.*s", (int)plain, format);
        format += plain;
        if (strncmp(format, "%zu", 3) == 0) {
            tsr_text_add(html, "%zu", va_arg(args, size_t));
            format += 3;
        } else if (strncmp(format, "%s", 2) == 0) {
            tsr_html_escape(va_arg(args, const char *), html);
            format += 2;
        } else if (*format) {
            tsr_text_add(html, "%%");
            format += format[1] == '%' ? 2 : 1;
        }
    }
    va_end(args);
}
