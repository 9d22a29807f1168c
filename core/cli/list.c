/* tessera list: every plugin on the path, one line each. On a terminal long cells are cut to its width;
   elsewhere nothing is. */
#include "cli/cli.h"

#include "base/memory.h"
#include "config/json.h"
#include "plugin/kinds.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct arguments {
    tsr_kind kind;
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
            return tsr_fail(TSR_USAGE, "tessera list: unknown option '%s'; see 'tessera list --help'",
                            argv[i]);
        if (out->kind != TSR_NO_KIND)
            return tsr_fail(TSR_USAGE, "tessera list: expected at most one kind, '%s' is too many", argv[i]);
        out->kind = tsr_kind_named(argv[i]);
        if (out->kind == TSR_NO_KIND)
            return tsr_fail(TSR_USAGE, "tessera list: '%s' is not a kind of plugin: expected %s", argv[i],
                            tsr_kind_names());
    }
    return NULL;
}

/* Cells. */

/* Columns that a text takes: characters, not bytes of UTF-8. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The text without its first n characters. */
static const char *skip(const char *text, size_t n)
{
    while (*text && n > 0) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
        n--;
    }
    return text;
}

/* In exactly `width` columns, the end cut where it is longer. */
static void put_cell(const char *text, size_t width)
{
    size_t n = columns_of(text);
    if (n <= width)
        printf("%s%*s", text, (int)(width - n), "");
    else
        printf("%.*s\u2026", (int)(skip(text, width - 1) - text), text);
}

/* In at most `width` columns, the beginning cut where it is longer. */
static void put_tail(const char *text, size_t width)
{
    size_t n = columns_of(text);
    if (n <= width)
        printf("%s", text);
    else
        printf("\u2026%s", skip(text, n - width + 1));
}

/* Columns. */

enum { COLUMN_KIND, COLUMN_NAME, COLUMN_VERSION, COLUMN_SUMMARY, COLUMN_FILE, N_COLUMNS };
enum { GAP = 2, MIN_CELL = 16, PLENTY = 10000 };

/* Empty where the plugin has none. */
static const char *cell(const tsr_listed_plugin *plugin, int column)
{
    const char *cells[N_COLUMNS] = { tsr_kind_get(plugin->kind)->name, plugin->name, plugin->version,
                                     plugin->summary, plugin->file };
    return cells[column] ? cells[column] : "";
}

/* PLENTY where the output is no terminal. */
static size_t terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return PLENTY;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Each as wide as its widest cell; where that is more than the terminal, summary and file share what is left.
 */
static void measure(const tsr_listing *listing, size_t *widths)
{
    for (size_t i = 0; i < listing->n; i++) {
        const tsr_listed_plugin *plugin = &listing->plugins[i];
        for (int column = COLUMN_KIND; column < N_COLUMNS; column++) {
            size_t width = columns_of(cell(plugin, column));
            if (width > widths[column] && (!plugin->error || column < COLUMN_VERSION))
                widths[column] = width;
        }
    }
    size_t fixed = widths[COLUMN_KIND] + widths[COLUMN_NAME] + widths[COLUMN_VERSION] + 4 * GAP,
           all = terminal_width();
    if (fixed + widths[COLUMN_SUMMARY] + widths[COLUMN_FILE] <= all)
        return;
    size_t left = all > fixed + 2 * MIN_CELL ? all - fixed : 2 * MIN_CELL;
    if (widths[COLUMN_SUMMARY] > left - MIN_CELL)
        widths[COLUMN_SUMMARY] = left - MIN_CELL;
    if (widths[COLUMN_SUMMARY] > left * 3 / 5 && widths[COLUMN_FILE] > left - widths[COLUMN_SUMMARY])
        widths[COLUMN_SUMMARY] = left * 3 / 5;
    widths[COLUMN_FILE] = left - widths[COLUMN_SUMMARY];
}

static void put_line(const tsr_listed_plugin *plugin, const size_t *widths)
{
    put_cell(cell(plugin, COLUMN_KIND), widths[COLUMN_KIND] + GAP);
    put_cell(plugin->name, widths[COLUMN_NAME] + GAP);
    if (plugin->error) {
        printf("cannot be used: %s\n", plugin->error); /* it names the file */
        return;
    }
    put_cell(plugin->version, widths[COLUMN_VERSION]);
    printf("%*s", GAP, "");
    put_cell(plugin->summary, widths[COLUMN_SUMMARY]);
    printf("%*s", GAP, "");
    put_tail(plugin->file, widths[COLUMN_FILE]);
    if (plugin->shadowed_by)
        printf(" (hidden by %s)", plugin->shadowed_by);
    printf("\n");
}

static void put_lines(const tsr_listing *listing)
{
    size_t widths[N_COLUMNS] = { 0 };
    measure(listing, widths);
    for (size_t i = 0; i < listing->n; i++)
        put_line(&listing->plugins[i], widths);
}

/* As JSON: what a plugin has none of is left out. */
static tsr_status *put_json(const tsr_listing *listing)
{
    size_t before = tsr_json_failures();
    json_t *lines = json_array();
    for (size_t i = 0; i < listing->n; i++) {
        const tsr_listed_plugin *plugin = &listing->plugins[i];
        json_t *line =
            json_pack("{s:s, s:s, s:s*, s:s*, s:s, s:s*, s:s*}", "kind", cell(plugin, COLUMN_KIND), "name",
                      plugin->name, "version", plugin->version, "summary", plugin->summary, "file",
                      plugin->file, "error", plugin->error, "shadowed_by", plugin->shadowed_by);
        if (json_array_append_new(lines, line) != 0 || before != tsr_json_failures()) {
            json_decref(lines);
            return tsr_no_memory("a list of plugins");
        }
    }
    char *text = tsr_json_dump(lines, JSON_INDENT(2));
    json_decref(lines);
    if (!text)
        return tsr_no_memory("a list of plugins");
    printf("%s\n", text);
    free(text);
    return NULL;
}

static void put_nothing_found(const tsr_registry *registry)
{
    fprintf(stderr, "no plugins; searched:\n");
    for (size_t i = 0; i < tsr_registry_n_folders(registry); i++)
        fprintf(stderr, "  %s\n", tsr_registry_folder(registry, i));
}

static tsr_status *list(const arguments *wanted)
{
    tsr_registry *registry;
    TSR_TRY(tsr_registry_new(0, NULL, &registry));
    tsr_listing listing;
    tsr_status *status = tsr_registry_list(registry, wanted->kind, &listing);
    if (!status && wanted->json) {
        status = put_json(&listing);
    } else if (!status) {
        put_lines(&listing);
        if (listing.n == 0)
            put_nothing_found(registry);
    }
    tsr_listing_clear(&listing);
    tsr_registry_free(registry);
    return status;
}

int tsr_cli_list(int argc, char **argv)
{
    arguments wanted;
    tsr_status *status = parse(argc, argv, &wanted);
    return tsr_cli_report(status ? status : list(&wanted));
}
