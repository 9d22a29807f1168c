/* What a plugin declares, in words and as a config has it. */
#include "cli/key_text.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void add_list(const json_t *list, tsr_text *out)
{
    bool groups = json_is_object(json_array_get(list, 0));
    tsr_text_add(out, groups ? "(" : "[");
    for (size_t i = 0; i < json_array_size(list); i++) {
        tsr_text_add(out, i ? ", " : " ");
        tsr_key_text_value(json_array_get(list, i), out);
    }
    tsr_text_add(out, groups ? " )" : " ]");
}

static void add_group(const json_t *group, tsr_text *out)
{
    json_t *members = json_incref((json_t *)(uintptr_t)group), *member; /* the macro wants it mutable */
    const char *key;
    tsr_text_add(out, "{ ");
    json_object_foreach(members, key, member)
    {
        if (json_is_null(member))
            continue;
        tsr_text_add(out, "%s = ", key);
        tsr_key_text_value(member, out);
        tsr_text_add(out, "; ");
    }
    tsr_text_add(out, "}");
    json_decref(members);
}

/* As a config writes it; nothing for null. */
void tsr_key_text_value(const json_t *value, tsr_text *out)
{
    if (!value)
        return;
    char real[32];
    json_int_t integer = json_integer_value(value);
    switch (json_typeof(value)) {
    case JSON_INTEGER: /* libconfig wants a suffix on what is longer than 32 bits */
        tsr_text_add(out, "%lld%s", (long long)integer,
                     integer > INT32_MAX || integer < INT32_MIN ? "L" : "");
        break;
    case JSON_REAL:
        tsr_format_real(json_real_value(value), real, sizeof(real));
        tsr_text_add(out, "%s", real);
        break;
    case JSON_STRING:
        tsr_text_add(out, "\"");
        for (const char *c = json_string_value(value); *c; c++)
            tsr_text_add(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        tsr_text_add(out, "\"");
        break;
    case JSON_ARRAY:
        add_list(value, out);
        break;
    case JSON_OBJECT:
        add_group(value, out);
        break;
    case JSON_NULL:
        break;
    default:
        tsr_text_add(out, json_is_true(value) ? "true" : "false");
    }
}

static void add_range(const json_t *key, tsr_text *out)
{
    const json_t *least = json_object_get(key, "min"), *most = json_object_get(key, "max");
    const json_t *choices = json_object_get(key, "choices");
    if (least && most) {
        tsr_key_text_value(least, out);
        tsr_text_add(out, " to ");
        tsr_key_text_value(most, out);
    } else if (least || most) {
        tsr_text_add(out, least ? "at least " : "at most ");
        tsr_key_text_value(least ? least : most, out);
    }
    for (size_t i = 0; i < json_array_size(choices); i++)
        tsr_text_add(out, "%s%s", i ? " | " : "", json_string_value(json_array_get(choices, i)));
    if (json_object_get(key, "min_length") || json_object_get(key, "max_length"))
        tsr_text_add(out, "%s%lld to ", out->length ? ", length " : "length ",
                     (long long)json_integer_value(json_object_get(key, "min_length")));
    if (json_object_get(key, "max_length"))
        tsr_text_add(out, "%lld", (long long)json_integer_value(json_object_get(key, "max_length")));
    else if (json_object_get(key, "min_length"))
        tsr_text_add(out, "any");
}

static void add_default(const json_t *key, tsr_text *out)
{
    const json_t *value = json_object_get(key, "default");
    if (!value)
        tsr_text_add(out, "required");
    else if (json_is_null(value))
        tsr_text_add(out, "none");
    else
        tsr_key_text_value(value, out);
}

static void add_type(const json_t *key, tsr_text *out)
{
    static const char *const words[][2] = { { "int", "integer" },         { "real", "number" },
                                            { "bool", "true or false" },  { "enum", "word" },
                                            { "int_list", "integers" },   { "real_list", "numbers" },
                                            { "string_list", "strings" }, { "group_list", "groups" } };
    const char *type = text_of(key, "type");
    bool plugins = strcmp(type, "plugin_list") == 0;
    if (plugins || strcmp(type, "plugin") == 0)
        type = text_of(key, "nested");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(words[i][0], type) == 0)
            type = words[i][1];
    }
    tsr_text_add(out, plugins ? "list of %ss" : "%s", type);
}

/* Keys: one line of what it takes and one of what it means. */

void tsr_key_text_nature(const json_t *key, tsr_text *out)
{
    tsr_text range = { 0 };
    const char *unit = text_of(key, "unit");
    tsr_text_add(out, "(");
    add_type(key, out);
    add_range(key, &range);
    if (range.chars)
        tsr_text_add(out, ", %s", range.chars);
    out->failed = out->failed || range.failed;
    free(range.chars);
    if (*unit)
        tsr_text_add(out, ", in %s", unit);
    tsr_text_add(out, json_object_get(key, "default") ? "; default " : "; ");
    add_default(key, out);
    tsr_text_add(out, ")");
}

/* Something of the right type where there is no default: the least value, the first choice, "...". */
void tsr_key_text_example(const json_t *key, tsr_text *out)
{
    const char *type = text_of(key, "type");
    const json_t *least = json_object_get(key, "min"), *choices = json_object_get(key, "choices");
    bool list = strstr(type, "_list") != NULL;
    bool groups = strcmp(type, "group_list") == 0;
    tsr_text_add(out, groups ? "( " : list ? "[ " : "");
    if (least)
        tsr_key_text_value(least, out);
    else if (choices)
        tsr_key_text_value(json_array_get(choices, 0), out);
    else if (strncmp(type, "int", 3) == 0)
        tsr_text_add(out, "0");
    else if (strncmp(type, "real", 4) == 0)
        tsr_text_add(out, "0.0");
    else
        tsr_text_add(out, "%s", strcmp(type, "bool") == 0 ? "false" : groups ? "{ }" : "\"...\"");
    tsr_text_add(out, groups ? " )" : list ? " ]" : "");
}
