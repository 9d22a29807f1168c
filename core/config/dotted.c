/* Dotted keys: from a root to the value that "model.activation.slope" or "probes.0.k" leads to, and back. */
#include "config/value.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INDEX 6 /* digits */

/* One step of a dotted key: `length` characters at `at`, without the brackets around an index. */
typedef struct step {
    const char *at;
    size_t length;
} step;

/* The next step of *rest, which is moved behind it, or becomes NULL behind the last one. */
static step next_step(const char **rest)
{
    step next = { *rest, strcspn(*rest, ".") };
    const char *behind = *rest + next.length;
    *rest = *behind ? behind + 1 : NULL;
    if (next.length > 2 && next.at[0] == '[' && next.at[next.length - 1] == ']')
        next = (step){ next.at + 1, next.length - 2 };
    return next;
}

static bool parse_index(step s, size_t *out)
{
    if (s.length == 0 || s.length > MAX_INDEX || strspn(s.at, "0123456789") < s.length)
        return false;
    *out = strtoul(s.at, NULL, 10);
    return true;
}

/* Where the item at a step stands among those of `value`; NULL where there is none. */
static tsr_value **item_at(const tsr_value *value, step s)
{
    size_t index;
    if (tsr_value_is(value, TSR_VALUE_LIST))
        return parse_index(s, &index) && index < value->n ? &value->items[index] : NULL;
    if (!tsr_value_is(value, TSR_VALUE_GROUP))
        return NULL;
    for (size_t i = 0; i < value->n; i++)
        if (strlen(value->items[i]->key) == s.length && strncmp(value->items[i]->key, s.at, s.length) == 0)
            return &value->items[i];
    return NULL;
}

const tsr_value *tsr_value_at(const tsr_value *root, const char *dotted)
{
    const tsr_value *at = root;
    for (const char *rest = dotted; at && rest;) {
        tsr_value **item = item_at(at, next_step(&rest));
        at = item ? *item : NULL;
    }
    return at;
}

void tsr_value_remove_at(tsr_value *root, const char *dotted)
{
    const tsr_value *value = tsr_value_at(root, dotted);
    if (value && value->parent && value->key)
        tsr_value_remove(value->parent, value->key);
}

/* The short form "NAME" becomes { plugin = "NAME"; }, in its place. */
static tsr_status *open_short_form(tsr_value *value)
{
    tsr_value *name = tsr_value_string(value->string);
    if (!name)
        return tsr_no_memory(value->string);
    tsr_value_set_origin(name, value->origin);
    free(value->string);
    value->type = TSR_VALUE_GROUP;
    value->items = NULL;
    value->n = value->capacity = 0;
    return tsr_value_put(value, "plugin", name);
}

static tsr_status *no_such_element(const tsr_value *list, const char *dotted, step s)
{
    return tsr_fail(TSR_REFUSED, "%s: there is no element '%.*s': expected one from 0 to %zu", dotted,
                    (int)s.length, s.at, list->n ? list->n - 1 : 0);
}

/* Puts an empty group for a step that is missing. */
static tsr_status *make_group(tsr_value *parent, step s, tsr_origin *origin, tsr_value **out)
{
    char *key = strndup(s.at, s.length);
    *out = key ? tsr_value_group() : NULL;
    if (*out)
        tsr_value_set_origin(*out, origin);
    tsr_status *status = key ? tsr_value_put(parent, key, *out) : tsr_no_memory("a group");
    free(key);
    return status;
}

/* Moves *at to the group or list at a step below it, made where it is missing. */
static tsr_status *step_into(tsr_value **at, step s, const char *dotted, tsr_origin *origin)
{
    tsr_value **item = item_at(*at, s), *next = item ? *item : NULL;
    if (!next && tsr_value_is(*at, TSR_VALUE_LIST))
        return (*at)->n ? no_such_element(*at, dotted, s)
                        : tsr_fail(TSR_REFUSED, "%s: the list before '%.*s' is empty", dotted, (int)s.length,
                                   s.at);
    if (!next)
        TSR_TRY(make_group(*at, s, origin, &next));
    if (tsr_value_is(next, TSR_VALUE_STRING))
        TSR_TRY(open_short_form(next));
    if (next->type != TSR_VALUE_GROUP && next->type != TSR_VALUE_LIST)
        return tsr_fail(TSR_REFUSED, "%s: '%.*s' is neither a group nor a list", dotted, (int)s.length, s.at);
    *at = next;
    return NULL;
}

/* Takes `value` over only where it succeeds. */
static tsr_status *set_last(tsr_value *at, step s, const char *dotted, tsr_value *value)
{
    if (at->type == TSR_VALUE_LIST) {
        tsr_value **item = item_at(at, s);
        if (!item)
            return no_such_element(at, dotted, s);
        tsr_value_free(*item);
        *item = value;
        value->parent = at;
        return NULL;
    }
    char *key = strndup(s.at, s.length);
    tsr_value *copy = key ? tsr_value_copy(value) : NULL;
    tsr_status *status = key ? tsr_value_put(at, key, copy) : tsr_no_memory(dotted);
    free(key);
    if (!status)
        tsr_value_free(value);
    return status;
}

tsr_status *tsr_value_set(tsr_value *root, const char *dotted, tsr_value *value)
{
    if (!value)
        return tsr_no_memory(dotted);
    tsr_value *at = root;
    const char *rest = dotted;
    step s = next_step(&rest);
    tsr_status *status = NULL;
    while (rest && !status) {
        status = step_into(&at, s, dotted, value->origin);
        s = next_step(&rest);
    }
    if (!status)
        status = set_last(at, s, dotted, value);
    if (!status)
        return NULL;
    status = tsr_origin_context(value->origin, status);
    tsr_value_free(value);
    return status;
}

static void add_steps(const tsr_value *value, tsr_text *out)
{
    const tsr_value *parent = value->parent;
    if (!parent)
        return;
    add_steps(parent, out);
    tsr_text_add(out, "%s", out->length ? "." : "");
    if (value->key) {
        tsr_text_add(out, "%s", value->key);
        return;
    }
    size_t index = 0;
    while (parent->items[index] != value)
        index++;
    tsr_text_add(out, "%zu", index);
}

char *tsr_value_dotted(const tsr_value *value)
{
    tsr_text text = { 0 };
    add_steps(value, &text);
    return text.chars || text.failed ? text.chars : strdup("config");
}
