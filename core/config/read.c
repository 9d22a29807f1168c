/* Reading a config. What libconfig would do badly, with a file as with a setting of the command line, is
   refused before (config/source.h). */
#include "config/read.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/parse.h"
#include "config/source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What begins so is meant for libconfig and no bare word. */
static bool is_structured(const char *text)
{
    text += strspn(text, " \t\n");
    return *text && strchr("([{\"", *text);
}

static tsr_status *refuse_value(tsr_origin *origin, const char *error)
{
    return tsr_origin_context(
        origin, tsr_fail(TSR_REFUSED, "%s: expected a value as it stands behind = in a config", error));
}

/* What only a file can have, or, in a word, would be read by some versions of libconfig as a value and a
   comment behind it. */
static bool is_word(const char *text)
{
    if (strchr(text, '\n') && strstr(text, "@include"))
        return true;
    return !is_structured(text) && (strchr(text, '#') || strstr(text, "//"));
}

/* VALUE as libconfig reads it, or, where it cannot and it does not look like that, as a string. */
static tsr_status *read_value(const char *text, tsr_origin *origin, tsr_value **out)
{
    char error[TSR_PARSE_ERROR] = "@include";
    *out = NULL;
    if (!is_word(text))
        TSR_TRY(tsr_parse_value(text, origin, out, error));
    tsr_status *status = NULL;
    if (*out || is_structured(text))
        status = tsr_source_check_text(text, origin->text);
    if (!status && !*out && is_structured(text))
        status = refuse_value(origin, error);
    if (status) {
        tsr_value_free(*out);
        *out = NULL;
        return status;
    }
    if (!*out && (*out = tsr_value_string(text)))
        tsr_value_set_origin(*out, origin);
    return *out ? NULL : tsr_no_memory("settings");
}

/* Whether so many characters are a dotted key. */
static bool is_key(const char *text, size_t length)
{
    return length > 0 && text[0] != '.' && text[length - 1] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*.[]") >= length;
}

static tsr_status *set_value(tsr_value *root, const char *key, const char *text, tsr_origin *origin)
{
    tsr_value *value;
    TSR_TRY(read_value(text, origin, &value));
    return tsr_value_set(root, key, value);
}

/* Sets what one text "KEY=VALUE" says. */
static tsr_status * override(tsr_value *root, const char *text, const char *folder)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    while (length && text[length - 1] == ' ') /* KEY = VALUE, as a config has it */
        length--;
    if (!is_key(text, length))
        return tsr_fail(TSR_USAGE, "-s %s: expected KEY=VALUE, such as model.width=50", text);
    char *key = strndup(text, length), *shown = tsr_format("-s %s", text);
    tsr_origin *origin = shown ? tsr_origin_new(TSR_ORIGIN_COMMAND_LINE, shown, 0, folder) : NULL;
    tsr_status *status = key && origin ? set_value(root, key, equals + 1, origin) : tsr_no_memory("settings");
    tsr_origin_release(origin);
    free(shown);
    free(key);
    return status;
}

/* Sets what the texts say, unless something failed before; on failure the root is freed. */
static tsr_status *override_all(tsr_value *root, size_t n, const char *const *overrides, tsr_status *status,
                                tsr_value **out)
{
    char *here = status ? NULL : getcwd(NULL, 0);
    if (!status && !here)
        status = tsr_no_memory("a path");
    for (size_t i = 0; !status && i < n; i++)
        status = override(root, overrides[i], here);
    free(here);
    if (status)
        tsr_value_free(root);
    else
        *out = root;
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

tsr_status *tsr_config_read(const char *path, size_t n, const char *const *overrides, tsr_value **out)
{
    *out = NULL;
    char *folder = folder_of(path), *text = NULL;
    tsr_value *root = NULL;
    /* Without the folder there is no file in it, which reading says. */
    tsr_status *status = tsr_source_read(path, folder ? folder : "/", &text);
    if (!status && !folder)
        status = tsr_no_memory("a path");
    if (!status)
        status = tsr_parse_config(text, path, folder, &root);
    free(text);
    free(folder);
    return override_all(root, n, overrides, status, out);
}

tsr_status *tsr_config_adopt(tsr_value *root, const char *path, size_t n, const char *const *overrides,
                             tsr_value **out)
{
    *out = NULL;
    char *folder = folder_of(path);
    tsr_origin *origin = folder ? tsr_origin_new(TSR_ORIGIN_FILE, path, 0, folder) : NULL;
    free(folder);
    if (origin)
        tsr_value_set_origin(root, origin);
    tsr_status *status = origin ? NULL : tsr_no_memory("a config");
    tsr_origin_release(origin);
    return override_all(root, n, overrides, status, out);
}

tsr_status *tsr_config_make(size_t n, const char *const *overrides, tsr_value **out)
{
    *out = NULL;
    tsr_value *root = tsr_value_group();
    return override_all(root, n, overrides, root ? NULL : tsr_no_memory("settings"), out);
}
