/* Strings: composing, comparing, finding the nearest known word. */
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tsr_text_add(tsr_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *piece;
    int length = text->failed ? -1 : vasprintf(&piece, format, args);
    va_end(args);
    if (length < 0) {
        text->failed = true;
        return;
    }
    size_t needed = text->length + (size_t)length + 1;
    if (needed > text->room) {
        size_t room = needed < 128 ? 128 : needed * 2;
        char *chars = realloc(text->chars, room);
        if (!chars) {
            text->failed = true;
            free(piece);
            return;
        }
        text->chars = chars;
        text->room = room;
    }
    memcpy(text->chars + text->length, piece, (size_t)length + 1);
    text->length += (size_t)length;
    free(piece);
}

char *tsr_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text;
    int length = vasprintf(&text, format, args);
    va_end(args);
    return length < 0 ? NULL : text;
}

#define LONGEST 63

size_t tsr_edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return n > m ? n : m;
    size_t rows[3][LONGEST + 1]; /* of the distance table: two back, one back, this one */
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[m];
}

const char *tsr_nearest_word(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 2 + 2; /* farther than this, it is another word */
    for (; *words; words++) {
        size_t distance = tsr_edit_distance(word, *words);
        if (distance < best) {
            best = distance;
            nearest = *words;
        }
    }
    return nearest;
}

void tsr_format_real(double value, char *out, size_t room)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    locale_t before = plain ? uselocale(plain) : (locale_t)0;
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, room, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
    if (isfinite(value) && !strpbrk(out, ".e") && strlen(out) + 3 <= room)
        strcat(out, ".0");
}
