/* tessera test: what every plugin of a kind must hold, checked on a plugin file, as TAP. */
#include "cli/amount.h"
#include "cli/cli.h"

#include "base/memory.h"
#include "base/shape.h"
#include "kit/kit.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LIMIT 86400 /* seconds */

typedef struct arguments {
    tsr_kit_request request;
    const char **settings;
    tsr_shape *shapes;
    bool list;
} arguments;

static tsr_status *refuse_shape(const char *text)
{
    return tsr_fail(TSR_USAGE, "tessera test: --shape %s: expected 1 to %d numbers, such as 3x32x32", text,
                    TSR_MAX_DIMS);
}

/* "3x32x32". */
static tsr_status *parse_shape(const char *text, tsr_shape *out)
{
    size_t size;
    const char *at = text;
    *out = (tsr_shape){ 0 };
    for (;; at++) {
        const char *end =
            out->n_dims < TSR_MAX_DIMS ? tsr_cli_parse_count(at, SIZE_MAX, &out->dims[out->n_dims++]) : NULL;
        if (!end || (*end && *end != 'x'))
            return refuse_shape(text);
        at = end;
        if (!*at)
            return tsr_shape_check(*out, &size) ? NULL : refuse_shape(text);
    }
}

static tsr_status *parse_limit(const char *text, int *milliseconds)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0.1 && seconds <= MAX_LIMIT))
        return tsr_fail(TSR_USAGE, "tessera test: --limit %s: expected seconds, 0.1 to %d", text, MAX_LIMIT);
    *milliseconds = (int)lround(seconds * 1000);
    return NULL;
}

static bool is_setting(const char *word)
{
    return strcmp(word, "-s") == 0 || strcmp(word, "--set") == 0;
}

/* An option with a value. */
static tsr_status *take_value(const char *option, const char *value, arguments *out)
{
    tsr_kit_request *request = &out->request;
    if (is_setting(option)) {
        if (!value)
            return tsr_fail(TSR_USAGE, "tessera test: -s needs KEY=VALUE, a key of the plugin");
        out->settings[request->n_settings++] = value;
        return NULL;
    }
    if (!value)
        return tsr_fail(TSR_USAGE, "tessera test: %s needs a value; see 'tessera test --help'", option);
    if (strcmp(option, "--limit") == 0)
        return parse_limit(value, &request->limit);
    return parse_shape(value, &out->shapes[request->n_shapes++]);
}

static tsr_status *take_word(const char *word, arguments *out)
{
    if (word[0] == '-')
        return tsr_fail(TSR_USAGE, "tessera test: unknown option '%s'; see 'tessera test --help'", word);
    if (out->request.check)
        return tsr_fail(TSR_USAGE, "tessera test: expected a plugin and one check, '%s' is too many", word);
    if (out->request.plugin)
        out->request.check = word;
    else
        out->request.plugin = word;
    return NULL;
}

static tsr_status *parse(int argc, char **argv, arguments *out)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            out->list = true;
        } else if (is_setting(argv[i]) || strcmp(argv[i], "--shape") == 0 ||
                   strcmp(argv[i], "--limit") == 0) {
            TSR_TRY(take_value(argv[i], i + 1 < argc ? argv[i + 1] : NULL, out));
            i++;
        } else {
            TSR_TRY(take_word(argv[i], out));
        }
    }
    out->request.settings = out->settings;
    out->request.shapes = out->shapes;
    return out->request.plugin || out->list
               ? NULL
               : tsr_fail(TSR_USAGE, "tessera test: expected a plugin file; see 'tessera test --help'");
}

int tsr_cli_test(int argc, char **argv)
{
    arguments wanted = { .settings = tsr_alloc((size_t)argc, sizeof(char *)),
                         .shapes = tsr_alloc((size_t)argc, sizeof(tsr_shape)) };
    size_t failed = 0;
    tsr_status *status =
        wanted.settings && wanted.shapes ? parse(argc, argv, &wanted) : tsr_no_memory("arguments");
    if (!status)
        status = wanted.list ? tsr_kit_list(wanted.request.plugin) : tsr_kit_test(&wanted.request, &failed);
    free(wanted.settings);
    free(wanted.shapes);
    if (status)
        return tsr_cli_report(status);
    return failed ? TSR_EXIT_USAGE : TSR_EXIT_DONE;
}
