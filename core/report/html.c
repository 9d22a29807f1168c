/* Text in HTML and in SVG. */
#include "report/html.h"

#include <string.h>

void tsr_html_escape(const char *text, tsr_text *html)
{
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            tsr_text_add(html, "&amp;");
        else if (c == '<')
            tsr_text_add(html, "&lt;");
        else if (c == '>')
            tsr_text_add(html, "&gt;");
        else if (c == '"')
            tsr_text_add(html, "&quot;");
        else if (c == '\'')
            tsr_text_add(html, "&#39;");
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            tsr_text_add(html, "\xEF\xBF\xBD"); /* no character of HTML */
        else
            tsr_text_add(html, "%c", c);
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
