/* tessera describe: what a plugin declares, for a person to read, with a group to paste into a config. */
#include "cli/cli.h"

#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct arguments {
    const char *what;
    bool json;
} arguments;

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    *out = (arguments){ 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            out->json = true;
            continue;
        }
        if (argv[i][0] == '-')
            return tsr_fail(TSR_USAGE, "tessera describe: unknown option '%s'; see 'tessera describe --help'",
                            argv[i]);
        if (out->what)
            return tsr_fail(TSR_USAGE, "tessera describe: one plugin at a time, '%s' is one more", argv[i]);
        out->what = argv[i];
    }
    if (!out->what || !strchr(out->what, '/'))
        return tsr_fail(TSR_USAGE, "tessera describe: expected KIND/NAME or a path to a .so%s%s%s",
                        out->what ? ", not '" : "", out->what ? out->what : "", out->what ? "'" : "");
    return NULL;
}

static bool is_file(const char *what)
{
    size_t length = strlen(what);
    return length > 3 && strcmp(what + length - 3, ".so") == 0;
}

/* Values. */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* As a config writes it; nothing for null. */
static void add_value(const json_t *value, tsr_text *out)
{
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
        tsr_text_add(out, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            tsr_text_add(out, i ? ", " : " ");
            add_value(json_array_get(value, i), out);
        }
        tsr_text_add(out, " ]");
        break;
    case JSON_NULL:
    case JSON_OBJECT:
        break;
    default:
        tsr_text_add(out, json_is_true(value) ? "true" : "false");
    }
}

static void add_range(const json_t *param, tsr_text *out)
{
    const json_t *least = json_object_get(param, "min"), *most = json_object_get(param, "max");
    const json_t *choices = json_object_get(param, "choices");
    if (least && most) {
        add_value(least, out);
        tsr_text_add(out, " to ");
        add_value(most, out);
    } else if (least || most) {
        tsr_text_add(out, least ? "at least " : "at most ");
        add_value(least ? least : most, out);
    }
    for (size_t i = 0; i < json_array_size(choices); i++)
        tsr_text_add(out, "%s%s", i ? " | " : "", json_string_value(json_array_get(choices, i)));
    if (json_object_get(param, "min_length") || json_object_get(param, "max_length"))
        tsr_text_add(out, "%s%lld to ", out->length ? ", length " : "length ",
                     (long long)json_integer_value(json_object_get(param, "min_length")));
    if (json_object_get(param, "max_length"))
        tsr_text_add(out, "%lld", (long long)json_integer_value(json_object_get(param, "max_length")));
    else if (json_object_get(param, "min_length"))
        tsr_text_add(out, "any");
}

static void add_default(const json_t *param, tsr_text *out)
{
    const json_t *value = json_object_get(param, "default");
    if (!value)
        tsr_text_add(out, "required");
    else if (json_is_null(value))
        tsr_text_add(out, "none");
    else
        add_value(value, out);
}

static void add_type(const json_t *param, tsr_text *out)
{
    static const char *const words[][2] = { { "int", "integer" },        { "real", "number" },
                                            { "bool", "true or false" }, { "enum", "word" },
                                            { "int_list", "integers" },  { "real_list", "numbers" } };
    const char *type = text_of(param, "type");
    if (strcmp(type, "plugin") == 0)
        type = text_of(param, "nested");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(words[i][0], type) == 0)
            type = words[i][1];
    }
    tsr_text_add(out, "%s", type);
}

/* The table of keys: a line of cells and a line of meaning each. */

enum { KEY, TYPE, DEFAULT, RANGE, UNIT, N_CELLS };
static const char *const titles[N_CELLS] = { "key", "type", "default", "range", "unit" };

static void make_cells(const json_t *param, tsr_text *cells)
{
    memset(cells, 0, N_CELLS * sizeof(*cells));
    tsr_text_add(&cells[KEY], "%s", text_of(param, "key"));
    add_type(param, &cells[TYPE]);
    add_default(param, &cells[DEFAULT]);
    add_range(param, &cells[RANGE]);
    tsr_text_add(&cells[UNIT], "%s", text_of(param, "unit"));
}

static void free_cells(tsr_text *cells)
{
    for (int i = 0; i < N_CELLS; i++)
        free(cells[i].chars);
}

static void measure(const json_t *params, int *widths)
{
    size_t n;
    const json_t *param;
    json_array_foreach(params, n, param)
    {
        tsr_text cells[N_CELLS];
        make_cells(param, cells);
        for (int i = 0; i < N_CELLS; i++) {
            if (widths[i] < (int)cells[i].length)
                widths[i] = (int)cells[i].length;
        }
        free_cells(cells);
    }
}

static void put_row(const char *const *cells, const int *widths)
{
    int blanks = 4;
    for (int i = 0; i < N_CELLS; i++) {
        if (widths[i] == 0)
            continue;
        printf("%*s%s", *cells[i] ? blanks : 0, "", cells[i]);
        blanks = (*cells[i] ? 0 : blanks) + widths[i] - (int)strlen(cells[i]) + 2;
    }
    printf("\n");
}

static void put_params(const char *title, const json_t *params)
{
    int widths[N_CELLS] = { 0 };
    size_t n;
    const json_t *param;
    if (json_array_size(params) == 0)
        return;
    measure(params, widths);
    for (int i = 0; i < N_CELLS; i++) {
        if (widths[i] > 0 && widths[i] < (int)strlen(titles[i]))
            widths[i] = (int)strlen(titles[i]);
    }
    printf("\n%s\n", title);
    put_row(titles, widths);
    json_array_foreach(params, n, param)
    {
        tsr_text cells[N_CELLS];
        const char *texts[N_CELLS];
        make_cells(param, cells);
        for (int i = 0; i < N_CELLS; i++)
            texts[i] = cells[i].chars ? cells[i].chars : "";
        put_row(texts, widths);
        printf("        %s\n", text_of(param, "doc"));
        free_cells(cells);
    }
}

/* The metrics of a probe. */

static void put_metrics(const json_t *metrics)
{
    json_t *members = json_incref((json_t *)(uintptr_t)metrics), *metric; /* the macro wants it mutable */
    const char *name;
    int width = 0;
    json_object_foreach(members, name, metric) width = (int)strlen(name) > width ? (int)strlen(name) : width;
    if (width)
        printf("\nMetrics\n");
    json_object_foreach(members, name, metric) printf("    %-*s  %s\n", width, name, text_of(metric, "doc"));
    json_decref(members);
}

/* The group for a config. */

/* Something of the right type where there is no default: the least value, the first choice, "...". */
static void add_example(const json_t *param, tsr_text *out)
{
    const char *type = text_of(param, "type");
    const json_t *least = json_object_get(param, "min"), *choices = json_object_get(param, "choices");
    bool list = strstr(type, "_list") != NULL;
    tsr_text_add(out, list ? "[ " : "");
    if (least)
        add_value(least, out);
    else if (choices)
        add_value(json_array_get(choices, 0), out);
    else if (strncmp(type, "int", 3) == 0)
        tsr_text_add(out, "0");
    else if (strncmp(type, "real", 4) == 0)
        tsr_text_add(out, "0.0");
    else
        tsr_text_add(out, strcmp(type, "bool") == 0 ? "false" : "\"...\"");
    tsr_text_add(out, list ? " ]" : "");
}

static void add_settings(const json_t *params, const char *between, tsr_text *out)
{
    size_t n;
    const json_t *param;
    json_array_foreach(params, n, param)
    {
        const json_t *value = json_object_get(param, "default");
        if (json_is_null(value))
            continue;
        tsr_text_add(out, "%s%s = ", between, text_of(param, "key"));
        if (value)
            add_value(value, out);
        else
            add_example(param, out);
        tsr_text_add(out, ";");
    }
}

/* On one line where it fits, else a line for each key. */
static void put_config(const json_t *plugin, const tsr_kind_row *row)
{
    enum { ONE_LINE = 100 };
    tsr_text text = { 0 };
    tsr_text_add(&text, "{ plugin = \"%s\";", text_of(plugin, "name"));
    add_settings(json_object_get(plugin, "parameters"), " ", &text);
    if (text.length + strlen(row->config_before) > ONE_LINE) {
        free(text.chars);
        text = (tsr_text){ 0 };
        tsr_text_add(&text, "{\n        plugin = \"%s\";", text_of(plugin, "name"));
        add_settings(json_object_get(plugin, "parameters"), "\n        ", &text);
        tsr_text_add(&text, "\n   ");
    }
    printf("\nIn a config\n    %s%s }%s\n", row->config_before, text.chars ? text.chars : "{",
           row->config_after);
    free(text.chars);
}

static void put_plugin(const json_t *plugin)
{
    const tsr_kind_row *row = tsr_kind_get(tsr_kind_named(text_of(plugin, "kind")));
    printf("%s - %s\n", text_of(plugin, "name"), text_of(plugin, "summary"));
    printf("\n%s %s, licence %s\n%s\n", text_of(plugin, "kind"), text_of(plugin, "version"),
           text_of(plugin, "licence"), text_of(plugin, "file"));
    char *common = tsr_format("Keys of every %s", row->name);
    put_params("Keys", json_object_get(plugin, "parameters"));
    put_params(common ? common : "Common keys", json_object_get(plugin, "common"));
    put_metrics(json_object_get(plugin, "metrics"));
    put_config(plugin, row);
    free(common);
}

static void put_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    printf("\n");
}

static tsr_status *describe_file(tsr_registry *registry, const arguments *wanted)
{
    json_t *plugins;
    TSR_TRY(tsr_registry_describe_file(registry, wanted->what, &plugins));
    if (wanted->json)
        put_json(plugins);
    for (size_t i = 0; i < json_array_size(plugins) && !wanted->json; i++) {
        printf("%s", i ? "\n\n" : "");
        put_plugin(json_array_get(plugins, i));
    }
    json_decref(plugins);
    return NULL;
}

static tsr_status *describe_name(tsr_registry *registry, const arguments *wanted)
{
    const char *slash = strchr(wanted->what, '/');
    char *kind_name = strndup(wanted->what, (size_t)(slash - wanted->what));
    tsr_kind kind = kind_name ? tsr_kind_named(kind_name) : TSR_NO_KIND;
    free(kind_name);
    if (kind == TSR_NO_KIND)
        return tsr_fail(TSR_USAGE, "tessera describe: '%s' begins with no kind of plugin: expected %s",
                        wanted->what, tsr_kind_names());
    json_t *plugin;
    TSR_TRY(tsr_registry_describe(registry, kind, slash + 1, &plugin));
    if (wanted->json)
        put_json(plugin);
    else
        put_plugin(plugin);
    json_decref(plugin);
    return NULL;
}

static tsr_status *describe(const arguments *wanted)
{
    tsr_registry *registry;
    TSR_TRY(tsr_registry_new(0, NULL, &registry));
    tsr_status *status =
        is_file(wanted->what) ? describe_file(registry, wanted) : describe_name(registry, wanted);
    tsr_registry_free(registry);
    return status;
}

int tsr_cli_describe(int argc, char **argv)
{
    arguments wanted;
    tsr_status *status = parse(argc, argv, &wanted);
    return tsr_cli_report(status ? status : describe(&wanted));
}
