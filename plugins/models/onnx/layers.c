/* Layers with arrays of the file, and which of them are one: weights that several nodes share. */
#include "translate.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/op.h>

static int order_of(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare(const void *a, const void *b)
{
    const onnx_layer *x = a, *y = b;
    int order = strcmp(x->op, y->op);
    for (size_t i = 0; !order && i < sizeof(x->arrays) / sizeof(*x->arrays); i++)
        order = ((uintptr_t)x->arrays[i] > (uintptr_t)y->arrays[i]) -
                ((uintptr_t)x->arrays[i] < (uintptr_t)y->arrays[i]);
    for (size_t i = 0; !order && i < sizeof(x->numbers) / sizeof(*x->numbers); i++)
        order = order_of(x->numbers[i], y->numbers[i]);
    return order;
}

tsr_node *onnx_layer_find(const onnx_translation *t, const onnx_layer *layer)
{
    onnx_layer *const *found = tfind(layer, (void *const *)&t->layers, compare);
    return found ? (*found)->node : NULL;
}

/* One that is another layer's too cannot stay the same in both when they are trained. */
static void take_arrays(const onnx_translation *t, const onnx_layer *layer)
{
    for (size_t i = 0; i < sizeof(layer->arrays) / sizeof(*layer->arrays); i++) {
        onnx_constant *array = (onnx_constant *)(uintptr_t)layer->arrays[i];
        if (!array || !array->name || array->n < 2)
            continue;
        if (array->taken)
            tsr_warn_once("%s: '%s' is used by layers that are not alike: each trains one of its own",
                          t->file->path, onnx_shown(array->name).chars);
        array->taken = true;
    }
}

tsr_node *onnx_layer_keep(onnx_translation *t, const onnx_layer *layer, tsr_node *node)
{
    onnx_layer *kept = t->failed ? NULL : malloc(sizeof(*kept));
    if (kept) {
        *kept = *layer;
        kept->node = node;
    }
    if (kept && tsearch(kept, &t->layers, compare)) {
        take_arrays(t, layer);
        return node;
    }
    free(kept);
    if (!t->failed)
        onnx_fail(t, "not enough memory");
    return node;
}

void onnx_layers_clear(onnx_translation *t)
{
    tdestroy(t->layers, free);
    t->layers = NULL;
}
