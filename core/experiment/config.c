/* A config file as the user wrote it. libconfig parses; what it would do badly (it exits on a folder) is
   refused before. Settings of the command line are parsed by libconfig too, in a
   tree of their own, and copied over; their hook says where they came from. */
#include "experiment/config.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tsr_status *copy_value(config_setting_t *parent, const char *name, const config_setting_t *value,
                              char *origin)
{
    int type = config_setting_type(value);
    config_setting_t *copy = config_setting_add(parent, name, type);
    if (!copy)
        return tsr_fail(TSR_REFUSED, "%s: '%s' cannot be set here", origin, name ? name : "this value");
    config_setting_set_hook(copy, origin);
    switch (type) {
    case CONFIG_TYPE_INT:
        config_setting_set_int(copy, config_setting_get_int(value));
        break;
    case CONFIG_TYPE_INT64:
        config_setting_set_int64(copy, config_setting_get_int64(value));
        break;
    case CONFIG_TYPE_FLOAT:
        config_setting_set_float(copy, config_setting_get_float(value));
        break;
    case CONFIG_TYPE_BOOL:
        config_setting_set_bool(copy, config_setting_get_bool(value));
        break;
    case CONFIG_TYPE_STRING:
        config_setting_set_string(copy, config_setting_get_string(value));
        break;
    default:
        for (int i = 0; i < config_setting_length(value); i++) {
            const config_setting_t *element = config_setting_get_elem(value, (unsigned)i);
            TSR_TRY(copy_value(copy, config_setting_name(element), element, origin));
        }
    }
    return NULL;
}

static bool is_index(const char *word)
{
    return *word && strspn(word, "0123456789") == strlen(word) && strlen(word) < 7;
}

/* "[0]" and "0" both name the first element. */
static char *next_word(char **rest)
{
    char *word = strsep(rest, ".");
    size_t length = word ? strlen(word) : 0;
    if (length > 2 && word[0] == '[' && word[length - 1] == ']') {
        word[length - 1] = '\0';
        word++;
    }
    return word;
}

/* The short form of a plugin, "NAME", becomes { plugin = "NAME"; } where it stands, in a group or a list.
   libconfig has no call for it, and replacing the setting would lose its line and its place among others. */
static tsr_status *open_short_form(config_setting_t *setting)
{
    char *plugin = strdup(config_setting_get_string(setting));
    if (!plugin)
        return tsr_no_memory("settings");
    config_setting_t *parent = config_setting_parent(setting);
    if (config_setting_is_array(parent)) /* of strings alone, which it is no more */
        parent->type = CONFIG_TYPE_LIST;
    free(setting->value.sval);
    setting->type = CONFIG_TYPE_GROUP;
    setting->value.list = NULL;
    config_setting_t *name = config_setting_add(setting, "plugin", CONFIG_TYPE_STRING);
    bool named = name && config_setting_set_string(name, plugin);
    if (named) {
        name->file = setting->file;
        name->line = setting->line;
    }
    free(plugin);
    return named ? NULL : tsr_no_memory("settings");
}

/* What stands at `word` below `at`; NULL: nothing. */
static tsr_status *find_below(config_setting_t *at, const char *word, const char *key, const char *origin,
                              config_setting_t **out)
{
    *out = NULL;
    if (config_setting_is_group(at)) {
        *out = config_setting_get_member(at, word);
        return NULL;
    }
    int n = config_setting_length(at);
    if (!is_index(word) || atoi(word) >= n)
        return tsr_fail(TSR_REFUSED, "%s: %s: there is no element '%s': expected one of %d, counted from 0",
                        origin, key, word, n);
    *out = config_setting_get_elem(at, (unsigned)atoi(word));
    return NULL;
}

/* The group or list at `word` below `at`, made where it is missing. */
static tsr_status *step_into(config_setting_t **at, const char *word, const char *key, char *origin)
{
    config_setting_t *next;
    TSR_TRY(find_below(*at, word, key, origin, &next));
    if (!next) {
        next = config_setting_add(*at, word, CONFIG_TYPE_GROUP);
        if (next)
            config_setting_set_hook(next, origin);
    } else if (config_setting_type(next) == CONFIG_TYPE_STRING) {
        TSR_TRY(open_short_form(next));
    }
    if (!next || !config_setting_is_aggregate(next))
        return tsr_fail(TSR_REFUSED, "%s: %s: '%s' is neither a group nor a list", origin, key, word);
    *at = next;
    return NULL;
}

static tsr_status *set_at(config_setting_t *at, char *path, const char *key, const config_setting_t *value,
                          char *origin)
{
    char *rest = path, *word = next_word(&rest);
    while (rest) {
        TSR_TRY(step_into(&at, word, key, origin));
        word = next_word(&rest);
    }
    if (!config_setting_is_group(at))
        return tsr_fail(TSR_REFUSED, "%s: %s: expected a key of a group, such as probes.0.label", origin,
                        key);
    if (config_setting_get_member(at, word))
        config_setting_remove(at, word);
    return copy_value(at, word, value, origin);
}

tsr_status *tsr_config_set(tsr_config *config, const char *key, const config_setting_t *value,
                           const char *origin)
{
    char **origins = realloc(config->origins, (config->n_origins + 1) * sizeof(*origins));
    if (!origins)
        return tsr_no_memory("settings");
    config->origins = origins;
    char *kept = strdup(origin), *path = strdup(key);
    if (!kept || !path) {
        free(kept);
        free(path);
        return tsr_no_memory("settings");
    }
    origins[config->n_origins++] = kept;
    tsr_status *status = set_at(config_root_setting(&config->tree), path, key, value, kept);
    free(path);
    return status;
}

/* What begins so is meant for libconfig and no bare word. */
static bool is_structured(const char *text)
{
    text += strspn(text, " \t\n");
    return *text && strchr("([{\"", *text);
}

static tsr_status *take_word(config_t *tree, const char *text)
{
    config_destroy(tree);
    config_init(tree);
    config_setting_t *value = config_setting_add(config_root_setting(tree), "value", CONFIG_TYPE_STRING);
    return value && config_setting_set_string(value, text) ? NULL : tsr_no_memory("settings");
}

/* VALUE as libconfig reads it, or, where it cannot and it does not look like that, as a string. */
static tsr_status *parse_value(config_t *tree, const char *text, const char *origin)
{
    char *line = tsr_format("value = %s;", text);
    if (!line)
        return tsr_no_memory("settings");
    bool includes = strchr(text, '\n') && strstr(text, "@include"); /* which only a file can */
    bool parsed = !includes && config_read_string(tree, line);
    free(line);
    if (is_structured(text) || parsed)
        TSR_TRY(tsr_source_check_text(text, origin));
    if (!parsed && is_structured(text))
        return tsr_fail(TSR_REFUSED, "%s: %s: expected a value as it stands behind = in a config", origin,
                        includes ? "@include" : config_error_text(tree));
    if (parsed && config_setting_length(config_root_setting(tree)) != 1)
        return tsr_fail(TSR_REFUSED, "%s: expected one value, not several settings", origin);
    return parsed ? NULL : take_word(tree, text);
}

static bool is_key(const char *text, size_t length)
{
    return length > 0 && text[0] != '.' && text[length - 1] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*.[]") >= length;
}

static tsr_status * override(tsr_config *config, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    while (length && text[length - 1] == ' ') /* KEY = VALUE, as a config has it */
        length--;
    if (!is_key(text, length) || strstr(text, "..") == text)
        return tsr_fail(TSR_USAGE, "-s %s: expected KEY=VALUE, such as model.width=50", text);
    char *key = strndup(text, length), *origin = tsr_format("-s %s", text);
    config_t value;
    config_init(&value);
    tsr_status *status = key && origin ? NULL : tsr_no_memory("settings");
    if (!status)
        status = parse_value(&value, equals + 1, origin);
    if (!status)
        status = tsr_config_set(config, key, config_lookup(&value, "value"), origin);
    config_destroy(&value);
    free(key);
    free(origin);
    return status;
}

/* What libconfig read from a text has lines, but no file. */
static void name_file(config_setting_t *setting, const char *path)
{
    if (!setting->file)
        setting->file = path;
    for (int i = 0; config_setting_is_aggregate(setting) && i < config_setting_length(setting); i++)
        name_file(config_setting_get_elem(setting, (unsigned)i), path);
}

static tsr_status *parse_text(tsr_config *config)
{
    config_set_include_dir(&config->tree, config->folder);
    if (config_read_string(&config->tree, config->text)) {
        name_file(config_root_setting(&config->tree), config->path);
        config_root_setting(&config->tree)->line =
            1; /* what is missing is missing from the file as a whole */
        return NULL;
    }
    const char *file = config_error_file(&config->tree);
    return tsr_fail(
        TSR_REFUSED, "%s:%d: %s: expected settings of the form key = value; (see the guide in README.md)",
        file ? file : config->path, config_error_line(&config->tree), config_error_text(&config->tree));
}

/* Sets what the texts say, unless something failed before; on failure the config is cleared. */
static tsr_status *override_all(tsr_config *config, size_t n, const char *const *overrides,
                                tsr_status *status)
{
    for (size_t i = 0; !status && i < n; i++)
        status = override(config, overrides[i]);
    if (status)
        tsr_config_clear(config);
    return status;
}

/* A pipe lies in no folder of the user's: what it names starts from the working folder. */
static char *folder_of(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return getcwd(NULL, 0);
    char *given = tsr_path_folder(path), *folder = given ? realpath(given, NULL) : NULL;
    free(given);
    return folder;
}

tsr_status *tsr_config_read(const char *path, size_t n, const char *const *overrides, tsr_config *out)
{
    *out = (tsr_config){ .path = strdup(path), .folder = folder_of(path) };
    config_init(&out->tree);
    /* Without the folder there is no file in it, which reading says. */
    tsr_status *status = tsr_source_read(path, out->folder ? out->folder : "/", &out->text);
    if (!status && (!out->path || !out->folder))
        status = tsr_no_memory("a path");
    if (!status)
        status = parse_text(out);
    return override_all(out, n, overrides, status);
}

tsr_status *tsr_config_again(const tsr_config *first, size_t n, const char *const *overrides, tsr_config *out)
{
    *out = (tsr_config){ .path = strdup(first->path),
                         .folder = strdup(first->folder),
                         .text = strdup(first->text) };
    config_init(&out->tree);
    tsr_status *status = out->path && out->folder && out->text ? parse_text(out) : tsr_no_memory("a config");
    return override_all(out, n, overrides, status);
}

tsr_status *tsr_config_make(size_t n, const char *const *overrides, tsr_config *out)
{
    *out = (tsr_config){ .path = strdup("settings"), .folder = getcwd(NULL, 0) };
    config_init(&out->tree);
    tsr_status *status = out->path && out->folder ? NULL : tsr_no_memory("a path");
    return override_all(out, n, overrides, status);
}

void tsr_config_clear(tsr_config *config)
{
    config_destroy(&config->tree);
    for (size_t i = 0; i < config->n_origins; i++)
        free(config->origins[i]);
    free(config->origins);
    free(config->path);
    free(config->folder);
    free(config->text);
    *config = (tsr_config){ 0 };
}
