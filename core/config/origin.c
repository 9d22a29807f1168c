/* Where a value of a config comes from. */
#include "config/origin.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A copy in *out; whether there was memory for it. NULL is copied as NULL. */
static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

tsr_origin *tsr_origin_new(tsr_origin_kind kind, const char *text, unsigned line, const char *folder)
{
    tsr_origin *origin = calloc(1, sizeof(*origin));
    if (!origin)
        return NULL;
    *origin = (tsr_origin){ .references = 1, .kind = kind, .line = line };
    if (copy_text(text, &origin->text) && copy_text(folder, &origin->folder))
        return origin;
    tsr_origin_release(origin);
    return NULL;
}

tsr_origin *tsr_origin_share(tsr_origin *origin)
{
    if (origin)
        origin->references++;
    return origin;
}

void tsr_origin_release(tsr_origin *origin)
{
    if (!origin || --origin->references > 0)
        return;
    free(origin->text);
    free(origin->folder);
    free(origin);
}

tsr_origin *tsr_origin_of_sweep(const tsr_origin *value, const char *key)
{
    const char *from = value && value->text ? value->text : "config";
    unsigned line = value ? value->line : 0;
    char *text =
        line ? tsr_format("%s:%u (sweep of %s)", from, line, key) : tsr_format("%s (sweep of %s)", from, key);
    tsr_origin *origin =
        text ? tsr_origin_new(TSR_ORIGIN_SWEEP, text, 0, value ? value->folder : NULL) : NULL;
    free(text);
    return origin;
}

tsr_status *tsr_origin_context(const tsr_origin *origin, tsr_status *status)
{
    if (!origin || !origin->text || !status)
        return status;
    if (origin->line)
        return tsr_context(status, "%s:%u", origin->text, origin->line);
    return tsr_context(status, "%s", origin->text);
}
