/* Trying a plugin file: a child process loads it and sends its description back as JSON. */
#include "plugin/trial.h"

#include "base/isolate.h"
#include "base/memory.h"
#include "plugin/describe.h"
#include "plugin/loader.h"

#include <stdlib.h>

static tsr_status *load_and_describe(void *context, char **text)
{
    const char *file = context;
    tsr_module *module;
    TSR_TRY(tsr_module_load(file, &module));
    json_t *description = tsr_module_json(module);
    *text = description ? json_dumps(description, JSON_COMPACT) : NULL;
    return *text ? NULL : tsr_no_memory("a plugin's description");
}

tsr_status *tsr_trial(const char *file, int limit, json_t **out)
{
    *out = NULL;
    json_t *utf8 = json_string(file); /* as every message and description needs it */
    if (!utf8)
        return tsr_fail(TSR_REFUSED, "%s: the path is not UTF-8; rename the file", file);
    json_decref(utf8);
    tsr_isolate_words words = { file, "while being loaded", "look at its constructors" };
    char *text;
    TSR_TRY(tsr_isolate(&words, limit, false, load_and_describe, (void *)(uintptr_t)file, &text));
    *out = json_loads(text, 0, NULL);
    free(text);
    return *out ? NULL : tsr_fail(TSR_REFUSED, "%s: what it declares cannot be described", file);
}
