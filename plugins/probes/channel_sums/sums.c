/* Sums of channels of a network's pre-activations. */
#include "sums.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define BLOCK 64 /* inputs held at a time */

/* The layers that the probe sees. */
typedef struct layers {
    const tsr_probing *probing;
    size_t n;
    size_t *number; /* in the network */
    size_t *first;  /* coordinate; first[n] is how many there are */
} layers;

/* Whether layer `number` of the network is among those of the codes; all are where these have none. */
static bool is_seen(const tsr_probing *probing, size_t number)
{
    for (size_t i = 0; i < probing->train->n_layers; i++)
        if (tsr_probing_layer(probing, i) == number)
            return true;
    return probing->train->n_layers == 0;
}

static tsr_status *find_layers(const tsr_probing *probing, layers *out)
{
    size_t all = tsr_network_n_layers(probing->network);
    *out = (layers){ .probing = probing,
                     .number = calloc(all + 1, sizeof(size_t)),
                     .first = calloc(all + 1, sizeof(size_t)) };
    if (!out->number || !out->first)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for sums of channels");
    for (size_t i = 0; i < all; i++) {
        tsr_layer_info info = tsr_network_layer(probing->network, i);
        if (!is_seen(probing, i))
            continue;
        out->number[out->n] = i;
        out->first[out->n + 1] = out->first[out->n] + info.channels;
        out->n++;
    }
    return NULL;
}

static void clear_layers(layers *l)
{
    free(l->number);
    free(l->first);
}

void sum_channels(const tsr_layer_info *info, size_t n, const float *values, size_t row, float *out)
{
    size_t each = info->units * info->positions / info->channels;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < info->channels; c++) {
            double sum = 0;
            for (size_t j = 0; j < each; j++) {
                float value = *values++;
                sum += value > 0 || isnan(value) ? (double)value : 0;
            }
            out[i * row + c] = (float)sum;
        }
}

/* Where the sums of a block go. */
typedef struct block {
    const layers *layers;
    const points *out;
    size_t row; /* of its first input */
} block;

static void sum_layer(void *context, const tsr_layer_values *values)
{
    const block *b = context;
    const layers *l = b->layers;
    for (size_t i = 0; i < l->n; i++)
        if (l->number[i] == values->number) {
            tsr_layer_info info = tsr_network_layer(l->probing->network, values->number);
            float *row = b->out->x + (b->row + values->first) * b->out->d;
            sum_channels(&info, values->n, values->x, b->out->d, row + l->first[i]);
        }
}

static tsr_status *sum_part(const layers *l, tsr_part part, float *inputs, points *out)
{
    for (size_t row = 0; row < out->n; row += BLOCK) {
        size_t n = out->n - row < BLOCK ? out->n - row : BLOCK, index[BLOCK];
        for (size_t i = 0; i < n; i++)
            index[i] = row + i;
        TSR_TRY(tsr_probing_read(l->probing, part, TSR_INPUT_CLEAN, n, index, inputs, NULL));
        TSR_TRY(
            tsr_network_see(l->probing->network, n, inputs, sum_layer, &(block){ l, out, row }, NULL, NULL));
    }
    return NULL;
}

void divide_by_range(size_t first, size_t end, const points *train, const points *test)
{
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < train->n; i++)
        for (size_t j = first; j < end; j++) {
            least = fminf(least, train->x[i * train->d + j]);
            most = fmaxf(most, train->x[i * train->d + j]);
        }
    const points *const both[] = { train, test };
    for (size_t p = 0; most > least && p < 2; p++)
        for (size_t i = 0; i < both[p]->n; i++)
            for (size_t j = first; j < end; j++)
                both[p]->x[i * both[p]->d + j] /= most - least;
}

bool is_finite(const points *p)
{
    bool finite = true;
    for (size_t i = 0; i < p->n * p->d; i++)
        finite = finite && isfinite(p->x[i]);
    return finite;
}

bool can_be_squared(const points *p)
{
    double most =
        sqrt((double)FLT_MAX / 4 / ((double)p->d + 1)); /* of a coordinate; distances are up to twice that */
    bool fits = true;
    for (size_t i = 0; i < p->n * p->d; i++)
        fits = fits && fabs((double)p->x[i]) <= most;
    return fits;
}

static float *floats(size_t a, size_t b)
{
    size_t n;
    return __builtin_mul_overflow(a, b, &n) ? NULL : calloc(n ? n : 1, sizeof(float));
}

tsr_status *take_sums(const tsr_probing *probing, points *train, points *test)
{
    layers l;
    tsr_status *status = find_layers(probing, &l);
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    float *inputs = floats(size, BLOCK);
    if (!status) {
        *train = (points){ probing->train->n, l.first[l.n], floats(probing->train->n, l.first[l.n]) };
        *test = (points){ probing->test->n, l.first[l.n], floats(probing->test->n, l.first[l.n]) };
        if (!inputs || !train->x || !test->x)
            status = tsr_fail(TSR_NO_MEMORY, "not enough memory for sums of channels");
    }
    if (!status)
        status = sum_part(&l, TSR_PART_TRAIN, inputs, train);
    if (!status)
        status = sum_part(&l, TSR_PART_TEST, inputs, test);
    for (size_t i = 0; !status && i < l.n; i++)
        divide_by_range(l.first[i], l.first[i + 1], train, test);
    free(inputs);
    clear_layers(&l);
    return status;
}
