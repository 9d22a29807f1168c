/* tessera new: a folder with an out-of-tree plugin, ready to build. The texts are those of
   examples/templates, which the build turns into an array. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"
#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tessera/base.h>

typedef struct template_text {
    const char *file, *text;
} template_text;

#include "cli/templates.h"

typedef struct arguments {
    const char *kind, *name, *folder;
} arguments;

static const char *text_of(const char *file)
{
    for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++)
        if (strcmp(templates[i].file, file) == 0)
            return templates[i].text;
    return NULL;
}

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    const char **words[] = { &out->kind, &out->name, &out->folder };
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            return tsr_fail(TSR_USAGE, "tessera new: unknown option '%s'; see 'tessera new --help'", argv[i]);
        if (n == sizeof(words) / sizeof(*words))
            return tsr_fail(TSR_USAGE, "tessera new: '%s' is one argument too many; see 'tessera new --help'",
                            argv[i]);
        *words[n++] = argv[i];
    }
    if (n < 2)
        return tsr_fail(TSR_USAGE, "tessera new: needs a kind (%s) and a name", tsr_kind_names());
    if (tsr_kind_named(out->kind) == TSR_NO_KIND)
        return tsr_fail(TSR_USAGE, "tessera new: '%s' is not a kind of plugin: expected %s", out->kind,
                        tsr_kind_names());
    if (!tsr_name_valid(out->name))
        return tsr_fail(
            TSR_USAGE,
            "tessera new: '%s' is not a valid plugin name: expected lower case letters, digits and _, a "
            "letter first",
            tsr_line_shown(out->name));
    if (!out->folder)
        out->folder = out->name;
    return NULL;
}

/* A new folder, or one that is there and empty. */
static tsr_status *check_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? NULL
                               : tsr_fail(TSR_REFUSED, "%s: cannot be used: %s", folder, strerror(errno));
    size_t n = 0;
    while (n < 3 && readdir(dir))
        n++;
    closedir(dir);
    return n < 3 ? NULL : tsr_fail(TSR_REFUSED, "%s: is not empty; name another folder", folder);
}

/* The template with its placeholders replaced. free() it; NULL without memory. */
static char *fill(const char *text, const arguments *wanted)
{
    const struct {
        const char *mark, *value;
    } marks[] = { { "@NAME@", wanted->name },
                  { "@KIND@", wanted->kind },
                  { "@FOLDER@", tsr_kind_get(tsr_kind_named(wanted->kind))->folder },
                  { "@VERSION@", tsr_version() } };
    tsr_text out = { 0 };
    while (*text) {
        size_t plain = strcspn(text, "@"), i = 0, n = sizeof(marks) / sizeof(*marks);
        tsr_text_add(&out, "%.*s", (int)plain, text);
        text += plain;
        while (*text && i < n && strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (!*text)
            break;
        tsr_text_add(&out, "%s", i < n ? marks[i].value : "@");
        text += i < n ? strlen(marks[i].mark) : 1;
    }
    if (out.failed) {
        free(out.chars);
        return NULL;
    }
    return out.chars;
}

/* FOLDER/NAME from the template `file`; takes the name over. */
static tsr_status *write_one(const arguments *wanted, const char *file, char *name)
{
    const char *template = text_of(file);
    char *path = name ? tsr_path_join(wanted->folder, name) : NULL;
    char *text = path && template ? fill(template, wanted) : NULL;
    tsr_status *status = text ? tsr_write_file(path, text, strlen(text)) : tsr_no_memory("a plugin's source");
    if (!status)
        printf("%s\n", path);
    free(text);
    free(path);
    free(name);
    return status;
}

/* A name as one word of a shell, and no option: in quotes where it holds more than letters, digits and the
   like. free() it; NULL without memory. */
static char *shell_word(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+@,:=-";
    if (name[strspn(name, plain)] == '\0')
        return strdup(name);
    tsr_text out = { 0 };
    tsr_text_add(&out, "'");
    for (; *name; name++)
        if (*name == '\'')
            tsr_text_add(&out, "'\\''");
        else
            tsr_text_add(&out, "%c", *name);
    tsr_text_add(&out, "'");
    if (out.failed) {
        free(out.chars);
        return NULL;
    }
    return out.chars;
}

/* A plugin of a name that is taken would hide the other one, or be hidden by it. */
static tsr_status *check_free(const arguments *wanted)
{
    tsr_registry *registry;
    tsr_kind kind = tsr_kind_named(wanted->kind);
    tsr_plugin_word word = { .file = (char *)(uintptr_t)wanted->name };
    char *taken = NULL;
    TSR_TRY(tsr_registry_new(0, NULL, &registry));
    tsr_status_free(tsr_registry_locate(registry, kind, &word, &taken));
    tsr_status *status =
        taken ? tsr_fail(TSR_REFUSED,
                         "there is a %s called '%s' already, %s: choose another name, by which "
                         "configs can tell the two apart",
                         wanted->kind, wanted->name, taken)
              : NULL;
    free(taken);
    tsr_registry_free(registry);
    return status;
}

static tsr_status *write_all(const arguments *wanted)
{
    char source[32], config[32];
    snprintf(source, sizeof(source), "%s.c", wanted->kind);
    snprintf(config, sizeof(config), "%s.cfg", wanted->kind);
    TSR_TRY(check_free(wanted));
    TSR_TRY(check_folder(wanted->folder));
    umask(umask(0) | S_IWGRP | S_IWOTH); /* a plugin that others may write is not loaded */
    TSR_TRY(tsr_make_folder(wanted->folder));
    TSR_TRY(write_one(wanted, source, tsr_format("%s.c", wanted->name)));
    TSR_TRY(write_one(wanted, config, tsr_format("%s.cfg", wanted->name)));
    TSR_TRY(write_one(wanted, "Makefile", strdup("Makefile")));
    char *word = shell_word(wanted->folder);
    if (!word)
        return tsr_no_memory("a folder's name");
    fprintf(stderr, "%s %s is ready to build: cd %s && make && make check\n", wanted->kind, wanted->name,
            word);
    free(word);
    return NULL;
}

int tsr_cli_new(int argc, char **argv)
{
    arguments wanted = { 0 };
    tsr_status *status = parse(argc, argv, &wanted);
    return tsr_cli_report(status ? status : write_all(&wanted));
}
