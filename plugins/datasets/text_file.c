/* Files of text. Where a line is, is counted only when a message wants it. */
#include "text_file.h"

#include "data_file.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes of the character that begins at c, or 0 if it is none. `left` bytes are there. The second byte's
   range says what is overlong, a surrogate, or beyond U+10FFFF. */
static size_t character_length(const unsigned char *c, size_t left)
{
    unsigned low = 0x80, high = 0xbf;
    size_t length = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (c[0] < 0x80)
        return c[0] != 0;
    if (c[0] < 0xc2 || c[0] > 0xf4 || left < length)
        return 0;
    if (c[0] == 0xe0)
        low = 0xa0;
    if (c[0] == 0xed)
        high = 0x9f;
    if (c[0] == 0xf0)
        low = 0x90;
    if (c[0] == 0xf4)
        high = 0x8f;
    if (c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* Eight bytes, none of which is zero or above 127. */
static bool plain_word(const unsigned char *c)
{
    uint64_t word;
    memcpy(&word, c, sizeof(word));
    return !((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080));
}

/* The first byte that is out of place, or `end`. */
static const unsigned char *first_fault(const unsigned char *c, const unsigned char *end)
{
    while (c < end) {
        if ((size_t)(end - c) >= sizeof(uint64_t) && plain_word(c)) {
            c += sizeof(uint64_t);
            continue;
        }
        size_t length = character_length(c, (size_t)(end - c));
        if (length == 0)
            return c;
        c += length;
    }
    return end;
}

bool text_is_utf8(const char *chars, size_t length)
{
    const unsigned char *c = (const unsigned char *)chars;
    return first_fault(c, c + length) == c + length;
}

static tsr_status *check_characters(const text_file *file)
{
    const char *fault =
        (const char *)first_fault((const unsigned char *)file->chars, (const unsigned char *)file->end);
    if (fault == file->end)
        return NULL;
    return text_file_refuse(file, fault, "byte 0x%02x is no UTF-8, expected text", (unsigned char)*fault);
}

tsr_status *text_file_open(const char *path, const char *expected, text_file *out)
{
    static const char mark[] = "\xef\xbb\xbf";
    int fd;
    *out = (text_file){ .path = path };
    TSR_TRY(data_file_exists(path));
    TSR_TRY(data_file_open(path, expected, &fd, &out->length));
    if (out->length == 0) {
        close(fd);
        return tsr_fail(TSR_REFUSED, "%s: empty, expected %s", path, expected);
    }
    void *mapped = mmap(NULL, out->length, PROT_READ, MAP_PRIVATE, fd, 0);
    int error = errno;
    close(fd);
    if (mapped == MAP_FAILED)
        return tsr_fail(TSR_IO, "%s: cannot be mapped: %s", path, strerror(error));
    out->mapped = mapped;
    out->chars = mapped;
    out->end = out->chars + out->length;
    if (out->length >= 3 && memcmp(mapped, mark, 3) == 0)
        out->chars += 3;
    tsr_status *status = check_characters(out);
    if (status)
        text_file_close(out);
    return status;
}

void text_file_close(text_file *file)
{
    if (file->mapped)
        munmap(file->mapped, file->length);
    *file = (text_file){ 0 };
}

size_t text_file_line(const text_file *file, const char *place)
{
    size_t line = 1;
    for (const char *c = file->chars; (c = memchr(c, '\n', (size_t)(place - c))); c++)
        line++;
    return line;
}

tsr_status *text_file_refuse(const text_file *file, const char *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
    return tsr_context(status, "%s: line %zu", file->path, text_file_line(file, place));
}

/* No character is cut in two. */
int text_shown(const char *chars)
{
    int n = TEXT_MAX_SHOWN;
    while (n > 0 && ((unsigned char)chars[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* Numbers. */

#define MAX_EXACT_DIGITS 18           /* always fit a uint64_t */
#define MAX_EXACT (UINT64_C(1) << 53) /* integers below are doubles */
#define MAX_EXACT_POWER 22            /* powers of ten up to this one are doubles */
#define MAX_EXPONENT 100000           /* beyond, all is 0 or infinity */

static const double powers[MAX_EXACT_POWER + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* A decimal number taken apart: digits x 10^exponent. */
typedef struct decimal {
    uint64_t digits;
    size_t n_digits; /* without leading zeros; more than MAX_EXACT_DIGITS are not in `digits` */
    long exponent;
} decimal;

static const char *take_digits(const char *c, const char *end, bool fraction, bool *any, decimal *out)
{
    for (; c < end && *c >= '0' && *c <= '9'; c++) {
        *any = true;
        if (out->n_digits || *c != '0')
            out->n_digits++;
        if (out->n_digits <= MAX_EXACT_DIGITS)
            out->digits = 10 * out->digits + (uint64_t)(*c - '0');
        out->exponent -= fraction;
    }
    return c;
}

static bool take_exponent(const char *c, const char *end, decimal *out)
{
    bool negative = c < end && *c == '-';
    if (c < end && (*c == '-' || *c == '+'))
        c++;
    if (c == end)
        return false;
    long exponent = 0;
    for (; c < end && *c >= '0' && *c <= '9'; c++)
        if (exponent < MAX_EXPONENT)
            exponent = 10 * exponent + (*c - '0');
    out->exponent += negative ? -exponent : exponent;
    return c == end;
}

static bool take_decimal(const char *c, const char *end, decimal *out)
{
    bool any = false;
    c = take_digits(c, end, false, &any, out);
    if (c < end && *c == '.')
        c = take_digits(c + 1, end, true, &any, out);
    if (any && c < end && (*c == 'e' || *c == 'E'))
        return take_exponent(c + 1, end, out);
    return any && c == end;
}

static bool is_word(const char *chars, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(chars, word, length) == 0;
}

/* What the fast way cannot round: through the C library, whose decimal point depends on the locale. */
static double convert_slowly(const char *chars, size_t length)
{
    char small[512], *copy = length < sizeof(small) ? small : malloc(length + 1);
    if (!copy)
        return NAN;
    memcpy(copy, chars, length);
    copy[length] = '\0';
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    double value = plain ? strtod_l(copy, NULL, plain) : NAN;
    if (plain)
        freelocale(plain);
    if (copy != small)
        free(copy);
    return value;
}

text_number_kind text_number(const char *chars, size_t length, double *out)
{
    const char *c = chars, *end = chars + length;
    bool negative = length > 0 && *c == '-';
    if (length > 0 && (*c == '-' || *c == '+'))
        c++;
    decimal number = { 0 };
    if (!take_decimal(c, end, &number)) {
        size_t left = (size_t)(end - c);
        bool infinite = is_word(c, left, "inf") || is_word(c, left, "infinity");
        if (!infinite && !is_word(c, left, "nan"))
            return TEXT_NO_NUMBER;
        *out = !infinite ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
        return TEXT_NONFINITE;
    }
    /* Both are exact, so that the product or quotient alone rounds (Clinger 1990). */
    if (number.n_digits <= MAX_EXACT_DIGITS && number.digits < MAX_EXACT &&
        number.exponent >= -MAX_EXACT_POWER && number.exponent <= MAX_EXACT_POWER) {
        double value = (double)number.digits;
        value = number.exponent < 0 ? value / powers[-number.exponent] : value * powers[number.exponent];
        *out = negative ? -value : value;
        return TEXT_FINITE;
    }
    *out = convert_slowly(chars, length);
    return isfinite(*out) ? TEXT_FINITE : TEXT_NONFINITE;
}
