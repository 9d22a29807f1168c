/* The shapes of inputs that models are tried on. */
#include "kit/shapes.h"

#include "base/guard.h"
#include "plugin/instance.h"

#include <tessera/model.h>

/* The kit's own; the last ones only where no other is taken. */
static const tsr_shape own_shapes[] = { { 1, { 40 } },         { 2, { 8, 12 } },     { 3, { 3, 8, 8 } },
                                        { 3, { 3, 32, 32 } },  { 3, { 1, 28, 28 } }, { 3, { 3, 64, 64 } },
                                        { 3, { 3, 224, 224 } } };
#define OWN_SHAPES (sizeof(own_shapes) / sizeof(*own_shapes))
#define COMMON_SHAPES 5

/* With the loss, where one is given. */
static tsr_status *build(const tsr_instance *model, const tsr_instance *loss, tsr_shape shape, int outputs,
                         tsr_network **out)
{
    tsr_guarded before = tsr_instance_enter(model, TSR_CALL_BUILD);
    tsr_status *status = tsr_network_new(model, shape, outputs, TSR_KIT_SEED, out);
    tsr_guard_leave(before);
    const tsr_network_loss_options options = { .loss = loss, .classes = outputs };
    if (!status && loss)
        tsr_network_set_loss(*out, &options);
    return status;
}

void tsr_kit_next_network(const tsr_kit *kit, const tsr_instance *model, const tsr_instance *loss,
                          size_t *next, bool is_first, tsr_network **network, tsr_shape *shape,
                          tsr_status **refused)
{
    tsr_shape said = { 0 }; /* where the model says none, the kit's own */
    int outputs = TSR_KIT_CLASSES;
    *network = NULL;
    *refused = tsr_model_sizes(model, &said, &outputs);
    if (*refused)
        return;
    bool own = kit->n_shapes == 0, fixed = own && said.n_dims > 0;
    const tsr_shape *shapes = fixed ? &said : own ? own_shapes : kit->shapes;
    size_t n = fixed ? 1 : own ? is_first ? OWN_SHAPES : COMMON_SHAPES : kit->n_shapes;
    while (*next < n && !*network) {
        tsr_status_free(*refused);
        *shape = shapes[(*next)++];
        *refused = build(model, loss, *shape, outputs, network);
        if (*refused && !own)
            return;
    }
}
