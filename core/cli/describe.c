/* tessera describe: what a plugin declares, laid out as a man page, with a group to paste into a config. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/key_text.h"
#include "cli/page.h"
#include "config/describe.h"
#include "config/json.h"
#include "plugin/candidates.h"
#include "plugin/kinds.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD "word" /* beside what the plugin declares: what a config calls it */

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
            return tsr_fail(TSR_USAGE, "tessera describe: expected one plugin, '%s' is too many", argv[i]);
        out->what = argv[i];
    }
    if (!out->what || !strchr(out->what, '/'))
        return tsr_fail(TSR_USAGE, "tessera describe: expected KIND/NAME or a path to a .so%s%s%s",
                        out->what ? ", not '" : "", out->what ? out->what : "", out->what ? "'" : "");
    return NULL;
}

/* Whether it is a path to a file, or to one plugin in it; not KIND/NAME. */
static tsr_status *is_file(const char *what, bool *out)
{
    size_t length = strlen(what);
    const char *slash = strchr(what, '/'), *colon = strstr(what, ".so:");
    char *first = strndup(what, (size_t)(slash - what));
    if (!first)
        return tsr_no_memory("a plugin's kind");
    bool by_kind = tsr_kind_named(first) != TSR_NO_KIND && slash == strrchr(what, '/');
    free(first);
    *out = (length > 3 && strcmp(what + length - 3, ".so") == 0) || (colon && !by_kind);
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* `before` stands before each key; those of a list's groups follow it, as "stages.N.width". */
static void put_each_key(tsr_page *page, const char *before, const json_t *keys)
{
    size_t n;
    const json_t *key;
    json_array_foreach(keys, n, key)
    {
        tsr_text nature = { 0 };
        char *name = tsr_format("%s%s", before, text_of(key, "key"));
        char *below = tsr_format("%s.N.", name ? name : "");
        tsr_key_text_nature(key, &nature);
        tsr_page_paragraph(page, TSR_PAGE_TEXT, name ? name : "", nature.chars ? nature.chars : "");
        tsr_page_paragraph(page, TSR_PAGE_MORE, NULL, text_of(key, "doc"));
        put_each_key(page, below ? below : "", json_object_get(key, "keys"));
        page->failed = page->failed || !name || !below || nature.failed;
        free(nature.chars);
        free(name);
        free(below);
    }
}

static void put_keys(tsr_page *page, const char *of, const json_t *keys)
{
    if (json_array_size(keys) > 0)
        tsr_page_heading(page, "keys", of);
    put_each_key(page, "", keys);
}

/* The metrics of a probe. */

static void add_part(tsr_text *out, const char *format, ...) TSR_PRINTF(2, 3);

static void add_part(tsr_text *out, const char *format, ...)
{
    va_list args;
    char *part;
    va_start(args, format);
    int length = vasprintf(&part, format, args);
    va_end(args);
    if (length < 0) {
        out->failed = true;
        return;
    }
    tsr_text_add(out, "%s%s", out->chars ? ", " : "(", part);
    free(part);
}

/* "(0 to 1, in bits, larger is better)"; nothing where nothing is said. */
static void add_metric_nature(const json_t *metric, tsr_text *out)
{
    const json_t *low = json_object_get(metric, "minimum"), *high = json_object_get(metric, "maximum");
    if (low && high)
        add_part(out, "%g to %g", json_number_value(low), json_number_value(high));
    else if (low)
        add_part(out, "at least %g", json_number_value(low));
    else if (high)
        add_part(out, "at most %g", json_number_value(high));
    if (json_object_get(metric, "unit"))
        add_part(out, "in %s", text_of(metric, "unit"));
    if (json_object_get(metric, "better"))
        add_part(out, "%s is better", text_of(metric, "better"));
    if (out->chars)
        tsr_text_add(out, ")");
}

/* "(histogram of examples over length)". */
static void put_curves(tsr_page *page, const json_t *curves)
{
    json_t *members = json_incref((json_t *)(uintptr_t)curves), *curve; /* the macro wants it mutable */
    const char *name;
    if (json_object_size(members) > 0)
        tsr_page_heading(page, "curves", NULL);
    json_object_foreach(members, name, curve)
    {
        char *nature =
            tsr_format("(%s: %s over %s)", text_of(curve, "shape"), text_of(curve, "y"), text_of(curve, "x"));
        tsr_page_paragraph(page, TSR_PAGE_TEXT, name, nature ? nature : "");
        tsr_page_paragraph(page, TSR_PAGE_MORE, NULL, text_of(curve, "doc"));
        free(nature);
    }
    json_decref(members);
}

static void put_metrics(tsr_page *page, const json_t *metrics)
{
    json_t *members = json_incref((json_t *)(uintptr_t)metrics), *metric; /* the macro wants it mutable */
    const char *name;
    if (json_object_size(members) > 0)
        tsr_page_heading(page, "metrics", NULL);
    json_object_foreach(members, name, metric)
    {
        tsr_text nature = { 0 };
        add_metric_nature(metric, &nature);
        tsr_page_paragraph(page, TSR_PAGE_TEXT, name, nature.chars ? nature.chars : "");
        tsr_page_paragraph(page, TSR_PAGE_MORE, NULL, text_of(metric, "doc"));
        page->failed = page->failed || nature.failed;
        free(nature.chars);
    }
    json_decref(members);
}

/* The group for a config. */

static void add_settings(const json_t *keys, const char *between, tsr_text *out)
{
    size_t n;
    const json_t *key;
    json_array_foreach(keys, n, key)
    {
        const json_t *value = json_object_get(key, "default");
        if (json_is_null(value))
            continue;
        tsr_text_add(out, "%s%s = ", between, text_of(key, "key"));
        if (value)
            tsr_key_text_value(value, out);
        else
            tsr_key_text_example(key, out);
        tsr_text_add(out, ";");
    }
}

/* On one line where it fits, else a line for each key. */
static void put_config(tsr_page *page, const json_t *plugin, const tsr_kind_row *row)
{
    tsr_text text = { 0 };
    const json_t *keys = json_object_get(plugin, "keys");
    tsr_text_add(&text, "%s{ plugin = \"%s\";", row->config_before, text_of(plugin, WORD));
    add_settings(keys, " ", &text);
    tsr_text_add(&text, " }%s", row->config_after);
    if (TSR_PAGE_TEXT + text.length > page->width) {
        page->failed = page->failed || text.failed;
        free(text.chars);
        text = (tsr_text){ 0 };
        tsr_text_add(&text, "%s{\n        plugin = \"%s\";", row->config_before, text_of(plugin, WORD));
        add_settings(keys, "\n        ", &text);
        tsr_text_add(&text, "\n    }%s", row->config_after);
    }
    tsr_page_heading(page, "synopsis", NULL);
    tsr_page_line(TSR_PAGE_TEXT, text.chars ? text.chars : "");
    page->failed = page->failed || text.failed;
    free(text.chars);
}

static void put_description(tsr_page *page, const json_t *plugin, const tsr_kind_row *row)
{
    char *text = tsr_format("is %s: it %s. Version %s, licence %s.", row->phrase, row->doc,
                            text_of(plugin, "version"), text_of(plugin, "licence"));
    tsr_page_heading(page, "description", NULL);
    tsr_page_paragraph(page, TSR_PAGE_TEXT, text_of(plugin, "name"), text ? text : "");
    page->failed = page->failed || !text;
    free(text);
}

static void put_name(tsr_page *page, const json_t *plugin)
{
    char *text = tsr_format("- %s", text_of(plugin, "summary"));
    tsr_page_heading(page, "name", NULL);
    tsr_page_paragraph(page, TSR_PAGE_TEXT, text_of(plugin, "name"), text ? text : "");
    page->failed = page->failed || !text;
    free(text);
}

static tsr_status *put_plugin(tsr_page *page, const json_t *plugin)
{
    const tsr_kind_row *row = tsr_kind_get(tsr_kind_named(text_of(plugin, "kind")));
    char *common = tsr_format(" of every %s", row->name);
    char *title = tsr_format("%s/%s", row->name, text_of(plugin, "name"));
    page->failed = page->failed || !common || !title;
    tsr_page_paragraph(page, 0, title ? title : "", "");
    put_name(page, plugin);
    put_config(page, plugin, row);
    put_description(page, plugin, row);
    put_keys(page, NULL, json_object_get(plugin, "keys"));
    put_keys(page, common, json_object_get(plugin, "common"));
    put_metrics(page, json_object_get(plugin, "metrics"));
    put_curves(page, json_object_get(plugin, "curves"));
    tsr_page_heading(page, "file", NULL);
    tsr_page_line(TSR_PAGE_TEXT, text_of(plugin, "file"));
    free(title);
    free(common);
    return page->failed ? tsr_no_memory("a description") : NULL;
}

static tsr_status *put_json(const json_t *value)
{
    char *text = tsr_json_dump(value, JSON_INDENT(2));
    if (!text)
        return tsr_no_memory("a description");
    printf("%s\n", text);
    free(text);
    return NULL;
}

/* What the child process that loaded the plugin has composed. */
static tsr_status *read_description(const tsr_plugin_info *plugin, const char *what, json_t **out)
{
    json_error_t error;
    *out = tsr_json_load(plugin->description, strlen(plugin->description), 0, &error);
    if (!*out && tsr_json_had_no_memory(&error))
        return tsr_no_memory("a description");
    if (*out && strcmp(text_of(*out, "kind"), tsr_kind_get(plugin->kind)->name) == 0)
        return NULL;
    json_decref(*out);
    *out = NULL;
    return tsr_fail(TSR_REFUSED, "%s: what it declares cannot be described", what);
}

static tsr_status *no_plugin_called(const tsr_file_info *info, const char *file, const char *name)
{
    tsr_text all = { 0 };
    for (size_t i = 0; i < info->n; i++)
        tsr_text_add(&all, "%s%s %s", i ? ", " : "", tsr_kind_get(info->plugins[i].kind)->name,
                     info->plugins[i].name);
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: holds no plugin called '%s': it holds %s", file,
                                  name ? name : "", all.chars ? all.chars : "others");
    free(all.chars);
    return status;
}

/* What a config calls the plugin: where the file holds several of its kind, the file too. */
static tsr_status *add_word(const tsr_file_info *info, size_t at, const char *file, json_t *plugin)
{
    size_t alike = 0;
    for (size_t i = 0; i < info->n; i++)
        alike += info->plugins[i].kind == info->plugins[at].kind;
    const char *name = info->plugins[at].name;
    char *word = alike > 1 ? tsr_format("%s:%s", file, name) : strdup(name);
    int failed = word ? json_object_set_new(plugin, WORD, json_string(word)) : -1;
    free(word);
    return failed ? tsr_no_memory("a description") : NULL;
}

/* Of all plugins of the file, or of those called `name`: of several kinds one of each may be. */
static tsr_status *read_descriptions(const tsr_file_info *info, const char *file, const char *name,
                                     json_t **out)
{
    *out = json_array();
    tsr_status *status = NULL;
    for (size_t i = 0; i < info->n && !status; i++) {
        json_t *plugin;
        if (name && strcmp(info->plugins[i].name, name) != 0)
            continue;
        status = read_description(&info->plugins[i], file, &plugin);
        if (!status)
            status = add_word(info, i, file, plugin);
        if (!status && json_array_append(*out, plugin) != 0)
            status = tsr_no_memory("a description");
        json_decref(plugin);
    }
    if (!status && json_array_size(*out) == 0)
        status = no_plugin_called(info, file, name);
    if (status) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

static tsr_status *read_file(tsr_registry *registry, const char *word, json_t **out)
{
    tsr_plugin_word split;
    const tsr_file_info *info;
    TSR_TRY(tsr_plugin_word_split(word, &split));
    tsr_status *status = tsr_registry_describe_file(registry, split.file, &info);
    if (!status)
        status = read_descriptions(info, split.file, split.name, out);
    tsr_plugin_word_clear(&split);
    return status;
}

static tsr_status *describe_file(tsr_registry *registry, const arguments *wanted)
{
    json_t *plugins;
    TSR_TRY(read_file(registry, wanted->what, &plugins));
    tsr_page page = tsr_page_of_stdout();
    tsr_status *status = wanted->json ? put_json(plugins) : NULL;
    for (size_t i = 0; !status && i < json_array_size(plugins) && !wanted->json; i++) {
        printf("%s", i ? "\n" : "");
        status = put_plugin(&page, json_array_get(plugins, i));
    }
    json_decref(plugins);
    return status;
}

static tsr_status *describe_name(tsr_registry *registry, const arguments *wanted)
{
    const char *slash = strchr(wanted->what, '/');
    char *kind_name = strndup(wanted->what, (size_t)(slash - wanted->what));
    if (!kind_name)
        return tsr_no_memory("a plugin's kind");
    tsr_kind kind = tsr_kind_named(kind_name);
    free(kind_name);
    if (kind == TSR_NO_KIND)
        return tsr_fail(TSR_USAGE, "tessera describe: '%s' does not begin with a kind of plugin: expected %s",
                        wanted->what, tsr_kind_names());
    const tsr_plugin_info *info;
    json_t *plugin;
    TSR_TRY(tsr_registry_describe(registry, kind, slash + 1, &info));
    TSR_TRY(read_description(info, wanted->what, &plugin));
    tsr_page page = tsr_page_of_stdout();
    tsr_status *status = json_object_set_new(plugin, WORD, json_string(slash + 1)) != 0
                             ? tsr_no_memory("a description")
                         : wanted->json ? put_json(plugin)
                                        : put_plugin(&page, plugin);
    json_decref(plugin);
    return status;
}

static tsr_status *describe(const arguments *wanted)
{
    tsr_registry *registry;
    bool file = false;
    TSR_TRY(is_file(wanted->what, &file));
    TSR_TRY(tsr_registry_new(0, NULL, &registry));
    tsr_registry_describe_with(registry, tsr_plugin_json_text);
    tsr_status *status = file ? describe_file(registry, wanted) : describe_name(registry, wanted);
    tsr_registry_free(registry);
    return status;
}

int tsr_cli_describe(int argc, char **argv)
{
    arguments wanted;
    tsr_status *status = parse(argc, argv, &wanted);
    return tsr_cli_report(status ? status : describe(&wanted));
}
