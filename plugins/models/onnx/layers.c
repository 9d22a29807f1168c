/* Layers with arrays of the file, and which of them are one: weights that several nodes share. */
#include "translate.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/op.h>

#define N_ARRAYS (sizeof(((onnx_layer *)0)->arrays) / sizeof(const onnx_constant *))

static int order_of(double a, double b)
{
    return (a > b) - (a < b);
}

/* By what they hold: some exporters write a weight that several nodes share once for each of them. */
static int order_of_arrays(const onnx_constant *a, const onnx_constant *b)
{
    if (a == b || !a || !b || !a->reals || !b->reals)
        return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    int order = memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
    return order ? order : memcmp(a->reals, b->reals, a->n * sizeof(*a->reals));
}

static int compare(const void *a, const void *b)
{
    const onnx_layer *x = a, *y = b;
    int order = strcmp(x->op, y->op);
    for (size_t i = 0; !order && i < sizeof(x->numbers) / sizeof(*x->numbers); i++)
        order = order_of(x->numbers[i], y->numbers[i]);
    for (size_t i = 0; !order && i < N_ARRAYS; i++)
        order = order_of_arrays(x->arrays[i], y->arrays[i]);
    return order;
}

static const onnx_constant *origin_of(const onnx_constant *array)
{
    return array->origin ? array->origin : array;
}

/* Whether both are one array of the file, their elements in one order; of equal shapes. */
static bool are_one(const onnx_constant *a, const onnx_constant *b)
{
    uint32_t order_a = a->origin ? a->order : ONNX_SAME_ORDER,
             order_b = b->origin ? b->order : ONNX_SAME_ORDER;
    return a == b || (order_a && order_a == order_b && origin_of(a) == origin_of(b));
}

/* One array at least must be the very same: layers that began with equal values need not stay equal. */
static bool share_some(const onnx_layer *x, const onnx_layer *y)
{
    bool some = false;
    for (size_t i = 0; i < N_ARRAYS; i++)
        some = some || (x->arrays[i] && y->arrays[i] && are_one(x->arrays[i], y->arrays[i]));
    return some;
}

tsr_node *onnx_layer_find(const onnx_translation *t, const onnx_layer *layer)
{
    onnx_layer *const *found = tfind(layer, (void *const *)&t->layers, compare);
    return found && share_some(*found, layer) ? (*found)->node : NULL;
}

/* An array that is another layer's too cannot stay the same in both when they are trained. */
static void take_arrays(const onnx_translation *t, const onnx_layer *layer)
{
    bool fresh[N_ARRAYS] = { false };
    for (size_t i = 0; i < N_ARRAYS; i++) {
        const onnx_constant *array = layer->arrays[i];
        bool counts = array && array->name && array->n > 1;
        fresh[i] = counts && !origin_of(array)->taken;
        if (counts && !fresh[i])
            tsr_warn_once("%s: '%s' is used by layers that are not one: each trains one of its own",
                          t->file->path, onnx_shown(array->name).chars);
    }
    for (size_t i = 0; i < N_ARRAYS; i++)
        if (fresh[i])
            ((onnx_constant *)(uintptr_t)origin_of(layer->arrays[i]))->taken = true;
}

/* Of layers that hold the same, and share nothing, the first is kept. */
tsr_node *onnx_layer_keep(onnx_translation *t, const onnx_layer *layer, tsr_node *node)
{
    if (t->failed)
        return node;
    take_arrays(t, layer);
    onnx_layer *kept = malloc(sizeof(*kept));
    if (kept) {
        *kept = *layer;
        kept->node = node;
    }
    onnx_layer *const *entered = kept ? tsearch(kept, &t->layers, compare) : NULL;
    if (!entered)
        onnx_fail(t, "not enough memory");
    if (!entered || *entered != kept)
        free(kept);
    return node;
}

void onnx_layers_clear(onnx_translation *t)
{
    tdestroy(t->layers, free);
    t->layers = NULL;
}
