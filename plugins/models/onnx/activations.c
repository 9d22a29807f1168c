/* Activations: those of straight pieces give bits of the code, the smooth ones do not. */
#include "translate.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <tessera/activation.h>

static void give_pieces(onnx_translation *t, const onnx_value *x, const onnx_pieces *pieces)
{
    for (size_t i = 0; i < pieces->n && !t->failed; i++)
        if (!isfinite(pieces->at[i]) || (i && pieces->at[i] <= pieces->at[i - 1]))
            onnx_fail(t, "its pieces meet at %g, expected finite and ascending places",
                      (double)pieces->at[i]);
    if (!t->failed)
        onnx_give(t, 0, onnx_piecewise(t->graph, x->node, pieces), x->rank);
}

static void make_relu(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, tsr_activate(t->graph, x->node), x->rank);
}

static void make_leaky_relu(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    float alpha = (float)onnx_real(t, "alpha", 0.01);
    if (x)
        give_pieces(t, x, &(onnx_pieces){ .n = 1, .slope = { alpha, 1 } });
}

static void make_abs(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        give_pieces(t, x, &(onnx_pieces){ .n = 1, .slope = { -1, 1 } });
}

/* A slope for each channel, or one for all, which training may then move apart. */
static void make_prelu(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    const onnx_constant *slope = onnx_constant_input(t, 1);
    if (t->failed)
        return;
    size_t channels = tsr_shape_channels(tsr_node_shape(x->node)), ones = 1;
    bool fits = slope->reals && slope->rank <= x->rank + 1,
         by_channel = fits && slope->n == channels && slope->rank >= x->rank;
    for (size_t i = 0; by_channel && i < slope->rank; i++)
        ones *= i == slope->rank - x->rank ? 1 : slope->dims[i];
    if (!fits || (slope->n != 1 && !(by_channel && ones == 1))) {
        onnx_fail(t, "has %zu slopes, expected one, or one for each of %zu channels", slope->n, channels);
        return;
    }
    const onnx_layer layer = { "prelu", { slope }, { (double)channels }, NULL };
    tsr_node *earlier = onnx_layer_find(t, &layer);
    if (earlier) {
        onnx_give(t, 0, tsr_again(t->graph, earlier, x->node), x->rank);
        return;
    }
    onnx_constant *all = onnx_new(t, 1, &channels, false);
    for (size_t i = 0; all && i < channels; i++)
        all->reals[i] = slope->reals[slope->n == 1 ? 0 : i];
    tsr_node *y = onnx_initial(t, tsr_activate_with(t->graph, x->node, t->prelu), "weight", channels, all);
    onnx_constant_free(all);
    onnx_layer_keep(t, &layer, y);
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* The limits are attributes, inputs, or absent, as the least and the largest float are. */
static void make_clip(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double low = onnx_limit(t, "min", 1, -INFINITY), high = onnx_limit(t, "max", 2, INFINITY);
    if (t->failed)
        return;
    bool lower = low > -FLT_MAX, upper = high < FLT_MAX;
    float from = (float)low, to = (float)high;
    if (lower && upper)
        give_pieces(t, x, &(onnx_pieces){ 2, { from, to }, { 0, 1, 0 }, { from, 0, to } });
    else if (lower)
        give_pieces(t, x, &(onnx_pieces){ 1, { from }, { 0, 1 }, { from, 0 } });
    else if (upper)
        give_pieces(t, x, &(onnx_pieces){ 1, { to }, { 1, 0 }, { 0, to } });
    else
        onnx_give(t, 0, x->node, x->rank);
}

/* max(0, min(1, alpha x + beta)) */
static tsr_node *hard_sigmoid(onnx_translation *t, const onnx_value *x, double alpha, double beta)
{
    if (!(alpha > 0) || !isfinite(beta / alpha) || !isfinite((1 - beta) / alpha)) {
        onnx_fail(t, "alpha is %g, expected more than 0", alpha);
        return x->node;
    }
    return onnx_piecewise(t->graph, x->node,
                          &(onnx_pieces){ 2,
                                          { (float)(-beta / alpha), (float)((1 - beta) / alpha) },
                                          { 0, (float)alpha, 0 },
                                          { 0, (float)beta, 1 } });
}

static void make_hard_sigmoid(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double alpha = onnx_real(t, "alpha", 0.2), beta = onnx_real(t, "beta", 0.5);
    if (x && !t->failed)
        onnx_give(t, 0, hard_sigmoid(t, x, alpha, beta), x->rank);
}

static void make_hard_swish(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (!x)
        return;
    t->bearer = hard_sigmoid(t, x, 1.0 / 6, 0.5); /* the layer of the code */
    onnx_give(t, 0, tsr_multiply(t->graph, x->node, t->bearer), x->rank);
}

static void make_sigmoid(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, tsr_sigmoid(t->graph, x->node), x->rank);
}

static void make_log_softmax(onnx_translation *t)
{
    onnx_fail(t, "is known at the end alone, over all of a sample's values, where the loss has it");
}

static void make_tanh(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, tsr_tanh(t->graph, x->node), x->rank);
}

/* Before operator set 13 all dimensions from the axis on are one. */
static void make_softmax(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    size_t axis;
    bool old = t->file->opset < 13;
    if (!x || !onnx_axis(t, onnx_int(t, "axis", old ? 1 : -1), x->rank + 1, &axis))
        return;
    if (axis == 0 || (old && axis != x->rank))
        onnx_fail(t, "is over axis %zu of %zu%s", axis, x->rank + 1,
                  axis ? " and those behind it, expected the last" : ", the batch");
    else
        onnx_give(t, 0, tsr_softmax(t->graph, x->node, axis - 1), x->rank);
}

const onnx_operator onnx_activations[] = {
    { "Abs", make_abs, " ", 1, 1 },
    { "Clip", make_clip, " max min ", 1, 3 },
    { "HardSigmoid", make_hard_sigmoid, " alpha beta ", 1, 1 },
    { "HardSwish", make_hard_swish, " ", 1, 1 },
    { "LeakyRelu", make_leaky_relu, " alpha ", 1, 1 },
    { "LogSoftmax", make_log_softmax, " axis ", 1, 1 },
    { "PRelu", make_prelu, " ", 2, 2 },
    { "Relu", make_relu, " ", 1, 1 },
    { "Sigmoid", make_sigmoid, " ", 1, 1 },
    { "Softmax", make_softmax, " axis ", 1, 1 },
    { "Tanh", make_tanh, " ", 1, 1 },
    { 0 },
};
