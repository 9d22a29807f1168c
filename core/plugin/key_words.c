/* Declarations in words, as messages have them. */
#include "plugin/keys.h"

#include "plugin/kinds.h"

#include <math.h>

static void add_int_range(const tsr_key *key, tsr_text *out)
{
    bool least = key->int_min != INT64_MIN, most = key->int_max != INT64_MAX;
    if (least && most)
        tsr_text_add(out, " from %lld to %lld", (long long)key->int_min, (long long)key->int_max);
    else if (least)
        tsr_text_add(out, " of at least %lld", (long long)key->int_min);
    else if (most)
        tsr_text_add(out, " of at most %lld", (long long)key->int_max);
}

static void add_real_range(const tsr_key *key, tsr_text *out)
{
    char least[32], most[32];
    tsr_format_real(key->real_min, least, sizeof(least));
    tsr_format_real(key->real_max, most, sizeof(most));
    if (isfinite(key->real_min) && isfinite(key->real_max))
        tsr_text_add(out, " from %s to %s", least, most);
    else if (isfinite(key->real_min))
        tsr_text_add(out, " of at least %s", least);
    else if (isfinite(key->real_max))
        tsr_text_add(out, " of at most %s", most);
}

static void add_length(const tsr_key *key, tsr_text *out)
{
    if (key->list_min_length > 0)
        tsr_text_add(out, ", at least %zu", key->list_min_length);
    if (key->list_max_length > 0)
        tsr_text_add(out, ", at most %zu", key->list_max_length);
}

static void add_choices(const tsr_key *key, tsr_text *out)
{
    for (const char *const *word = key->choices; *word; word++)
        tsr_text_add(out, "%s\"%s\"", word == key->choices ? "one of " : ", ", *word);
}

static void add_plugins(const tsr_key *key, bool one, tsr_text *out)
{
    const tsr_kind_row *row = tsr_kind_get(key->nested);
    if (one)
        tsr_text_add(out, "the name of %s or a group { plugin = \"NAME\"; ... }", row->phrase);
    else
        tsr_text_add(out, "a list ( ... ) of %s, each a name or a group { plugin = \"NAME\"; ... }",
                     row->folder);
}

void tsr_key_expected(const tsr_key *key, bool element, tsr_text *out)
{
    switch (key->type) {
    case TSR_TYPE_INT:
        tsr_text_add(out, "an integer");
        add_int_range(key, out);
        return;
    case TSR_TYPE_REAL:
        tsr_text_add(out, "a number");
        add_real_range(key, out);
        return;
    case TSR_TYPE_BOOL:
        tsr_text_add(out, "true or false");
        return;
    case TSR_TYPE_STRING:
        tsr_text_add(out, "a string in quotes");
        return;
    case TSR_TYPE_PATH:
        tsr_text_add(out, "a path in quotes");
        return;
    case TSR_TYPE_ENUM:
        add_choices(key, out);
        return;
    case TSR_TYPE_INT_LIST:
        tsr_text_add(out, element ? "an integer" : "a list [ ... ] of integers");
        add_int_range(key, out);
        break;
    case TSR_TYPE_REAL_LIST:
        tsr_text_add(out, element ? "a number" : "a list [ ... ] of numbers");
        add_real_range(key, out);
        break;
    case TSR_TYPE_STRING_LIST:
        tsr_text_add(out, element ? "a string in quotes" : "a list [ ... ] of strings");
        break;
    case TSR_TYPE_PLUGIN_LIST:
    case TSR_TYPE_PLUGIN:
        add_plugins(key, element || key->type == TSR_TYPE_PLUGIN, out);
        break;
    case TSR_TYPE_GROUP_LIST:
        tsr_text_add(out, element ? "a group { KEY = VALUE; ... }"
                                  : "a list ( { KEY = VALUE; ... }, ... ) of groups");
        break;
    case TSR_TYPE_END:
        return;
    }
    if (!element && key->type != TSR_TYPE_PLUGIN)
        add_length(key, out);
}
