/* Rows from a record's text: lists of objects with numbers, as this program writes them. Whatever else stands
   there is not taken. */
#include "experiment/skim.h"
#include "report/rows.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct scan {
    struct tsr_rows *rows;
    const char *at, *to;
} scan;

static void skip_blanks(scan *s)
{
    while (s->at < s->to && (*s->at == '\n' || *s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool take(scan *s, char mark)
{
    skip_blanks(s);
    if (s->at == s->to || *s->at != mark)
        return false;
    s->at++;
    return true;
}

/* `"KEY":`, without escapes; the key is between them. */
static bool read_key(scan *s, const char **key, size_t *length)
{
    if (!take(s, '"'))
        return false;
    const char *end = memchr(s->at, '"', (size_t)(s->to - s->at));
    if (!end || memchr(s->at, '\\', (size_t)(end - s->at)))
        return false;
    *key = s->at;
    *length = (size_t)(end - s->at);
    s->at = end + 1;
    return take(s, ':');
}

static bool is(const char *key, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(key, word, length) == 0;
}

static bool skip(scan *s)
{
    skip_blanks(s);
    const char *end = tsr_skim_value(s->at);
    if (!end || end > s->to || end == s->at)
        return false;
    s->at = end;
    return true;
}

static locale_t plain_locale(void)
{
    static _Thread_local locale_t plain;
    if (!plain)
        plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    return plain;
}

/* A number of JSON, or null, which is NaN. */
static bool read_number(scan *s, double *value, bool *real)
{
    skip_blanks(s);
    size_t left = (size_t)(s->to - s->at), length = strspn(s->at, "+-.0123456789eE");
    *real = false;
    if (left >= 4 && memcmp(s->at, "null", 4) == 0) {
        *value = NAN;
        s->at += 4;
        return true;
    }
    const char *digits = s->at + (*s->at == '-');
    if (length == 0 || length > left || *digits < '0' || *digits > '9' ||
        (*digits == '0' && digits[1] >= '0' && digits[1] <= '9') || !plain_locale())
        return false;
    char *end;
    *value = strtod_l(s->at, &end, plain_locale());
    if (end != s->at + length || !isfinite(*value) || end[-1] == '.')
        return false;
    *real = memchr(s->at, '.', length) || memchr(s->at, 'e', length) || memchr(s->at, 'E', length);
    s->at = end;
    return true;
}

/* Goes through an object; `member` reads the value of a key. */
static bool read_object(scan *s, bool (*member)(scan *s, const char *key, size_t length, void *to), void *to)
{
    if (!take(s, '{'))
        return false;
    if (take(s, '}'))
        return true;
    do {
        const char *key;
        size_t length;
        if (!read_key(s, &key, &length) || !member(s, key, length, to))
            return false;
    } while (take(s, ','));
    return take(s, '}');
}

static bool read_metric(scan *s, const char *key, size_t length, void *to)
{
    double value;
    bool real;
    (void)to;
    return read_number(s, &value, &real) && tsr_rows_add_value(s->rows, key, length, value, real);
}

typedef struct snapshot {
    double epoch;
    bool has_epoch, has_metrics;
} snapshot;

static bool read_snapshot_member(scan *s, const char *key, size_t length, void *to)
{
    snapshot *shot = to;
    bool real;
    if (is(key, length, "epoch")) {
        shot->has_epoch = true;
        return read_number(s, &shot->epoch, &real) && !real && !isnan(shot->epoch);
    }
    if (!is(key, length, "metrics"))
        return skip(s);
    if (shot->has_metrics)
        return false;
    shot->has_metrics = true;
    return read_object(s, read_metric, NULL);
}

static bool read_snapshot(scan *s)
{
    snapshot shot = { 0 };
    return read_object(s, read_snapshot_member, &shot) && shot.has_epoch && shot.has_metrics &&
           tsr_rows_end_snapshot(s->rows, shot.epoch);
}

static bool read_epoch_member(scan *s, const char *key, size_t length, void *to)
{
    double *curves = to;
    bool real;
    for (size_t c = 0; c < TSR_N_CURVES; c++)
        if (is(key, length, tsr_curve_names[c]))
            return read_number(s, &curves[c], &real);
    return skip(s);
}

static bool read_epoch(scan *s)
{
    double curves[TSR_N_CURVES];
    for (size_t c = 0; c < TSR_N_CURVES; c++)
        curves[c] = NAN;
    return read_object(s, read_epoch_member, curves) && tsr_rows_add_epoch(s->rows, curves);
}

static bool read_list(scan *s, bool (*element)(scan *s))
{
    if (!take(s, '['))
        return false;
    if (take(s, ']'))
        return s->at == s->to;
    do {
        if (!element(s))
            return false;
    } while (take(s, ','));
    return take(s, ']') && s->at == s->to;
}

bool tsr_rows_read_text(void *context, const char *key, const char *from, const char *to)
{
    struct tsr_rows *rows = context;
    scan s = { rows, from, to };
    if (!key) {
        tsr_rows_begin(rows);
        return false;
    }
    if (strcmp(key, "epochs") == 0) {
        rows->n_trained = 0;
        return rows->has_epochs = read_list(&s, read_epoch);
    }
    rows->n_snapshots = rows->n_cells = rows->n_row = 0;
    return rows->has_snapshots = read_list(&s, read_snapshot);
}
