/* Pages of text for a person: words are put one by one, and a line is ended where the next would not fit. */
#include "cli/page.h"

#include "cli/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OTHERWISE = 80, LEAST = 40 };

tsr_page tsr_page_of_stdout(void)
{
    const char *terminal = getenv("TERM"), *plain = getenv("NO_COLOR");
    size_t width = tsr_terminal_width(STDOUT_FILENO, OTHERWISE);
    return (tsr_page){ .width = width < LEAST ? LEAST : width,
                       .bold = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
                               !(plain && *plain) };
}

/* Characters, not bytes of UTF-8. */
static size_t columns_of(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static void put(const tsr_page *page, bool bold, const char *text, size_t bytes)
{
    bold = bold && page->bold;
    printf("%s%.*s%s", bold ? "\033[1m" : "", (int)bytes, text, bold ? "\033[0m" : "");
}

/* In capitals, of ASCII alone: in Turkish, toupper makes another letter of an i. */
static void put_capitals(const char *text)
{
    for (const char *c = text; *c; c++)
        putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
}

void tsr_page_heading(const tsr_page *page, const char *heading, const char *of)
{
    printf("\n%s", page->bold ? "\033[1m" : "");
    put_capitals(heading);
    put_capitals(of ? of : "");
    printf("%s\n", page->bold ? "\033[0m" : "");
}

/* Puts words from column *at on, 0 being a new line; leaves where it ended there. */
static void put_words(const tsr_page *page, size_t indent, bool bold, const char *text, size_t *at)
{
    for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
        size_t bytes = strcspn(text, " \n"), columns = columns_of(text, bytes);
        if (*at && *at + 1 + columns > page->width) {
            printf("\n");
            *at = 0;
        }
        printf("%*s", *at ? 1 : (int)indent, "");
        put(page, bold, text, bytes);
        *at += columns + (*at ? 1 : indent);
        text += bytes;
    }
}

void tsr_page_paragraph(const tsr_page *page, size_t indent, const char *name, const char *text)
{
    size_t at = 0;
    if (name)
        put_words(page, indent, true, name, &at);
    put_words(page, indent, false, text, &at);
    printf("\n");
}

void tsr_page_line(size_t indent, const char *text)
{
    printf("%*s%s\n", (int)indent, "", text);
}
