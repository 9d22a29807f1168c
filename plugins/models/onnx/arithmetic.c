/* Add, Sub, Mul, Div, Pow and their like, of nodes and constants. */
#include "translate.h"

#include <math.h>
#include <string.h>

/* Both with as many dimensions: 1s are put before those of the one that has fewer. */
static tsr_node *widen(onnx_translation *t, tsr_node *x, size_t from, size_t to)
{
    tsr_shape have = tsr_node_shape(x), shape = { .n_dims = to };
    if (from == to || to == 0)
        return x;
    for (size_t i = 0; i < to; i++)
        shape.dims[i] = i + from < to ? 1 : have.dims[i + from - to];
    return tsr_reshape(t->graph, x, shape);
}

typedef tsr_node *joining(tsr_graph *graph, tsr_node *a, tsr_node *b);

/* ONNX aligns from the last dimension on, the batch with the batch: of two nodes both have it. */
static void join_nodes(onnx_translation *t, joining *join, const onnx_value *a, const onnx_value *b)
{
    if (a->rank != b->rank) {
        onnx_fail(t, "joins arrays of %zu and %zu dimensions beside the batch, expected as many", a->rank,
                  b->rank);
        return;
    }
    onnx_give(t, 0, join(t->graph, a->node, b->node), a->rank);
}

static void join_constant(onnx_translation *t, joining *join, const onnx_value *x, const onnx_constant *c,
                          bool scale)
{
    size_t rank = c->rank > x->rank + 1 ? c->rank - 1 : x->rank;
    if (rank > x->rank && t->batch != 1) {
        onnx_fail(t, "takes a constant of %zu dimensions beside %zu, one of which is the batch", c->rank,
                  x->rank + 1);
        return;
    }
    tsr_node *other = onnx_array(t, c, rank, scale);
    if (other)
        onnx_give(t, 0, join(t->graph, widen(t, x->node, x->rank, rank), other), rank);
}

/* The two inputs, of which one at least is a node: `*c`, else NULL, is the other; `*first`: whether that
   comes first. */
static const onnx_value *two(onnx_translation *t, const onnx_constant **c, const onnx_value **other,
                             bool *first)
{
    const onnx_value *a = onnx_input(t, 0), *b = onnx_input(t, 1);
    *c = NULL;
    *other = b;
    if (t->failed || !a || !b)
        return NULL;
    *first = a->constant != NULL;
    *c = *first ? a->constant : b->constant;
    if (*c && !(*c)->reals) {
        onnx_fail(t, "has an array of integers, expected floats");
        return NULL;
    }
    if (a->node || b->node)
        return *first ? b : a;
    return NULL; /* such are computed beforehand */
}

static void make_add(onnx_translation *t)
{
    const onnx_constant *c;
    const onnx_value *other, *x;
    bool first;
    if (!(x = two(t, &c, &other, &first)))
        return;
    if (c)
        join_constant(t, tsr_add, x, c, false);
    else
        join_nodes(t, tsr_add, x, other);
}

static void make_sub(onnx_translation *t)
{
    const onnx_constant *c;
    const onnx_value *other, *x;
    bool first;
    if (!(x = two(t, &c, &other, &first)))
        return;
    if (!c) {
        join_nodes(t, tsr_subtract, x, other);
        return;
    }
    onnx_value minus = *x;
    if (first)
        minus.node = tsr_scale(t->graph, x->node, -1);
    join_constant(t, first ? tsr_add : tsr_subtract, &minus, c, false);
}

static void make_mul(onnx_translation *t)
{
    const onnx_constant *c;
    const onnx_value *other, *x;
    bool first;
    double factor;
    if (!(x = two(t, &c, &other, &first)))
        return;
    if (!c)
        join_nodes(t, tsr_multiply, x, other);
    else if (onnx_scalar(c, &factor) && c->rank <= x->rank + 1 && fabs(factor) < 1e30)
        onnx_give(t, 0, tsr_scale(t->graph, x->node, factor), x->rank);
    else
        join_constant(t, tsr_multiply, x, c, true);
}

/* 1 / c; NULL and failed: that has values which are none. To be freed. */
static onnx_constant *inverse_of(onnx_translation *t, const onnx_constant *c)
{
    onnx_constant *out = onnx_new(t, c->rank, c->dims, false);
    for (size_t i = 0; out && i < c->n && !t->failed; i++) {
        out->reals[i] = 1 / c->reals[i];
        if (!isfinite(c->reals[i]) || !isfinite(out->reals[i]))
            onnx_fail(t, "divides by %g", (double)c->reals[i]);
    }
    if (!t->failed)
        return out;
    onnx_constant_free(out);
    return NULL;
}

static void make_div(onnx_translation *t)
{
    const onnx_constant *c;
    const onnx_value *other, *x;
    bool first;
    if (!(x = two(t, &c, &other, &first)))
        return;
    if (!c || first) {
        onnx_fail(t, "divides by what depends on the network's input, expected a constant, or a layer norm "
                     "written out");
        return;
    }
    double divisor;
    onnx_constant *inverse = inverse_of(t, c);
    if (inverse && onnx_scalar(c, &divisor) && c->rank <= x->rank + 1)
        onnx_give(t, 0, tsr_scale(t->graph, x->node, 1 / divisor), x->rank);
    else if (inverse)
        join_constant(t, tsr_multiply, x, inverse, true);
    onnx_constant_free(inverse);
}

static void make_pow(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double exponent = 0;
    if (!t->failed &&
        (!onnx_scalar(onnx_constant_input(t, 1), &exponent) || !(exponent >= 2 && exponent <= 2)))
        onnx_fail(t, "raises to %g, expected 2", exponent);
    if (!t->failed && onnx_constant_input(t, 1)->rank > x->rank + 1)
        onnx_fail(t, "raises to a number of %zu dimensions", onnx_constant_input(t, 1)->rank);
    if (!t->failed)
        onnx_give(t, 0, tsr_multiply(t->graph, x->node, x->node), x->rank);
}

static void make_neg(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, tsr_scale(t->graph, x->node, -1), x->rank);
}

static void make_exp(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, tsr_exp(t->graph, x->node), x->rank);
}

static void make_sqrt(onnx_translation *t)
{
    onnx_fail(t, "takes a root of what depends on the network's input, which is known in a layer norm alone");
}

const onnx_operator onnx_arithmetic[] = {
    { "Add", make_add, " ", 2, 2 },   { "Div", make_div, " ", 2, 2 }, { "Exp", make_exp, " ", 1, 1 },
    { "Mul", make_mul, " ", 2, 2 },   { "Neg", make_neg, " ", 1, 1 }, { "Pow", make_pow, " ", 2, 2 },
    { "Sqrt", make_sqrt, " ", 1, 1 }, { "Sub", make_sub, " ", 2, 2 }, { 0 },
};
