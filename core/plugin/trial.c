/* Trying a plugin file. The child answers with a line for each plugin, its fields parted by tabs, and the
   description, whose length the line ends with:

       probe TAB sample TAB 1.2.3 TAB a probe for tests TAB 15 NEWLINE the description NEWLINE

   A constructor may have written into the pipe, so that nothing in the answer is taken unchecked. */
#include "plugin/trial.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

/* In the child. */

typedef struct trial {
    const char *file;
    tsr_describe_plugin *describe; /* NULL: not wanted */
} trial;

static void add_plugin(const trial *job, const tsr_loaded *loaded, tsr_text *answer)
{
    const tsr_plugin *plugin = &loaded->plugin;
    char *description = job->describe ? job->describe(loaded) : NULL;
    const char *text = description ? description : "";
    answer->failed |= job->describe && !description;
    tsr_text_add(answer, "%s\t%s\t%s\t%s\t%zu\n%s\n", tsr_kind_get(plugin->kind)->name, plugin->name,
                 plugin->version, plugin->summary, strlen(text), text);
    free(description);
}

static tsr_status *load_and_describe(void *context, char **text)
{
    const trial *job = context;
    tsr_module *module;
    TSR_TRY(tsr_module_load(job->file, &module));
    tsr_text answer = { 0 };
    for (size_t i = 0; i < module->n; i++)
        add_plugin(job, &module->plugins[i], &answer);
    tsr_module_free(module);
    *text = answer.chars;
    return answer.failed ? tsr_no_memory("a plugin's description") : NULL;
}

/* In the parent. */

/* The field that begins at *at and ends with `end`, which is passed over. */
static tsr_status *take_field(const char **at, char end, const char *what, char **out)
{
    const char *stop = strpbrk(*at, "\t\n");
    if (!stop || *stop != end)
        return tsr_fail(TSR_REFUSED, "expected its %s", what);
    *out = strndup(*at, (size_t)(stop - *at));
    if (!*out)
        return tsr_no_memory("a plugin's description");
    *at = stop + 1;
    return tsr_line_valid(*out) ? NULL : tsr_fail(TSR_REFUSED, "its %s is not one line of UTF-8", what);
}

enum { MAX_DIGITS = 9 }; /* of a description's length */

static tsr_status *take_description(const char **at, char **out)
{
    char *digits = NULL;
    tsr_status *status = take_field(at, '\n', "description's length", &digits);
    size_t n = digits ? strspn(digits, "0123456789") : 0;
    bool sound = n > 0 && n <= MAX_DIGITS && digits[n] == '\0';
    size_t length = sound ? strtoul(digits, NULL, 10) : 0;
    free(digits);
    if (status)
        return status;
    if (!sound || strnlen(*at, length) < length || (*at)[length] != '\n')
        return tsr_fail(TSR_REFUSED, "its description is not as long as the length before it");
    *out = strndup(*at, length);
    if (!*out)
        return tsr_no_memory("a plugin's description");
    *at += length + 1;
    return NULL;
}

static tsr_status *take_plugin(const char **at, tsr_plugin_info *info)
{
    char *kind = NULL;
    tsr_status *status = take_field(at, '\t', "kind", &kind);
    info->kind = status ? TSR_NO_KIND : tsr_kind_named(kind);
    free(kind);
    if (!status)
        status = take_field(at, '\t', "name", &info->name);
    if (!status)
        status = take_field(at, '\t', "version", &info->version);
    if (!status)
        status = take_field(at, '\t', "summary", &info->summary);
    if (!status)
        status = take_description(at, &info->description);
    if (!status && (info->kind == TSR_NO_KIND || !tsr_name_valid(info->name)))
        status = tsr_fail(TSR_REFUSED, "expected a kind of plugin and a valid name");
    return status;
}

static tsr_status *take_plugins(const char *answer, tsr_file_info *out)
{
    do {
        tsr_plugin_info *grown = realloc(out->plugins, (out->n + 1) * sizeof(*grown));
        if (!grown)
            return tsr_no_memory("a list of plugins");
        out->plugins = grown;
        out->plugins[out->n++] = (tsr_plugin_info){ 0 };
        TSR_TRY(tsr_context(take_plugin(&answer, &out->plugins[out->n - 1]), "plugin %zu", out->n));
    } while (*answer);
    return NULL;
}

tsr_status *tsr_file_info_parse(const char *file, const char *answer, tsr_file_info *out)
{
    *out = (tsr_file_info){ 0 };
    tsr_status *status = take_plugins(answer, out);
    if (status)
        tsr_file_info_clear(out);
    if (tsr_status_error(status) == TSR_REFUSED)
        return tsr_context(status,
                           "%s: the answer of the process that loads it cannot be read (do its constructors "
                           "write into open files?)",
                           file);
    return status;
}

void tsr_file_info_clear(tsr_file_info *info)
{
    for (size_t i = 0; i < info->n; i++) {
        free(info->plugins[i].name);
        free(info->plugins[i].version);
        free(info->plugins[i].summary);
        free(info->plugins[i].description);
    }
    free(info->plugins);
    *info = (tsr_file_info){ 0 };
}

tsr_status *tsr_trial_load(const char *file, int limit, tsr_describe_plugin *describe, tsr_file_info *out)
{
    *out = (tsr_file_info){ 0 };
    if (!tsr_is_utf8(file)) /* as every message and description needs it */
        return tsr_fail(TSR_REFUSED, "%s: the path is not UTF-8; rename the file", file);
    tsr_isolate_words words = { file, "while being loaded", "look at its constructors", NULL };
    char *answer;
    TSR_TRY(tsr_isolate(&words, limit, false, load_and_describe, &(trial){ file, describe }, &answer));
    tsr_status *status = tsr_file_info_parse(file, answer, out);
    free(answer);
    return status;
}
