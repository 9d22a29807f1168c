/* Strings: composing, comparing, finding the nearest known word. */
#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tsr_text_add_span(tsr_text *text, const char *chars, size_t length)
{
    size_t needed = text->length + length + 1;
    if (text->failed)
        return;
    if (needed > text->capacity) {
        size_t capacity = needed < 128 ? 128 : needed * 2;
        char *grown = realloc(text->chars, capacity);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->chars = grown;
        text->capacity = capacity;
    }
    memcpy(text->chars + text->length, chars, length);
    text->length += length;
    text->chars[text->length] = '\0';
}

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
    tsr_text_add_span(text, piece, (size_t)length);
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

/* Bytes of the UTF-8 character that begins here; 0 where none does. What is beyond U+10FFFF, a surrogate or
   longer than it need be is none. */
static size_t character_length(const unsigned char *c)
{
    if (c[0] < 0x80)
        return 1;
    size_t length = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool beyond = (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf4 && c[1] > 0x8f);
    return overlong || beyond ? 0 : length;
}

bool tsr_is_utf8(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length = 1;
    for (; *c && length; c += length)
        length = character_length(c);
    return length > 0;
}

/* Whether a character, of UTF-8 and so many bytes, would steer the terminal or page instead of being seen:
   the control characters, and the marks that turn the direction of what follows. */
static bool steers(const unsigned char *c, size_t length, unsigned *code)
{
    *code = length == 1   ? c[0]
            : length == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu)
            : length == 3 ? (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu)
                          : 0x10000;
    return *code < ' ' || (*code >= 0x7f && *code < 0xa0) || *code == 0x61c || *code == 0x200e ||
           *code == 0x200f || *code == 0x2028 || *code == 0x2029 || (*code >= 0x202a && *code <= 0x202e) ||
           (*code >= 0x2066 && *code <= 0x2069);
}

size_t tsr_plain_length(const char *text, char out[8], size_t *taken)
{
    const unsigned char *c = (const unsigned char *)text;
    unsigned code;
    size_t length = character_length(c);
    *taken = length ? length : 1;
    if (length && !steers(c, length, &code))
        return length;
    if (!length || code < 0x80)
        snprintf(out, 8, "\\x%02x", c[0]);
    else
        snprintf(out, 8, "\\u%04x", code & 0xffff);
    return 0;
}

char *tsr_shown(char *text)
{
    const char *at = text;
    char out[8];
    size_t taken;
    if (!text)
        return NULL;
    while (*at && tsr_plain_length(at, out, &taken))
        at += taken;
    if (!*at)
        return text;
    tsr_text shown = { 0 };
    for (at = text; *at; at += taken) {
        size_t length = tsr_plain_length(at, out, &taken);
        tsr_text_add_span(&shown, length ? at : out, length ? length : strlen(out));
    }
    free(text);
    if (!shown.failed)
        return shown.chars;
    free(shown.chars);
    return NULL;
}

/* Reals of these powers of ten are written without an exponent. */
enum { MIN_PLAIN_EXPONENT = -4, MAX_PLAIN_EXPONENT = 15 };

#define MAX_LENGTH 63

size_t tsr_edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX_LENGTH || m > MAX_LENGTH)
        return n > m ? n : m;
    size_t rows[3][MAX_LENGTH + 1]; /* of the distance table: two back, one back, this one */
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

/* How many digits it takes to read the value back; `out` is the value with them, with an exponent. A decimal
   of 15 digits survives the way to a double and back, unless that is a subnormal: what 15 digits tell needs
   none of the zeros at their end, and fewer digits would have been found with 15 already. */
static int count_digits(double value, char *out, size_t capacity)
{
    int digits = isfinite(value) && fabs(value) < DBL_MIN ? 1 : 15;
    for (; digits <= 17; digits++) {
        snprintf(out, capacity, "%.*e", digits - 1, value);
        if (strtod(out, NULL) == value)
            break;
    }
    const char *e = strchr(out, 'e');
    const char *last = e;
    while (last && last > out && last[-1] == '0')
        last--;
    if (digits != 15 || !last || last == e)
        return digits;
    digits -= (int)(e - last);
    digits = digits > 1 ? digits : 1;
    snprintf(out, capacity, "%.*e", digits - 1, value);
    return digits;
}

/* In the C locale. */
static void format_shortest(double value, char *out, size_t capacity)
{
    int digits = count_digits(value, out, capacity), exponent = 0;
    const char *e = strchr(out, 'e');
    if (e)
        exponent = atoi(e + 1);
    int decimals = digits - 1 - exponent;
    if (e && exponent >= MIN_PLAIN_EXPONENT && exponent <= MAX_PLAIN_EXPONENT)
        snprintf(out, capacity, "%.*f", decimals > 1 ? decimals : 1, value);
    else
        snprintf(out, capacity, "%.*g", digits, value);
    if (isfinite(value) && !strpbrk(out, ".e") && strlen(out) + 3 <= capacity) /* 17 digits */
        strcat(out, ".0");
}

void tsr_format_real(double value, char *out, size_t capacity)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    locale_t before = plain ? uselocale(plain) : (locale_t)0;
    format_shortest(value, out, capacity);
    if (plain) {
        uselocale(before);
        freelocale(plain);
    }
}

double tsr_parse_real(const char *text, char **end)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!plain) /* no memory: as the locale has it */
        return strtod(text, end);
    double value = strtod_l(text, end, plain);
    freelocale(plain);
    return value;
}
