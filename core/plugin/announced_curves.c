/* The curves that probes announce. */
#include "base/memory.h"
#include "plugin/announced.h"
#include "plugin/keys.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CURVES = 256 }; /* a list without its end is noticed here */

const tsr_curve_info *tsr_announced_find_curve(const tsr_curve_info *curves, const char *name)
{
    for (; curves && curves->name; curves++)
        if (strcmp(curves->name, name) == 0)
            return curves;
    return NULL;
}

static tsr_status *check_texts(const tsr_curve_info *curve, const char *where)
{
    const struct {
        const char *name, *text;
        bool needed;
    } texts[] = { { "doc", curve->doc, true },
                  { "x", curve->x, true },
                  { "y", curve->y, true },
                  { "x_unit", curve->x_unit, false },
                  { "y_unit", curve->y_unit, false } };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if ((texts[i].needed || texts[i].text) && !tsr_line_valid(texts[i].text))
            return tsr_fail(TSR_REFUSED, "%s: curve '%s': its %s is missing or not one line; give one", where,
                            curve->name, texts[i].name);
    return NULL;
}

static tsr_status *check_range(const tsr_curve_info *curve, const char *where, char axis, double minimum,
                               double maximum)
{
    if (minimum <= maximum)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s: curve '%s': %c from %g to %g, expected two numbers that ascend", where,
                    curve->name, axis, minimum, maximum);
}

static tsr_status *check_one(const tsr_curve_info *curve, const char *where)
{
    if (!tsr_metric_name_valid(curve->name))
        return tsr_fail(
            TSR_REFUSED,
            "%s: '%s' is not a valid name of a curve: expected lower case letters, digits, _ and dots", where,
            curve->name);
    if ((unsigned)curve->shape >= TSR_N_CURVE_SHAPES)
        return tsr_fail(TSR_REFUSED,
                        "%s: curve '%s': expected TSR_CURVE_LINE or TSR_CURVE_HISTOGRAM as its shape", where,
                        curve->name);
    if ((unsigned)curve->part >= TSR_N_METRIC_PARTS || (unsigned)curve->better >= TSR_N_METRIC_BETTER)
        return tsr_fail(
            TSR_REFUSED,
            "%s: curve '%s': expected one of TSR_METRIC_OF_... as its part and of TSR_BETTER_... as "
            "what is better",
            where, curve->name);
    TSR_TRY(check_texts(curve, where));
    TSR_TRY(check_range(curve, where, 'x', curve->x_minimum, curve->x_maximum));
    TSR_TRY(check_range(curve, where, 'y', curve->y_minimum, curve->y_maximum));
    if (curve->x_logarithmic && curve->x_minimum < 0)
        return tsr_fail(TSR_REFUSED, "%s: curve '%s': a logarithmic x begins at 0 or above, and not at %g",
                        where, curve->name, curve->x_minimum);
    return NULL;
}

tsr_status *tsr_announced_take_curves(const tsr_curve_info *list, tsr_probe_ops *ops, const char *where)
{
    static const size_t least = offsetof(tsr_curve_info, better) + sizeof(((tsr_curve_info *)0)->better);
    const char *bytes = (const char *)list;
    tsr_curve_info one = { 0 }, *copy;
    size_t n = 0, size = ops->curve_size;
    if (!bytes)
        return NULL;
    if (size < least || size > sizeof(one))
        return tsr_fail(TSR_REFUSED,
                        "%s: its tsr_curve_info takes %zu bytes, expected %zu to %zu; give the list by "
                        "TSR_CURVES, and rebuild it against this version's headers",
                        where, size, least, sizeof(one));
    for (memcpy(&one, bytes, size); one.name; memcpy(&one, bytes + ++n * size, size))
        if (n == MAX_CURVES)
            return tsr_fail(TSR_REFUSED,
                            "%s: announces more than %d curves; is the NULL name at the end missing?", where,
                            MAX_CURVES);
    ops->curves = copy = tsr_alloc(n + 1, sizeof(*copy));
    if (!copy)
        return tsr_no_memory("a plugin's curves");
    ops->curve_size = sizeof(*copy);
    for (size_t i = 0; i < n; i++)
        memcpy(&copy[i], bytes + i * size, size);
    for (size_t i = 0; i < n; i++) {
        TSR_TRY(check_one(&copy[i], where));
        if (tsr_announced_find_curve(copy, copy[i].name) != &copy[i])
            return tsr_fail(TSR_REFUSED, "%s: announces curve '%s' twice; expected once", where,
                            copy[i].name);
    }
    return NULL;
}
