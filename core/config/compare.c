/* Whether two values are one, what differs, and the hash of a value. */
#include "config/compare.h"

#include "base/memory.h"
#include "config/json.h"
#include "config/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static bool is_null(const tsr_value *value)
{
    return !value || value->type == TSR_VALUE_NULL;
}

static bool scalars_equal(const tsr_value *a, const tsr_value *b)
{
    if (a->type == TSR_VALUE_INT && b->type == TSR_VALUE_INT)
        return a->integer == b->integer;
    if (tsr_value_is_number(a) && tsr_value_is_number(b))
        return tsr_value_number(a) == tsr_value_number(b);
    if (a->type != b->type)
        return false;
    return a->type == TSR_VALUE_BOOL ? a->boolean == b->boolean : strcmp(a->string, b->string) == 0;
}

/* Every member of a that is not null stands in b. */
static bool members_within(const tsr_value *a, const tsr_value *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (!tsr_values_equal(a->items[i], tsr_value_member(b, a->items[i]->key)))
            return false;
    return true;
}

static bool elements_equal(const tsr_value *a, const tsr_value *b)
{
    bool equal = a->n == b->n;
    for (size_t i = 0; equal && i < a->n; i++)
        equal = tsr_values_equal(a->items[i], b->items[i]);
    return equal;
}

bool tsr_values_equal(const tsr_value *a, const tsr_value *b)
{
    if (is_null(a) || is_null(b))
        return is_null(a) && is_null(b);
    bool nested = a->type >= TSR_VALUE_LIST || b->type >= TSR_VALUE_LIST;
    if (!nested)
        return scalars_equal(a, b);
    if (a->type != b->type)
        return false;
    return a->type == TSR_VALUE_LIST ? elements_equal(a, b) : members_within(a, b) && members_within(b, a);
}

static void print_side(const tsr_value *value, const char *side, tsr_text *out)
{
    if (is_null(value)) {
        tsr_text_add(out, "missing %s", side);
        return;
    }
    tsr_print_value(value, out);
    tsr_text_add(out, " %s", side);
}

static bool differ_at(const tsr_value *there, const tsr_value *here, const char *dotted, tsr_text *out);

static bool differ_below(const tsr_value *there, const tsr_value *here, const char *key, const char *dotted,
                         tsr_text *out)
{
    char *below = tsr_format("%s%s%s", dotted, dotted[0] ? "." : "", key);
    if (!below)
        out->failed = true;
    bool differs = below && differ_at(there, here, below, out);
    free(below);
    return differs;
}

static bool is_among(const char *word, const char *const *words)
{
    for (; words && *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

/* Members of `here` first, in their order, then those that only `there` has. */
static bool differ_in_group(const tsr_value *there, const tsr_value *here, const char *const *ignored,
                            const char *dotted, tsr_text *out)
{
    const tsr_value *sides[2] = { here, there };
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side]->n; i++) {
            const char *key = sides[side]->items[i]->key;
            if (!is_among(key, ignored) &&
                differ_below(tsr_value_member(there, key), tsr_value_member(here, key), key, dotted, out))
                return true;
        }
    return false;
}

static bool differ_in_list(const tsr_value *there, const tsr_value *here, const char *dotted, tsr_text *out)
{
    for (size_t i = 0; i < there->n; i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        if (differ_below(there->items[i], here->items[i], index, dotted, out))
            return true;
    }
    return false;
}

static bool differ_at(const tsr_value *there, const tsr_value *here, const char *dotted, tsr_text *out)
{
    if (tsr_values_equal(there, here))
        return false;
    if (tsr_value_is(there, TSR_VALUE_GROUP) && tsr_value_is(here, TSR_VALUE_GROUP))
        return differ_in_group(there, here, NULL, dotted, out);
    if (tsr_value_is(there, TSR_VALUE_LIST) && tsr_value_is(here, TSR_VALUE_LIST) && there->n == here->n)
        return differ_in_list(there, here, dotted, out);
    tsr_text_add(out, "%s is ", dotted);
    print_side(there, "there", out);
    tsr_text_add(out, " and ");
    print_side(here, "here", out);
    return true;
}

bool tsr_values_differ(const tsr_value *there, const tsr_value *here, const char *const *ignored,
                       tsr_text *out)
{
    return differ_in_group(there, here, ignored, "", out);
}

void tsr_hash_text(const char *text, char digits[17])
{
    snprintf(digits, 17, "%016llx", (unsigned long long)XXH3_64bits(text, strlen(text)));
}

tsr_status *tsr_value_hash(const tsr_value *value, char digits[17])
{
    char *text = tsr_value_json_text(value, 0);
    if (!text)
        return tsr_no_memory("a hash");
    tsr_hash_text(text, digits);
    free(text);
    return NULL;
}
