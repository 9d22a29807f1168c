/* Values as text, in the syntax of libconfig: what is printed reads back as what it was. */
#include "config/print.h"

#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 4

static void print_string(const char *chars, tsr_text *out)
{
    tsr_text_add(out, "\"");
    for (; *chars; chars++) {
        unsigned char c = (unsigned char)*chars;
        if (c == '"' || c == '\\')
            tsr_text_add(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            tsr_text_add(out, "\\x%02x", c);
        else
            tsr_text_add(out, "%c", c);
    }
    tsr_text_add(out, "\"");
}

/* Whether libconfig takes it for an integer of 64 bits only. */
static bool is_long(const tsr_value *value)
{
    return value->type == TSR_VALUE_INT && (value->integer > INT32_MAX || value->integer < INT32_MIN);
}

static void print_scalar(const tsr_value *value, tsr_text *out)
{
    char digits[32];
    switch (value->type) {
    case TSR_VALUE_STRING:
        print_string(value->string, out);
        break;
    case TSR_VALUE_INT:
        tsr_text_add(out, "%lld%s", (long long)value->integer, is_long(value) ? "L" : "");
        break;
    case TSR_VALUE_REAL:
        tsr_format_real(value->real, digits, sizeof(digits));
        tsr_text_add(out, "%s", digits);
        break;
    case TSR_VALUE_BOOL:
        tsr_text_add(out, "%s", value->boolean ? "true" : "false");
        break;
    default:
        tsr_text_add(out, "null");
        break;
    }
}

static bool is_scalar(const tsr_value *value)
{
    return value->type != TSR_VALUE_LIST && value->type != TSR_VALUE_GROUP;
}

/* Whether libconfig takes the elements between [ and ]: scalars of one of its types. */
static bool is_array(const tsr_value *list)
{
    bool uniform = list->n == 0 || is_scalar(list->items[0]);
    for (size_t i = 1; uniform && i < list->n; i++)
        uniform = list->items[i]->type == list->items[0]->type &&
                  is_long(list->items[i]) == is_long(list->items[0]);
    return uniform;
}

/* Members one per line at `indent`, or all on one line where it is negative. */
static void print_members(const tsr_value *group, int indent, tsr_text *out);

static void print(const tsr_value *value, int indent, tsr_text *out)
{
    if (value->type == TSR_VALUE_GROUP) {
        tsr_text_add(out, indent < 0 ? "{ " : "{\n");
        print_members(value, indent < 0 ? indent : indent + INDENT, out);
        if (indent >= 0)
            tsr_text_add(out, "%*s", indent, "");
        tsr_text_add(out, "}");
    } else if (value->type == TSR_VALUE_LIST) {
        bool array = is_array(value);
        tsr_text_add(out, array ? "[ " : "( ");
        for (size_t i = 0; i < value->n; i++) {
            tsr_text_add(out, "%s", i ? ", " : "");
            print(value->items[i], indent, out);
        }
        tsr_text_add(out, array ? " ]" : " )");
    } else {
        print_scalar(value, out);
    }
}

static void print_members(const tsr_value *group, int indent, tsr_text *out)
{
    for (size_t i = 0; i < group->n; i++) {
        const tsr_value *member = group->items[i];
        if (member->type == TSR_VALUE_NULL)
            continue;
        if (indent > 0)
            tsr_text_add(out, "%*s", indent, "");
        tsr_text_add(out, "%s = ", member->key);
        print(member, indent, out);
        tsr_text_add(out, indent < 0 ? "; " : ";\n");
    }
}

void tsr_print_config(const tsr_value *group, tsr_text *out)
{
    print_members(group, 0, out);
}

void tsr_print_value(const tsr_value *value, tsr_text *out)
{
    if (value)
        print(value, -1, out);
    else
        tsr_text_add(out, "null");
}

const tsr_value *tsr_print_naming(const tsr_value *group)
{
    const tsr_value *naming = tsr_value_member(group, "plugin");
    for (tsr_kind kind = TSR_NO_KIND + 1; !naming && kind < TSR_N_KINDS; kind++)
        if (tsr_kind_get(kind)->name_key)
            naming = tsr_value_member(group, tsr_kind_get(kind)->name_key);
    return tsr_value_text(naming) ? naming : NULL;
}

/* A group: its plugin's name, then its other members. */
static void print_group_label(const tsr_value *group, tsr_text *out)
{
    const tsr_value *naming = tsr_print_naming(group);
    tsr_text_add(out, "%s", naming ? naming->string : "");
    size_t n = 0;
    for (size_t i = 0; i < group->n; i++) {
        const tsr_value *member = group->items[i];
        if (member->type == TSR_VALUE_NULL || member == naming)
            continue;
        tsr_text_add(out, "%s%s=", n++ ? " " : "(", member->key);
        tsr_print_label(member, out);
    }
    tsr_text_add(out, "%s", n ? ")" : "");
}

void tsr_print_label(const tsr_value *value, tsr_text *out)
{
    if (value->type == TSR_VALUE_STRING) {
        tsr_text_add(out, "%s", value->string);
    } else if (value->type == TSR_VALUE_GROUP) {
        print_group_label(value, out);
    } else if (value->type != TSR_VALUE_LIST) {
        print_scalar(value, out);
    } else {
        tsr_text_add(out, "%s", value->n ? "" : "none");
        for (size_t i = 0; i < value->n; i++) {
            bool groups = value->items[0]->type == TSR_VALUE_GROUP;
            tsr_text_add(out, "%s", !i ? "" : groups ? " + " : " ");
            tsr_print_label(value->items[i], out);
        }
    }
}

void tsr_print_outline(const tsr_value *value, tsr_text *out)
{
    if (value->type == TSR_VALUE_GROUP)
        tsr_text_add(out, "{ ... }");
    else if (value->type == TSR_VALUE_LIST)
        tsr_text_add(out, value->n ? "[ ... ]" : "[ ]");
    else
        print_scalar(value, out);
}
