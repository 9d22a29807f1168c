/* Declarations of parameters. What a declaration may say is checked once, when its plugin is loaded, so that
   the reader of configs can rely on it. */
#include "plugin/params.h"

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

const char *tsr_param_type_name(tsr_param_type type)
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

size_t tsr_params_count(const tsr_param *params)
{
    size_t n = 0;
    while (params[n].type != TSR_TYPE_END)
        n++;
    return n;
}

const tsr_param *tsr_params_find(const tsr_param *params, const char *key)
{
    for (; params->type != TSR_TYPE_END; params++) {
        if (strcmp(params->key, key) == 0)
            return params;
    }
    return NULL;
}

/* Values. */

/* Whether an integer field can hold the value. A field's sign is not known: one of 4 bytes is taken as
   unsigned where its range has no negative number. */
static bool fits_int_field(const tsr_param *param, int64_t value)
{
    if (param->field_size == 8 || param->type != TSR_TYPE_INT)
        return true;
    return value >= INT32_MIN && value <= (param->int_min >= 0 ? (int64_t)UINT32_MAX : INT32_MAX);
}

static bool fits_real_field(const tsr_param *param, double value)
{
    return param->type != TSR_TYPE_REAL || param->field_size != sizeof(float) ||
           fabs(value) <= (double)FLT_MAX;
}

bool tsr_param_takes_int(const tsr_param *param, int64_t value)
{
    return value >= param->int_min && value <= param->int_max && fits_int_field(param, value);
}

bool tsr_param_takes_real(const tsr_param *param, double value)
{
    return isfinite(value) && value >= param->real_min && value <= param->real_max &&
           fits_real_field(param, value);
}

int tsr_param_choice(const tsr_param *param, const char *word)
{
    for (int i = 0; param->choices[i]; i++) {
        if (strcmp(param->choices[i], word) == 0)
            return i;
    }
    return -1;
}

/* Checking. */

static size_t field_size_of(tsr_param_type type)
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

static tsr_status *check_field(const tsr_param *param, size_t instance_size)
{
    size_t size = param->field_size;
    if ((uint64_t)param->offset + size > instance_size)
        return tsr_fail(TSR_REFUSED,
                        "its field (bytes %u to %zu) lies outside the instance of %zu bytes; give "
                        "TSR_INSTANCE the type that the parameters are declared of",
                        param->offset, param->offset + size, instance_size);
    if (param->type == TSR_TYPE_INT || param->type == TSR_TYPE_REAL) {
        if (size != 4 && size != 8)
            return tsr_fail(TSR_REFUSED,
                            "its field has %zu bytes, expected 4 or 8; declare the field as the type's "
                            "comment in param.h says",
                            size);
        return NULL;
    }
    if (size != field_size_of(param->type))
        return tsr_fail(TSR_REFUSED,
                        "its field has %zu bytes, expected the %zu of type %s; declare the field as the "
                        "type's comment in param.h says",
                        size, field_size_of(param->type), type_names[param->type]);
    return NULL;
}

static tsr_status *check_int_range(const tsr_param *param)
{
    if (param->int_min > param->int_max)
        return tsr_fail(TSR_REFUSED, "its least value %lld is greater than its greatest, %lld; exchange them",
                        (long long)param->int_min, (long long)param->int_max);
    if (!fits_int_field(param, param->int_min) || !fits_int_field(param, param->int_max))
        return tsr_fail(TSR_REFUSED,
                        "its field of %u bytes does not hold the range from %lld to %lld; make the field "
                        "wider or the range narrower",
                        param->field_size, (long long)param->int_min, (long long)param->int_max);
    return NULL;
}

static tsr_status *check_real_range(const tsr_param *param)
{
    if (isnan(param->real_min) || isnan(param->real_max))
        return tsr_fail(TSR_REFUSED, "a bound of its range is not a number; give one, or INFINITY for none");
    if (param->real_min > param->real_max)
        return tsr_fail(TSR_REFUSED, "its least value %g is greater than its greatest, %g; exchange them",
                        param->real_min, param->real_max);
    return NULL;
}

static tsr_status *default_outside(const tsr_param *param, const char *value)
{
    tsr_text expected = { 0 };
    bool list = param->type == TSR_TYPE_INT_LIST || param->type == TSR_TYPE_REAL_LIST;
    tsr_param_expected(param, list, &expected);
    tsr_status *status = tsr_fail(TSR_REFUSED, "its default %s is outside its range: expected %s", value,
                                  expected.chars ? expected.chars : "another");
    free(expected.chars);
    return status;
}

static tsr_status *check_int(const tsr_param *param, size_t n, const int64_t *defaults)
{
    TSR_TRY(check_int_range(param));
    for (size_t i = 0; i < n && !param->required; i++) {
        char value[32];
        snprintf(value, sizeof(value), "%lld", (long long)defaults[i]);
        if (!tsr_param_takes_int(param, defaults[i]))
            return default_outside(param, value);
    }
    return NULL;
}

static tsr_status *check_real(const tsr_param *param, size_t n, const double *defaults)
{
    TSR_TRY(check_real_range(param));
    for (size_t i = 0; i < n && !param->required; i++) {
        char value[32];
        tsr_format_real(defaults[i], value, sizeof(value));
        if (!tsr_param_takes_real(param, defaults[i]))
            return default_outside(param, value);
    }
    return NULL;
}

static tsr_status *check_string(const tsr_param *param)
{
    if (param->string_default && *param->string_default && !tsr_line_valid(param->string_default))
        return tsr_fail(TSR_REFUSED, "its default is not one line of UTF-8; give one");
    return NULL;
}

static tsr_status *check_choices(const tsr_param *param)
{
    if (!param->choices || !param->choices[0])
        return tsr_fail(TSR_REFUSED, "it has no choices; give at least one, and NULL behind the last");
    for (int i = 0; param->choices[i]; i++) {
        if (!tsr_line_valid(param->choices[i]))
            return tsr_fail(TSR_REFUSED, "its choice %d is not a word; is the NULL behind the last missing?",
                            i);
        if (tsr_param_choice(param, param->choices[i]) != i)
            return tsr_fail(TSR_REFUSED, "its choice '%s' stands twice; expected once", param->choices[i]);
    }
    if (!param->required && (!param->string_default || tsr_param_choice(param, param->string_default) < 0))
        return tsr_fail(TSR_REFUSED, "its default '%s' is none of its choices; expected one of them",
                        tsr_line_shown(param->string_default));
    return NULL;
}

static tsr_status *check_list(const tsr_param *param)
{
    size_t n = param->list_default_length;
    size_t most = param->list_max_length ? param->list_max_length : SIZE_MAX;
    bool ints = param->type == TSR_TYPE_INT_LIST;
    if (param->list_min_length > most)
        return tsr_fail(TSR_REFUSED, "its least length %zu is greater than its greatest, %zu; exchange them",
                        param->list_min_length, most);
    if (!param->required && (n < param->list_min_length || n > most))
        return tsr_fail(TSR_REFUSED,
                        "its default has %zu elements, outside its range of lengths; change one of both", n);
    if (n > 0 && !(ints ? (const void *)param->int_list_default : (const void *)param->real_list_default))
        return tsr_fail(TSR_REFUSED, "its default of %zu elements is missing; give an array of as many", n);
    return ints ? check_int(param, n, param->int_list_default)
                : check_real(param, n, param->real_list_default);
}

static tsr_status *check_nested(const tsr_param *param)
{
    if (!tsr_kind_get(param->nested))
        return tsr_fail(TSR_REFUSED, "the kind of plugin it takes, %d, is none; use one of tsr_kind",
                        (int)param->nested);
    if (param->string_default && !tsr_name_valid(param->string_default))
        return tsr_fail(TSR_REFUSED,
                        "its default '%s' is no plugin's name: expected lower case letters, digits and _",
                        tsr_line_shown(param->string_default));
    return NULL;
}

static tsr_status *check_value(const tsr_param *param)
{
    switch (param->type) {
    case TSR_TYPE_INT:
        return check_int(param, 1, &param->int_default);
    case TSR_TYPE_REAL:
        return check_real(param, 1, &param->real_default);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        return check_string(param);
    case TSR_TYPE_ENUM:
        return check_choices(param);
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
        return check_list(param);
    case TSR_TYPE_PLUGIN:
        return check_nested(param);
    default:
        return NULL;
    }
}

static tsr_status *check_one(const tsr_param *param, size_t instance_size)
{
    if (!tsr_line_valid(param->doc))
        return tsr_fail(TSR_REFUSED, "its doc is missing or not one line; give one");
    if (param->unit && !tsr_line_valid(param->unit))
        return tsr_fail(TSR_REFUSED, "its unit is empty or not one line; give one or NULL");
    if (param->constant && (param->type != TSR_TYPE_REAL || !tsr_name_valid(param->constant)))
        return tsr_fail(TSR_REFUSED,
                        "it sets the constant '%s', expected a real number that sets one called "
                        "by lower case letters, digits and _",
                        tsr_line_shown(param->constant));
    TSR_TRY(check_field(param, instance_size));
    return check_value(param);
}

/* The key against those before it: no two alike, no two that share bytes of the instance. */
static tsr_status *check_apart(const tsr_param *params, size_t i)
{
    const tsr_param *param = &params[i];
    for (const tsr_param *other = params; other < param; other++) {
        if (strcmp(other->key, param->key) == 0)
            return tsr_fail(TSR_REFUSED, "it is declared twice; remove or rename one");
        if ((uint64_t)param->offset < (uint64_t)other->offset + other->field_size &&
            (uint64_t)other->offset < (uint64_t)param->offset + param->field_size)
            return tsr_fail(TSR_REFUSED, "its field is also that of '%s'; give each a field of its own",
                            other->key);
    }
    return NULL;
}

/* As a plugin's name, but upper case too: a field may call a quantity C. */
static bool is_key(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return key && key[0] && !strchr("0123456789_", key[0]) && key[strspn(key, allowed)] == '\0';
}

tsr_status *tsr_params_check(const tsr_param *params, size_t instance_size, const char *where)
{
    for (size_t i = 0; params[i].type != TSR_TYPE_END; i++) {
        const tsr_param *param = &params[i];
        if ((unsigned)param->type > TSR_TYPE_PLUGIN)
            return tsr_fail(TSR_REFUSED,
                            "%s: parameter %zu has the unknown type %d; is TSR_PARAM_END missing?", where, i,
                            (int)param->type);
        if (!is_key(param->key))
            return tsr_fail(TSR_REFUSED, "%s: parameter %zu: '%s' is no key: expected letters, digits and _",
                            where, i, tsr_line_shown(param->key));
        if (strcmp(param->key, "plugin") == 0)
            return tsr_fail(TSR_REFUSED,
                            "%s: parameter 'plugin': this key names the plugin itself; call it otherwise",
                            where);
        tsr_status *status = check_one(param, instance_size);
        if (!status)
            status = check_apart(params, i);
        if (status)
            return tsr_context(status, "%s: parameter '%s'", where, param->key);
    }
    return NULL;
}

/* In words. */

static void add_int_range(const tsr_param *param, tsr_text *out)
{
    bool least = param->int_min != INT64_MIN, most = param->int_max != INT64_MAX;
    if (least && most)
        tsr_text_add(out, " from %lld to %lld", (long long)param->int_min, (long long)param->int_max);
    else if (least)
        tsr_text_add(out, " of at least %lld", (long long)param->int_min);
    else if (most)
        tsr_text_add(out, " of at most %lld", (long long)param->int_max);
}

static void add_real_range(const tsr_param *param, tsr_text *out)
{
    char least[32], most[32];
    tsr_format_real(param->real_min, least, sizeof(least));
    tsr_format_real(param->real_max, most, sizeof(most));
    if (isfinite(param->real_min) && isfinite(param->real_max))
        tsr_text_add(out, " from %s to %s", least, most);
    else if (isfinite(param->real_min))
        tsr_text_add(out, " of at least %s", least);
    else if (isfinite(param->real_max))
        tsr_text_add(out, " of at most %s", most);
}

static void add_length(const tsr_param *param, tsr_text *out)
{
    if (param->list_min_length > 0)
        tsr_text_add(out, ", at least %zu", param->list_min_length);
    if (param->list_max_length > 0)
        tsr_text_add(out, ", at most %zu", param->list_max_length);
}

static void add_choices(const tsr_param *param, tsr_text *out)
{
    for (const char *const *word = param->choices; *word; word++)
        tsr_text_add(out, "%s\"%s\"", word == param->choices ? "one of " : ", ", *word);
}

void tsr_param_expected(const tsr_param *param, bool element, tsr_text *out)
{
    switch (param->type) {
    case TSR_TYPE_INT:
        tsr_text_add(out, "an integer");
        add_int_range(param, out);
        return;
    case TSR_TYPE_REAL:
        tsr_text_add(out, "a number");
        add_real_range(param, out);
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
        add_choices(param, out);
        return;
    case TSR_TYPE_INT_LIST:
        tsr_text_add(out, element ? "an integer" : "a list [ ... ] of integers");
        add_int_range(param, out);
        break;
    case TSR_TYPE_REAL_LIST:
        tsr_text_add(out, element ? "a number" : "a list [ ... ] of numbers");
        add_real_range(param, out);
        break;
    case TSR_TYPE_PLUGIN:
        tsr_text_add(out, "the name of %s or a group { plugin = \"NAME\"; ... }",
                     tsr_kind_get(param->nested)->phrase);
        return;
    case TSR_TYPE_END:
        return;
    }
    if (!element)
        add_length(param, out);
}
