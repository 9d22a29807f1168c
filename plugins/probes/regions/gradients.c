/* The gradients of the first layer's values, which are the same for every input where only affine operators
   come before it: slopes along the axes, and how long they are. */
#include "regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* axes that are followed together, at most */

typedef struct axes {
    tsr_network *network;
    size_t size, values, block; /* of an input; of the first layer; axes that are followed together */
    double *origin;             /* some input: at one with ties, what bends might not show */
    double *squares;            /* blocks x values: of the slopes along the block's axes */
    bool *bent;                 /* of each block: a piece ends before the first layer */
} axes;

static tsr_status *follow_axes(const axes *a, size_t number, size_t n, double *origins, double *directions)
{
    tsr_lines *lines;
    for (size_t i = 0; i < n; i++) {
        memcpy(origins + i * a->size, a->origin, a->size * sizeof(double));
        directions[i * a->size + number * a->block + i] = 1;
    }
    TSR_TRY(tsr_lines_new_to_layer(a->network, 0, n, origins, directions, &lines));
    const double *slopes = tsr_lines_slopes(lines, 0);
    for (size_t i = 0; i < n; i++) {
        a->bent[number] |= isfinite(tsr_lines_next(lines)[i]);
        for (size_t v = 0; v < a->values; v++)
            a->squares[number * a->values + v] += slopes[i * a->values + v] * slopes[i * a->values + v];
    }
    tsr_status *status = tsr_lines_turn(lines);
    for (size_t i = 0; !status && i < n; i++)
        a->bent[number] |= isfinite(tsr_lines_next(lines)[i]);
    tsr_lines_free(lines);
    return status;
}

static tsr_status *measure_block(void *context, size_t number)
{
    const axes *a = context;
    size_t left = a->size - number * a->block, n = left < a->block ? left : a->block;
    double *origins = calloc(n, a->size * sizeof(double)), *directions = calloc(n, a->size * sizeof(double));
    tsr_status *status = origins && directions
                             ? follow_axes(a, number, n, origins, directions)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu lines", n);
    free(origins);
    free(directions);
    return status;
}

/* The blocks' squares added up into the first. */
static bool add_up(const axes *a, size_t blocks)
{
    bool bent = false;
    for (size_t b = 0; b < blocks; b++) {
        bent |= a->bent[b];
        for (size_t v = 0; b && v < a->values; v++)
            a->squares[v] += a->squares[b * a->values + v];
    }
    for (size_t v = 0; v < a->values; v++)
        a->squares[v] = sqrt(a->squares[v]);
    return !bent;
}

tsr_status *regions_gradients(const tsr_probing *probing, double **out)
{
    tsr_layer_info layer = tsr_network_layer(probing->network, 0);
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    axes a = { .network = probing->network,
               .size = size,
               .values = layer.units * layer.positions,
               .block = lines_at_once(probing->network, BLOCK) };
    size_t blocks = (size + a.block - 1) / a.block;
    bool fits = a.values <= SIZE_MAX / sizeof(double) / blocks;
    tsr_rng rng = probing->rng;
    *out = NULL;
    a.squares = fits ? calloc(blocks, a.values * sizeof(double)) : NULL;
    a.origin = calloc(size, sizeof(double));
    a.bent = calloc(blocks, sizeof(bool));
    tsr_status *status = NULL;
    if (!a.squares || !a.origin || !a.bent)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for the gradients of %zu values", a.values);
    for (size_t j = 0; !status && j < size; j++)
        a.origin[j] = tsr_rng_normal(&rng);
    if (!status)
        status = regions_share(blocks, SIZE_MAX, measure_block, &a);
    if (!status && add_up(&a, blocks)) {
        *out = a.squares;
        a.squares = NULL;
    }
    free(a.squares);
    free(a.origin);
    free(a.bent);
    return status;
}
