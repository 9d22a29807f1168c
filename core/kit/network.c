/* Gradients of a network against differences of its loss. */
#include "kit/network.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 21
#define GROUPS 6 /* of parameters that are moved together */

/* The batch is in the network. */
typedef struct trial {
    tsr_network *network;
    size_t n; /* samples */
    const int32_t *labels;
} trial;

/* The parameters `first` to `last` - 1 are moved together along their gradient. */
typedef struct direction {
    size_t first, last;
    float *start, *along; /* of all parameters */
} direction;

static double loss_along(trial *t, const direction *d, double distance)
{
    const float *flat = tsr_network_flat(t->network).values;
    for (size_t i = d->first; i < d->last; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t->network, i);
        for (size_t k = 0; k < tensor->parameter.n; k++) {
            size_t at = (size_t)(tensor->values - flat) + k;
            tensor->values[k] = (float)((double)d->start[at] + distance * (double)d->along[at]);
        }
    }
    return tsr_network_gradient(t->network, t->n, t->labels, SEED, 1, NULL);
}

/* The slope that the gradient says; `along` becomes the gradient, made as long as 1. */
static double take_direction(trial *t, direction *d)
{
    const float *flat = tsr_network_flat(t->network).values;
    double square = 0;
    for (size_t i = d->first; i < d->last; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t->network, i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            square += (double)tensor->gradient[k] * (double)tensor->gradient[k];
    }
    double length = sqrt(square);
    for (size_t i = d->first; i < d->last && length > 0; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t->network, i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            d->along[(size_t)(tensor->values - flat) + k] = (float)((double)tensor->gradient[k] / length);
    }
    return length;
}

static tsr_status *wrong_slope(const trial *t, const direction *d, double slope, double difference)
{
    const char *first = tsr_network_tensor(t->network, d->first)->parameter.name,
               *last = tsr_network_tensor(t->network, d->last - 1)->parameter.name;
    bool one = d->last - d->first == 1;
    return tsr_fail(TSR_FAILED, "%s%s%s: %s that the loss rises by %g along %s, and the loss rises by %g",
                    first, one ? "" : " to ", one ? "" : last,
                    one ? "its gradient says" : "their gradients say", slope, one ? "it" : "them",
                    difference);
}

/* A difference is believed where halving its distance does not change it: across breakpoints it does. */
static tsr_status *check_direction(trial *t, direction *d)
{
    double at = loss_along(t, d, 0), slope = take_direction(t, d);
    double wide = NAN;
    tsr_status *status = NULL;
    for (double h = 0x1p-4; h >= 0x1p-11 && slope > 0; h /= 2) {
        double up = loss_along(t, d, h), down = loss_along(t, d, -h), rounding = 1e-6 * fabs(at) / h;
        double narrow = (up - down) / (2 * h), apart = fabs(up + down - 2 * at) / h;
        bool is_smooth = fabs(wide - narrow) <= 0.005 * fabs(narrow) + rounding &&
                         apart <= 0.02 * fabs(narrow) + 2 * rounding;
        if (is_smooth) {
            if (fabs(slope - narrow) > 0.02 * fabs(narrow) + rounding)
                status = wrong_slope(t, d, slope, narrow);
            break;
        }
        wide = narrow;
    }
    loss_along(t, d, 0);
    return status;
}

/* Few groups of parameters: each one's gradient alone is compared in its operator. */
tsr_status *tsr_kit_network_slopes(tsr_network *network, size_t n_samples, const int32_t *labels)
{
    trial all = { network, n_samples, labels }, *t = &all;
    tsr_flat flat = tsr_network_flat(t->network);
    size_t n = tsr_network_n_tensors(t->network), groups = n < GROUPS ? n : GROUPS;
    direction d = { .start = tsr_alloc(flat.count, sizeof(float)),
                    .along = tsr_alloc(flat.count, sizeof(float)) };
    tsr_status *status = d.start && d.along ? NULL : tsr_no_memory("a trial");
    if (!status)
        memcpy(d.start, flat.values, flat.count * sizeof(float));
    for (size_t i = 0; i < groups && !status; i++) {
        d.first = i * n / groups;
        d.last = (i + 1) * n / groups;
        status = check_direction(t, &d);
    }
    free(d.start);
    free(d.along);
    return status;
}
