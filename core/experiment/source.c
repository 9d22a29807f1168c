/* Walks over a text in the steps of libconfig's scanner: comments and strings are skipped, words that are
   integers are measured, includes are opened and walked over in turn. */
#include "experiment/source.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* libconfig's time grows with the square of what a file holds: a larger one would seem to hang. */
#define LARGEST_FILE (1 << 20)
enum { DEEPEST_INCLUDE = 10, MOST_INCLUDES = 256 }; /* the first is libconfig's own limit */

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

/* Just behind `end`, or the text's end. */
static void skip_to(source *s, const char *end)
{
    const char *found = strstr(s->at, end);
    const char *behind = found ? found + strlen(end) : s->at + strlen(s->at);
    for (; s->at < behind; s->at++)
        s->line += *s->at == '\n';
}

static bool skip_comment(source *s)
{
    if (strncmp(s->at, "/*", 2) == 0) {
        s->at += 2;
        skip_to(s, "*/");
    } else if (*s->at == '#' || strncmp(s->at, "//", 2) == 0) {
        s->at += strcspn(s->at, "\n");
    } else {
        return false;
    }
    return true;
}

static bool skip_string(source *s)
{
    if (*s->at != '"')
        return false;
    for (s->at++; *s->at && *s->at != '"'; s->at++) {
        if (*s->at == '\\' && s->at[1])
            s->at++;
        s->line += *s->at == '\n';
    }
    s->at += *s->at == '"';
    return true;
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

static tsr_status *read_text(const char *path, char **out)
{
    size_t length;
    TSR_TRY(tsr_read_given_file(path, "config", LARGEST_FILE, out, &length));
    const char *nul = memchr(*out, '\0', length);
    if (!nul)
        return NULL;
    size_t offset = (size_t)(nul - *out);
    free(*out);
    *out = NULL;
    return tsr_fail(TSR_REFUSED, "%s: offset %zu holds a NUL byte: expected text", path, offset);
}

static tsr_status *check_included(source *s, const char *path)
{
    char *text = NULL;
    TSR_TRY(context(s, read_text(path, &text)));
    source inner = *s;
    inner.name = path;
    inner.at = text;
    inner.line = 1;
    inner.depth++;
    tsr_status *status = check_text(&inner);
    free(text);
    return status;
}

static tsr_status *check_include(source *s, const char *quote)
{
    if (quote[1] == '/')
        return context(s, tsr_fail(TSR_REFUSED, "@include: expected a path from the config's own folder"));
    if (s->depth >= DEEPEST_INCLUDE || ++*s->includes > MOST_INCLUDES)
        return context(s, tsr_fail(TSR_REFUSED, "@include: expected at most %d files, %d deep", MOST_INCLUDES,
                                   DEEPEST_INCLUDE));
    char *name = strndup(quote + 1, strcspn(quote + 1, "\""));
    char *path = name ? tsr_path_join(s->folder, name) : NULL;
    tsr_status *status = path ? check_included(s, path) : tsr_no_memory("a path");
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
        else if (!skip_comment(s) && !skip_string(s) && *s->at && *s->at != '\n')
            TSR_TRY(check_word(s));
        first = *s->at == '\n';
    }
    return NULL;
}

tsr_status *tsr_source_check(const char *path, const char *folder)
{
    char *text = NULL;
    TSR_TRY(read_text(path, &text));
    int includes = 0;
    source s = { .name = path, .folder = folder, .at = text, .line = 1, .includes = &includes };
    tsr_status *status = check_text(&s);
    free(text);
    return status;
}

tsr_status *tsr_source_check_text(const char *text, const char *origin)
{
    source s = { .name = origin, .at = text };
    return check_text(&s);
}
