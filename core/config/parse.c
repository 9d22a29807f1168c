/* Text of a config to values: libconfig parses, and each of its settings becomes a value with its own line.
   It takes for granted that memory is there, and crashes or loses a text where there is none, so it does so
   in a process of its own, which hands the values on (config/carry.h). */
#include "config/parse.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/carry.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where settings stand: in a text with lines, or all at one origin. */
typedef struct places {
    const char *name, *folder;
    tsr_origin *only; /* NULL: a text with lines */
} places;

/* The setting's origin, as a reference of the caller's: NULL in *out where the value above has the same. */
static tsr_status *origin_of(const places *at, const config_setting_t *setting, const tsr_origin *above,
                             tsr_origin **out)
{
    *out = NULL;
    if (at->only)
        return NULL;
    const char *file = config_setting_source_file(setting);
    unsigned line = config_setting_source_line(setting);
    file = file ? file : at->name;
    if (above && above->line == line && strcmp(above->text, file) == 0)
        return NULL;
    *out = tsr_origin_new(TSR_ORIGIN_FILE, file, line, at->folder);
    return *out ? NULL : tsr_no_memory("a config");
}

static tsr_value *make(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        return tsr_value_int(config_setting_get_int(setting));
    case CONFIG_TYPE_INT64:
        return tsr_value_int(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT:
        return tsr_value_real(config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL:
        return tsr_value_bool(config_setting_get_bool(setting));
    case CONFIG_TYPE_STRING: /* without memory it has none */
        return config_setting_get_string(setting) ? tsr_value_string(config_setting_get_string(setting))
                                                  : NULL;
    case CONFIG_TYPE_GROUP:
        return tsr_value_group();
    default:
        return tsr_value_list();
    }
}

/* Puts what is below a setting below its value. */
static tsr_status *fill(const places *at, const config_setting_t *setting, tsr_value *value)
{
    if (!config_setting_is_aggregate(setting))
        return NULL;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *below = config_setting_get_elem(setting, (unsigned)i);
        const char *key = config_setting_name(below);
        tsr_value *made = make(below);
        TSR_TRY(key ? tsr_value_put(value, key, made) : tsr_value_append(value, made));
        TSR_TRY(origin_of(at, below, tsr_value_origin(value), &made->origin));
        TSR_TRY(fill(at, below, made));
    }
    return NULL;
}

static tsr_status *convert(const places *at, const config_setting_t *setting, tsr_origin *origin,
                           tsr_value **out)
{
    tsr_value *value = make(setting);
    tsr_status *status = value && origin ? NULL : tsr_no_memory("a config");
    if (!status) {
        tsr_value_set_origin(value, origin);
        status = fill(at, setting, value);
    }
    if (status)
        tsr_value_free(value);
    else
        *out = value;
    return status;
}

static tsr_status *parse_failure(const config_t *tree, const char *name)
{
    const char *file = config_error_file(tree);
    return tsr_fail(TSR_REFUSED,
                    "%s:%d: %s: expected settings of the form key = value; (see the guide in README.md)",
                    file ? file : name, config_error_line(tree), config_error_text(tree));
}

/* What is to be parsed: a whole text, or, where `origin` is set, one value. */
typedef struct parsing {
    const char *text, *name, *folder;
    tsr_origin *origin;
} parsing;

static tsr_status *parse_config(const parsing *p, tsr_value **out)
{
    config_t tree;
    config_init(&tree);
    config_set_include_dir(&tree, p->folder);
    places at = { .name = p->name, .folder = p->folder };
    tsr_origin *origin =
        tsr_origin_new(TSR_ORIGIN_FILE, p->name, 1, p->folder); /* of what is missing in the whole */
    tsr_status *status = config_read_string(&tree, p->text)
                             ? convert(&at, config_root_setting(&tree), origin, out)
                             : parse_failure(&tree, p->name);
    tsr_origin_release(origin);
    config_destroy(&tree);
    return status;
}

/* Where libconfig cannot read it, *error says why. */
static tsr_status *parse_value(const parsing *p, tsr_value **out, tsr_text *error)
{
    config_t tree;
    config_init(&tree);
    tsr_status *status = NULL;
    places at = { .only = p->origin };
    if (!config_read_string(&tree, p->text))
        tsr_text_add(error, "%s", config_error_text(&tree));
    else if (config_setting_length(config_root_setting(&tree)) != 1)
        status =
            tsr_origin_context(p->origin, tsr_fail(TSR_REFUSED, "expected one value, not several settings"));
    else
        status = convert(&at, config_lookup(&tree, "value"), p->origin, out);
    config_destroy(&tree);
    return status;
}

/* What the answer begins with. */
enum { IS_VALUE = '=', IS_ERROR = '!' };

static tsr_status *parse_and_carry(void *context, char **text)
{
    const parsing *p = context;
    tsr_value *value = NULL;
    tsr_text answer = { 0 }, error = { 0 };
    TSR_TRY(p->origin ? parse_value(p, &value, &error) : parse_config(p, &value));
    tsr_text_add(&answer, "%c", value ? IS_VALUE : IS_ERROR);
    if (value)
        tsr_value_carry(value, &answer);
    else
        tsr_text_add(&answer, "%s", error.chars ? error.chars : "");
    tsr_value_free(value);
    free(error.chars);
    *text = answer.chars;
    return answer.failed || error.failed ? tsr_no_memory("a config") : NULL;
}

#define MAX_MILLISECONDS 600000 /* libconfig's time grows with the square of what a text holds */

static tsr_status *parse_apart(parsing *p, char **answer)
{
    const tsr_isolate_words words = { p->name, "while libconfig read it", "it may lack memory", NULL };
    return tsr_isolate(&words, MAX_MILLISECONDS, false, parse_and_carry, p, answer);
}

tsr_status *tsr_parse_config(const char *text, const char *name, const char *folder, tsr_value **out)
{
    char *answer;
    *out = NULL;
    TSR_TRY(parse_apart(&(parsing){ .text = text, .name = name, .folder = folder }, &answer));
    tsr_status *status =
        tsr_context(tsr_value_from_carried(answer + (*answer == IS_VALUE), folder, out), "%s", name);
    free(answer);
    return status;
}

tsr_status *tsr_parse_value(const char *text, tsr_origin *origin, tsr_value **out,
                            char error[TSR_PARSE_ERROR])
{
    *out = NULL;
    char *line = tsr_format("value = %s;", text), *answer;
    if (!line)
        return tsr_no_memory("a value");
    tsr_status *status =
        parse_apart(&(parsing){ .text = line, .name = origin->text, .origin = origin }, &answer);
    free(line);
    TSR_TRY(status);
    if (*answer == IS_ERROR)
        snprintf(error, TSR_PARSE_ERROR, "%s", answer + 1);
    else
        status = tsr_value_from_carried(answer + (*answer == IS_VALUE), NULL, out);
    if (*out)
        tsr_value_set_origin(*out, origin);
    free(answer);
    return status;
}
