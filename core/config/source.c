/* Walks over a text in the steps of libconfig's scanner: comments and strings are skipped, words that are
   integers are measured, includes are opened and walked over in turn. */
#include "config/source.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* libconfig's time grows with the square of what a file holds: a larger one would seem to hang. */
#define MAX_FILE (1 << 20)
enum { MAX_INCLUDE = 10, MAX_INCLUDES = 256 }; /* the first is libconfig's own limit */

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* of UTF-8 */
#define BLANKS " \t"
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*.+-"

typedef struct source {
    const char *name, *folder; /* folder NULL: a text without includes and lines */
    const char *at;
    int line, depth;
    int *includes; /* so far, in all files */
} source;

static tsr_status *check_text(source *s);

static tsr_status *context(const source *s, tsr_status *status)
{
    return s->folder ? tsr_context(status, "%s:%d", s->name, s->line) : tsr_context(status, "%s", s->name);
}

static bool is_at_comment(const source *s)
{
    return *s->at == '#' || strncmp(s->at, "//", 2) == 0 || strncmp(s->at, "/*", 2) == 0;
}

static tsr_status *skip_comment(source *s)
{
    if (!s->folder)
        return context(s, tsr_fail(TSR_REFUSED,
                                   "'%.2s' begins a comment, which would end the value: expected a "
                                   "text with it in quotes, KEY='\"...\"'",
                                   s->at));
    if (strncmp(s->at, "/*", 2) != 0) {
        s->at += strcspn(s->at, "\n");
        return NULL;
    }
    const char *end = strstr(s->at + 2, "*/");
    if (!end)
        return context(s, tsr_fail(TSR_REFUSED, "comment without an end: expected */"));
    for (; s->at < end + 2; s->at++)
        s->line += *s->at == '\n';
    return NULL;
}

static tsr_status *skip_string(source *s)
{
    const char *at = s->at + 1;
    int line = s->line;
    for (; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
        line += *at == '\n';
    }
    if (!*at)
        return context(s, tsr_fail(TSR_REFUSED, "string without an end: expected \""));
    s->at = at + 1;
    s->line = line;
    return NULL;
}

/* @include "NAME", the first thing on its line: the quote before NAME, or NULL. */
static const char *include_quote(const char *at)
{
    static const char word[] = "@include";
    if (strncmp(at, word, strlen(word)) != 0)
        return NULL;
    at += strlen(word);
    size_t blanks = strspn(at, BLANKS);
    return blanks && at[blanks] == '"' ? at + blanks : NULL;
}

static bool begins_with(const char *text, size_t length, const char *bytes)
{
    return length >= strlen(bytes) && memcmp(text, bytes, strlen(bytes)) == 0;
}

/* What is no text of one byte a character. */
static tsr_status *check_bytes(const char *path, const char *text, size_t length)
{
    if (begins_with(text, length, "\xff\xfe") || begins_with(text, length, "\xfe\xff"))
        return tsr_fail(TSR_REFUSED,
                        "%s: is UTF-16, as its byte order mark says: expected UTF-8; save it as that", path);
    const char *nul = memchr(text, '\0', length);
    if (nul)
        return tsr_fail(TSR_REFUSED, "%s: offset %zu holds a NUL byte: expected text", path,
                        (size_t)(nul - text));
    return NULL;
}

/* The text of a file or, where `piped`, of a pipe; free() it. */
static tsr_status *read_text(const char *path, bool piped, char **out)
{
    size_t length;
    TSR_TRY(piped ? tsr_read_given_input(path, "config", MAX_FILE, out, &length)
                  : tsr_read_given_file(path, "config", MAX_FILE, out, &length));
    tsr_status *status = check_bytes(path, *out, length);
    if (status) {
        free(*out);
        *out = NULL;
    }
    return status;
}

static tsr_status *check_included(source *s, const char *path)
{
    char *text = NULL;
    TSR_TRY(context(s, read_text(path, false, &text)));
    if (begins_with(text, strlen(text), BYTE_ORDER_MARK)) {
        free(text);
        return context(s, tsr_fail(TSR_REFUSED,
                                   "%s: begins with a byte order mark: expected an included file "
                                   "without one; save it as UTF-8 without BOM",
                                   path));
    }
    source inner = *s;
    inner.name = path;
    inner.at = text;
    inner.line = 1;
    inner.depth++;
    tsr_status *status = check_text(&inner);
    free(text);
    return status;
}

/* The name between the quotes, as libconfig reads it: \\ and \" stand for what follows them. *end is the
   closing quote, or the text's end. NULL without memory. */
static char *included_name(const char *quote, const char **end)
{
    char *name = malloc(strlen(quote) + 1), *out = name;
    const char *at = quote + 1;
    for (; name && *at && *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '\\' || at[1] == '"'))
            at++;
        *out++ = *at;
    }
    if (name)
        *out = '\0';
    *end = at;
    return name;
}

static tsr_status *check_include(source *s, const char *quote)
{
    if (quote[1] == '/')
        return context(s, tsr_fail(TSR_REFUSED, "@include: expected a path from the config's own folder"));
    if (s->depth >= MAX_INCLUDE || ++*s->includes > MAX_INCLUDES)
        return context(s, tsr_fail(TSR_REFUSED, "@include: expected at most %d files, %d deep", MAX_INCLUDES,
                                   MAX_INCLUDE));
    const char *end;
    char *name = included_name(quote, &end), *path = name ? tsr_path_join(s->folder, name) : NULL;
    tsr_status *status = path ? NULL : tsr_no_memory("a path");
    if (!status && end[0] == '"' && end[1 + strspn(end + 1, BLANKS)] == ';')
        status = context(s, tsr_fail(TSR_REFUSED, "@include \"%s\": expected no ';' behind it", name));
    if (!status)
        status = check_included(s, path);
    free(name);
    free(path);
    s->at = quote;
    return status;
}

/* An integer of libconfig's, decimal or hexadecimal; with L, one of 64 bits. Other words are not looked at.
 */
static tsr_status *check_integer(const source *s, const char *word)
{
    bool hexadecimal = strncasecmp(word, "0x", 2) == 0;
    const char *digits = word + (hexadecimal ? 2 : strspn(word, "+-"));
    size_t n = strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789");
    bool wide = n && digits[n] == 'L';
    if (n == 0 || (digits[n] && !wide))
        return NULL;
    errno = 0;
    long long value = strtoll(word, NULL, hexadecimal ? 16 : 10);
    if (errno == ERANGE)
        return context(s, tsr_fail(TSR_REFUSED, "%s: expected an integer of at most 64 bits", word));
    if (!wide && (value > INT32_MAX || value < INT32_MIN))
        return context(s,
                       tsr_fail(TSR_REFUSED, "%s: expected an L behind an integer of more than 32 bits, %sL",
                                word, word));
    return NULL;
}

static tsr_status *check_word(source *s)
{
    size_t length = strspn(s->at, WORD);
    const char *begin = s->at;
    s->at += length ? length : 1;
    if (!length || !strpbrk(begin, "0123456789"))
        return NULL;
    char *word = strndup(begin, length);
    tsr_status *status = word ? check_integer(s, word) : tsr_no_memory("a config's text");
    free(word);
    return status;
}

static tsr_status *check_text(source *s)
{
    bool first = true; /* on its line */
    while (*s->at) {
        if (*s->at == '\n') {
            s->line++;
            s->at++;
            first = true;
            continue;
        }
        s->at += strspn(s->at, BLANKS);
        const char *quote = first && s->folder ? include_quote(s->at) : NULL;
        if (quote)
            TSR_TRY(check_include(s, quote));
        else if (is_at_comment(s))
            TSR_TRY(skip_comment(s));
        else if (*s->at == '"')
            TSR_TRY(skip_string(s));
        else if (*s->at && *s->at != '\n')
            TSR_TRY(check_word(s));
        first = *s->at == '\n';
    }
    return NULL;
}

tsr_status *tsr_source_read(const char *path, const char *folder, char **out)
{
    *out = NULL;
    char *text = NULL;
    TSR_TRY(read_text(path, true, &text));
    if (begins_with(text, strlen(text), BYTE_ORDER_MARK)) /* as some editors leave it */
        memmove(text, text + strlen(BYTE_ORDER_MARK), strlen(text) - strlen(BYTE_ORDER_MARK) + 1);
    int includes = 0;
    source s = { .name = path, .folder = folder, .at = text, .line = 1, .includes = &includes };
    tsr_status *status = check_text(&s);
    if (status)
        free(text);
    else
        *out = text;
    return status;
}

tsr_status *tsr_source_check_text(const char *text, const char *origin)
{
    source s = { .name = origin, .at = text };
    return check_text(&s);
}
