/* Reading many records. One walk over the text finds where the members of its object begin and end; what is
   left of it is parsed. Where the walk does not understand the text, all of it is. */
#include "experiment/skim.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/record.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *const tsr_skim_for_tables[] = { "config", "model", "examples", "data", NULL };
const char *const tsr_skim_for_counts[] = { "config", "model",       "metrics",  "curves", "snapshots",
                                            "epochs", "environment", "examples", NULL };
const char *const tsr_skim_for_sessions[] = { "model", "metrics", "curves", "epochs", "examples", NULL };

static const char *const shared_keys[TSR_SKIM_SHARED] = { "metrics", "environment", "curves" };

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\n\r");
}

/* Behind the string that begins at `at`; NULL where it does not end. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && !*++at)
            return NULL;
    return *at ? at + 1 : NULL;
}

/* What tells where a structure goes on. */
static const bool is_mark[UCHAR_MAX + 1] = {
    ['\0'] = true, ['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true
};

const char *tsr_skim_value(const char *at)
{
    size_t depth = 0;
    do {
        if (*at == '"') {
            if (!(at = skip_string(at)))
                return NULL;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0)
                return NULL;
            depth--;
            at++;
        } else if (depth == 0) { /* a number or a word */
            at += strcspn(at, ",}] \t\n\r");
        }
        while (depth && !is_mark[(unsigned char)*at])
            at++; /* what lies between is short: faster than strcspn */
    } while (depth && *at);
    return depth ? NULL : at;
}

/* The same for a member of a record that was written as records are, each element on a line of its own: what
   stands in the structure is indented by two blanks at least, and its end by one. Where that is not so, all
   of it is looked at; where the end would be another structure's, what is left does not parse. */
static const char *skip_member(const char *at)
{
    char end = *at == '{' ? '}' : ']';
    if ((*at != '{' && *at != '[') || at[1] != '\n')
        return tsr_skim_value(at);
    for (const char *line = at + 1; line && line[1] == ' '; line = strchr(line + 1, '\n')) {
        if (line[2] == end)
            return line + 3;
        if (line[2] != ' ')
            break;
    }
    return tsr_skim_value(at);
}

static bool is_key(const char *from, const char *to, const char *key)
{
    size_t length = strlen(key);
    return (size_t)(to - from) == length + 2 && strncmp(from + 1, key, length) == 0;
}

static bool is_skipped(const tsr_skim *skim, const char *from, const char *to)
{
    for (const char *const *key = skim->skipped; *key; key++)
        if (is_key(from, to, *key))
            return true;
    return false;
}

/* Whether it is the config that is expected. */
static bool is_expected(tsr_skim *skim, const char *const key[2], const char *const value[2])
{
    size_t length = (size_t)(value[1] - value[0]);
    if (!skim->config || !is_key(key[0], key[1], "config") || strlen(skim->config) != length ||
        memcmp(skim->config, value[0], length) != 0)
        return false;
    skim->has_config = true;
    return true;
}

/* Whether whoever reads takes the value as text. */
static bool is_taken(const tsr_skim *skim, const char *const key[2], const char *const value[2])
{
    static const char *const offered[] = { "snapshots", "epochs" };
    for (size_t i = 0; skim->take && *value[0] == '[' && i < sizeof(offered) / sizeof(*offered); i++)
        if (is_key(key[0], key[1], offered[i]))
            return skim->take(skim->context, offered[i], value[0], value[1]);
    return false;
}

/* The shared value that this text is; TSR_SKIM_SHARED: none. A new text is parsed and kept. */
static size_t find_shared(tsr_skim *skim, const char *const key[2], const char *const value[2])
{
    size_t length = (size_t)(value[1] - value[0]);
    for (size_t i = 0; i < TSR_SKIM_SHARED; i++) {
        if (!is_key(key[0], key[1], shared_keys[i]))
            continue;
        if (skim->shared[i].value && skim->shared[i].length == length &&
            memcmp(skim->shared[i].text, value[0], length) == 0)
            return i;
        json_t *parsed = tsr_json_load(value[0], length, 0, NULL);
        char *text = parsed ? strndup(value[0], length) : NULL;
        if (!text) {
            json_decref(parsed);
            return TSR_SKIM_SHARED;
        }
        free(skim->shared[i].text);
        json_decref(skim->shared[i].value);
        skim->shared[i].text = text;
        skim->shared[i].length = length;
        skim->shared[i].value = parsed;
        return i;
    }
    return TSR_SKIM_SHARED;
}

static void add(tsr_text *out, const char *from, const char *to)
{
    tsr_text_add_span(out, from, (size_t)(to - from));
}

/* The text with {} and [] for what is not to be parsed, and which of the shared values it has; false where it
   is not understood. */
static bool reduce(tsr_skim *skim, const char *text, tsr_text *out, bool has[TSR_SKIM_SHARED])
{
    const char *at = skip_blanks(text), *done = text;
    if (*at++ != '{')
        return false;
    for (;;) {
        const char *key[2] = { skip_blanks(at), NULL }, *value[2];
        if (*key[0] != '"' || !(key[1] = skip_string(key[0])))
            return false;
        at = skip_blanks(key[1]);
        if (*at++ != ':')
            return false;
        value[0] = skip_blanks(at);
        if (!(value[1] = skip_member(value[0])) || value[1] == value[0])
            return false;
        bool structure = *value[0] == '{' || *value[0] == '[';
        bool skipped = is_skipped(skim, key[0], key[1]) || is_expected(skim, key, value) ||
                       (structure && is_taken(skim, key, value));
        size_t shared = structure && !skipped ? find_shared(skim, key, value) : TSR_SKIM_SHARED;
        if (shared < TSR_SKIM_SHARED)
            has[shared] = true;
        if ((structure && skipped) || shared < TSR_SKIM_SHARED) {
            add(out, done, value[0]);
            tsr_text_add(out, "%s", *value[0] == '{' ? "{}" : "[]");
            done = value[1];
        }
        at = skip_blanks(value[1]);
        if (*at == '}')
            break;
        if (*at++ != ',')
            return false;
    }
    tsr_text_add(out, "%s", done);
    return !out->failed;
}

static json_t *parse(tsr_skim *skim, const char *text, size_t length, json_error_t *error)
{
    tsr_text reduced = { 0 };
    bool has[TSR_SKIM_SHARED] = { false };
    json_t *record = NULL;
    skim->has_config = false;
    if (skim->take)
        skim->take(skim->context, NULL, NULL, NULL);
    if (strlen(text) == length && reduce(skim, text, &reduced, has))
        record = tsr_json_load(reduced.chars, reduced.length, 0, error);
    free(reduced.chars);
    if (!record) { /* what is wrong is told of the whole */
        skim->has_config = false;
        if (skim->take)
            skim->take(skim->context, NULL, NULL, NULL);
        return tsr_json_load(text, length, 0, error);
    }
    bool whole = true;
    for (size_t i = 0; i < TSR_SKIM_SHARED; i++)
        if (has[i] && json_object_set(record, shared_keys[i], skim->shared[i].value) != 0)
            whole = false;
    if (whole)
        return record;
    json_decref(record);
    return tsr_json_load(text, length, 0, error);
}

static json_t *parse_for(void *context, const char *text, size_t length, json_error_t *error)
{
    return parse(context, text, length, error);
}

tsr_status *tsr_record_skim(tsr_skim *skim, const char *path, const char *id, json_t **out)
{
    return tsr_record_read_by(parse_for, skim, path, id, out);
}

void tsr_skim_clear(tsr_skim *skim)
{
    for (size_t i = 0; i < TSR_SKIM_SHARED; i++) {
        free(skim->shared[i].text);
        json_decref(skim->shared[i].value);
        skim->shared[i].text = NULL;
        skim->shared[i].value = NULL;
    }
}
