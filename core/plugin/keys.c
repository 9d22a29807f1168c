/* Declarations of keys. What a declaration may say is checked once, when its plugin is loaded, so that
   the reader of configs can rely on it. */
#include "plugin/keys.h"

#include "plugin/kinds.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [TSR_TYPE_INT] = "int",           [TSR_TYPE_REAL] = "real",           [TSR_TYPE_BOOL] = "bool",
    [TSR_TYPE_STRING] = "string",     [TSR_TYPE_PATH] = "path",           [TSR_TYPE_ENUM] = "enum",
    [TSR_TYPE_INT_LIST] = "int_list", [TSR_TYPE_REAL_LIST] = "real_list", [TSR_TYPE_PLUGIN] = "plugin",
};

const char *tsr_key_type_name(tsr_key_type type)
{
    return type_names[type];
}

bool tsr_name_valid(const char *name)
{
    if (!name || name[0] < 'a' || name[0] > 'z')
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

bool tsr_line_valid(const char *line)
{
    if (!line || !*line)
        return false;
    for (const char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ')
            return false;
    }
    return tsr_is_utf8(line);
}

const char *tsr_line_shown(const char *line)
{
    if (!line || !*line)
        return "";
    return tsr_line_valid(line) ? line : "(not text)";
}

size_t tsr_keys_count(const tsr_key *keys)
{
    size_t n = 0;
    while (keys[n].type != TSR_TYPE_END)
        n++;
    return n;
}

const tsr_key *tsr_keys_find(const tsr_key *keys, const char *key)
{
    for (; keys->type != TSR_TYPE_END; keys++) {
        if (strcmp(keys->name, key) == 0)
            return keys;
    }
    return NULL;
}

/* Values. */

/* Whether an integer field can hold the value. A field's sign is not known: one of 4 bytes is taken as
   unsigned where its range has no negative number. */
static bool fits_int_field(const tsr_key *key, int64_t value)
{
    if (key->field_size == 8 || key->type != TSR_TYPE_INT)
        return true;
    return value >= INT32_MIN && value <= (key->int_min >= 0 ? (int64_t)UINT32_MAX : INT32_MAX);
}

static bool fits_real_field(const tsr_key *key, double value)
{
    return key->type != TSR_TYPE_REAL || key->field_size != sizeof(float) || fabs(value) <= (double)FLT_MAX;
}

bool tsr_key_takes_int(const tsr_key *key, int64_t value)
{
    return value >= key->int_min && value <= key->int_max && fits_int_field(key, value);
}

bool tsr_key_takes_real(const tsr_key *key, double value)
{
    return isfinite(value) && value >= key->real_min && value <= key->real_max && fits_real_field(key, value);
}

int tsr_key_choice(const tsr_key *key, const char *word)
{
    for (int i = 0; key->choices[i]; i++) {
        if (strcmp(key->choices[i], word) == 0)
            return i;
    }
    return -1;
}

/* Checking. */

static size_t field_size_of(tsr_key_type type)
{
    switch (type) {
    case TSR_TYPE_BOOL:
        return sizeof(bool);
    case TSR_TYPE_ENUM:
        return sizeof(int);
    case TSR_TYPE_INT_LIST:
        return sizeof(tsr_int_list);
    case TSR_TYPE_REAL_LIST:
        return sizeof(tsr_real_list);
    default:
        return sizeof(void *);
    }
}

static tsr_status *check_field(const tsr_key *key, size_t instance_size)
{
    size_t size = key->field_size;
    if ((uint64_t)key->offset + size > instance_size)
        return tsr_fail(TSR_REFUSED,
                        "its field (bytes %u to %zu) lies outside the instance of %zu bytes; give "
                        "TSR_INSTANCE the type that the keys are declared of",
                        key->offset, key->offset + size, instance_size);
    if (key->type == TSR_TYPE_INT || key->type == TSR_TYPE_REAL) {
        if (size != 4 && size != 8)
            return tsr_fail(TSR_REFUSED,
                            "its field has %zu bytes, expected 4 or 8; declare the field as the type's "
                            "comment in key.h says",
                            size);
        return NULL;
    }
    if (size != field_size_of(key->type))
        return tsr_fail(TSR_REFUSED,
                        "its field has %zu bytes, expected the %zu of type %s; declare the field as the "
                        "type's comment in key.h says",
                        size, field_size_of(key->type), type_names[key->type]);
    return NULL;
}

static tsr_status *check_int_range(const tsr_key *key)
{
    if (key->int_min > key->int_max)
        return tsr_fail(TSR_REFUSED, "its least value %lld is greater than its greatest, %lld; exchange them",
                        (long long)key->int_min, (long long)key->int_max);
    if (!fits_int_field(key, key->int_min) || !fits_int_field(key, key->int_max))
        return tsr_fail(TSR_REFUSED,
                        "its field of %u bytes does not hold the range from %lld to %lld; make the field "
                        "wider or the range narrower",
                        key->field_size, (long long)key->int_min, (long long)key->int_max);
    return NULL;
}

static tsr_status *check_real_range(const tsr_key *key)
{
    if (isnan(key->real_min) || isnan(key->real_max))
        return tsr_fail(TSR_REFUSED, "a bound of its range is not a number; give one, or INFINITY for none");
    if (key->real_min > key->real_max)
        return tsr_fail(TSR_REFUSED, "its least value %g is greater than its greatest, %g; exchange them",
                        key->real_min, key->real_max);
    return NULL;
}

static tsr_status *default_outside(const tsr_key *key, const char *value)
{
    tsr_text expected = { 0 };
    bool list = key->type == TSR_TYPE_INT_LIST || key->type == TSR_TYPE_REAL_LIST;
    tsr_key_expected(key, list, &expected);
    tsr_status *status = tsr_fail(TSR_REFUSED, "its default %s is outside its range: expected %s", value,
                                  expected.chars ? expected.chars : "another");
    free(expected.chars);
    return status;
}

static tsr_status *check_int(const tsr_key *key, size_t n, const int64_t *defaults)
{
    TSR_TRY(check_int_range(key));
    for (size_t i = 0; i < n && !key->required; i++) {
        char value[32];
        snprintf(value, sizeof(value), "%lld", (long long)defaults[i]);
        if (!tsr_key_takes_int(key, defaults[i]))
            return default_outside(key, value);
    }
    return NULL;
}

static tsr_status *check_real(const tsr_key *key, size_t n, const double *defaults)
{
    TSR_TRY(check_real_range(key));
    for (size_t i = 0; i < n && !key->required; i++) {
        char value[32];
        tsr_format_real(defaults[i], value, sizeof(value));
        if (!tsr_key_takes_real(key, defaults[i]))
            return default_outside(key, value);
    }
    return NULL;
}

static tsr_status *check_string(const tsr_key *key)
{
    if (key->string_default && *key->string_default && !tsr_line_valid(key->string_default))
        return tsr_fail(TSR_REFUSED, "its default is not one line of UTF-8; give one");
    return NULL;
}

static tsr_status *check_choices(const tsr_key *key)
{
    if (!key->choices || !key->choices[0])
        return tsr_fail(TSR_REFUSED, "it has no choices; give at least one, and NULL behind the last");
    for (int i = 0; key->choices[i]; i++) {
        if (!tsr_line_valid(key->choices[i]))
            return tsr_fail(TSR_REFUSED, "its choice %d is not a word; is the NULL behind the last missing?",
                            i);
        if (tsr_key_choice(key, key->choices[i]) != i)
            return tsr_fail(TSR_REFUSED, "its choice '%s' stands twice; expected once", key->choices[i]);
    }
    if (!key->required && (!key->string_default || tsr_key_choice(key, key->string_default) < 0))
        return tsr_fail(TSR_REFUSED, "its default '%s' is none of its choices; expected one of them",
                        tsr_line_shown(key->string_default));
    return NULL;
}

static tsr_status *check_list(const tsr_key *key)
{
    size_t n = key->list_default_length;
    size_t most = key->list_max_length ? key->list_max_length : SIZE_MAX;
    bool ints = key->type == TSR_TYPE_INT_LIST;
    if (key->list_min_length > most)
        return tsr_fail(TSR_REFUSED, "its least length %zu is greater than its greatest, %zu; exchange them",
                        key->list_min_length, most);
    if (!key->required && (n < key->list_min_length || n > most))
        return tsr_fail(TSR_REFUSED,
                        "its default has %zu elements, outside its range of lengths; change one of both", n);
    if (n > 0 && !(ints ? (const void *)key->int_list_default : (const void *)key->real_list_default))
        return tsr_fail(TSR_REFUSED, "its default of %zu elements is missing; give an array of as many", n);
    return ints ? check_int(key, n, key->int_list_default) : check_real(key, n, key->real_list_default);
}

static tsr_status *check_nested(const tsr_key *key)
{
    if (!tsr_kind_get(key->nested))
        return tsr_fail(TSR_REFUSED, "the kind of plugin it takes, %d, is none; use one of tsr_kind",
                        (int)key->nested);
    if (key->string_default && !tsr_name_valid(key->string_default))
        return tsr_fail(TSR_REFUSED,
                        "its default '%s' is not a plugin's name: expected lower case letters, digits and _",
                        tsr_line_shown(key->string_default));
    return NULL;
}

static tsr_status *check_value(const tsr_key *key)
{
    switch (key->type) {
    case TSR_TYPE_INT:
        return check_int(key, 1, &key->int_default);
    case TSR_TYPE_REAL:
        return check_real(key, 1, &key->real_default);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        return check_string(key);
    case TSR_TYPE_ENUM:
        return check_choices(key);
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
        return check_list(key);
    case TSR_TYPE_PLUGIN:
        return check_nested(key);
    default:
        return NULL;
    }
}

static tsr_status *check_one(const tsr_key *key, size_t instance_size)
{
    if (!tsr_line_valid(key->doc))
        return tsr_fail(TSR_REFUSED, "its doc is missing or not one line; give one");
    if (key->unit && !tsr_line_valid(key->unit))
        return tsr_fail(TSR_REFUSED, "its unit is empty or not one line; give one or NULL");
    if (key->constant && (key->type != TSR_TYPE_REAL || !tsr_name_valid(key->constant)))
        return tsr_fail(TSR_REFUSED,
                        "it sets the constant '%s', expected a real number that sets one called "
                        "by lower case letters, digits and _",
                        tsr_line_shown(key->constant));
    TSR_TRY(check_field(key, instance_size));
    return check_value(key);
}

/* The key against those before it: no two alike, no two that share bytes of the instance. */
static tsr_status *check_apart(const tsr_key *keys, size_t i)
{
    const tsr_key *key = &keys[i];
    for (const tsr_key *other = keys; other < key; other++) {
        if (strcmp(other->name, key->name) == 0)
            return tsr_fail(TSR_REFUSED, "it is declared twice; remove or rename one");
        if ((uint64_t)key->offset < (uint64_t)other->offset + other->field_size &&
            (uint64_t)other->offset < (uint64_t)key->offset + key->field_size)
            return tsr_fail(TSR_REFUSED, "its field is also that of '%s'; give each a field of its own",
                            other->name);
    }
    return NULL;
}

/* As a plugin's name, but upper case too: a field may call a quantity C. */
static bool is_key(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return key && key[0] && !strchr("0123456789_", key[0]) && key[strspn(key, allowed)] == '\0';
}

tsr_status *tsr_keys_check(const tsr_key *keys, size_t instance_size, const char *where)
{
    for (size_t i = 0; keys[i].type != TSR_TYPE_END; i++) {
        const tsr_key *key = &keys[i];
        if ((unsigned)key->type > TSR_TYPE_PLUGIN)
            return tsr_fail(TSR_REFUSED, "%s: key %zu has the unknown type %d; is TSR_KEY_END missing?",
                            where, i, (int)key->type);
        if (!is_key(key->name))
            return tsr_fail(TSR_REFUSED,
                            "%s: key %zu: its name '%s' is not valid: expected letters, digits and _", where,
                            i, tsr_line_shown(key->name));
        if (strcmp(key->name, "plugin") == 0)
            return tsr_fail(TSR_REFUSED,
                            "%s: key 'plugin': this key names the plugin itself; call it otherwise", where);
        tsr_status *status = check_one(key, instance_size);
        if (!status)
            status = check_apart(keys, i);
        if (status)
            return tsr_context(status, "%s: key '%s'", where, key->name);
    }
    return NULL;
}

/* In words. */

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
    case TSR_TYPE_PLUGIN:
        tsr_text_add(out, "the name of %s or a group { plugin = \"NAME\"; ... }",
                     tsr_kind_get(key->nested)->phrase);
        return;
    case TSR_TYPE_END:
        return;
    }
    if (!element)
        add_length(key, out);
}
