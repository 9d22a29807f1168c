/* Attributes of the present node. */
#include "translate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLOAT = 1, INT = 2, STRING = 3, INTS = 7 };

const Onnx__Attribute *onnx_attribute(onnx_translation *t, const char *name)
{
    for (size_t i = 0; i < t->node->n_attribute; i++)
        if (strcmp(onnx_text(t->node->attribute[i]->name), name) == 0)
            return t->node->attribute[i];
    return NULL;
}

/* The attribute, if it is there; fails where it is of another type. */
static const Onnx__Attribute *typed(onnx_translation *t, const char *name, int type, const char *expected)
{
    const Onnx__Attribute *a = t->failed ? NULL : onnx_attribute(t, name);
    if (!a || !a->has_type || a->type == type)
        return a;
    onnx_fail(t, "attribute %s is of type %d, expected %s", name, a->type, expected);
    return NULL;
}

int64_t onnx_int(onnx_translation *t, const char *name, int64_t otherwise)
{
    const Onnx__Attribute *a = typed(t, name, INT, "an integer");
    return a ? a->i : otherwise;
}

double onnx_real(onnx_translation *t, const char *name, double otherwise)
{
    const Onnx__Attribute *a = typed(t, name, FLOAT, "a float");
    if (a && !isfinite(a->f))
        onnx_fail(t, "attribute %s is %g, expected a finite number", name, (double)a->f);
    return a ? (double)a->f : otherwise;
}

double onnx_limit(onnx_translation *t, const char *name, size_t i, double otherwise)
{
    const Onnx__Attribute *a = typed(t, name, FLOAT, "a float");
    double limit = a ? (double)a->f : otherwise;
    if (onnx_has_input(t, i) && !onnx_scalar(onnx_constant_input(t, i), &limit))
        onnx_fail(t, "its limit %s is no number", name);
    else if (isnan(limit))
        onnx_fail(t, "its limit %s is %g", name, limit);
    return limit;
}

const char *onnx_string(onnx_translation *t, const char *name, char room[32])
{
    const Onnx__Attribute *a = typed(t, name, STRING, "a string");
    size_t n = a ? a->s.len < 31 ? a->s.len : 31 : 0;
    if (n)
        memcpy(room, a->s.data, n);
    room[n] = '\0';
    return room;
}

size_t onnx_ints(onnx_translation *t, const char *name, int64_t *out)
{
    const Onnx__Attribute *a = typed(t, name, INTS, "a list of integers");
    if (a && a->n_ints > ONNX_MAX_RANK) {
        onnx_fail(t, "attribute %s has %zu elements, expected at most %d", name, a->n_ints, ONNX_MAX_RANK);
        return 0;
    }
    if (a && a->n_ints)
        memcpy(out, a->ints, a->n_ints * sizeof(*out));
    return a ? a->n_ints : 0;
}

size_t onnx_ints_or_input(onnx_translation *t, const char *name, size_t i, int64_t *out)
{
    if (onnx_attribute(t, name) || !onnx_has_input(t, i))
        return onnx_ints(t, name, out);
    const onnx_constant *c = onnx_constant_input(t, i);
    if (c && (!c->integers || c->n > ONNX_MAX_RANK))
        onnx_fail(t, "input %zu holds %zu %s, expected at most %d integers", i, c->n,
                  c->integers ? "integers" : "floats", ONNX_MAX_RANK);
    if (t->failed || !c)
        return 0;
    memcpy(out, c->integers, c->n * sizeof(*out));
    return c->n;
}

bool onnx_axis(onnx_translation *t, int64_t axis, size_t rank, size_t *out)
{
    int64_t n = (int64_t)rank;
    if (axis < -n || axis >= n) {
        onnx_fail(t, "axis %lld is none of %zu dimensions", (long long)axis, rank);
        return false;
    }
    *out = (size_t)(axis < 0 ? axis + n : axis);
    return !t->failed;
}

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

size_t onnx_axes(onnx_translation *t, size_t n, const int64_t *axes, size_t rank, size_t *out)
{
    for (size_t i = 0; i < n; i++)
        if (!onnx_axis(t, axes[i], rank, &out[i]))
            return 0;
    qsort(out, n, sizeof(*out), by_size);
    for (size_t i = 1; i < n; i++)
        if (out[i] == out[i - 1]) {
            onnx_fail(t, "axis %zu is named twice", out[i]);
            return 0;
        }
    return n;
}

bool onnx_scalar(const onnx_constant *constant, double *out)
{
    if (!constant || constant->n != 1 || (constant->integers && constant->integers[0] == ONNX_BATCH))
        return false;
    *out = constant->reals ? (double)constant->reals[0] : (double)constant->integers[0];
    return true;
}
