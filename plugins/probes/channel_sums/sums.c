/* Sums of channels of a network's pre-activations. */
#include "sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* inputs held at a time */

/* The layers that the probe sees, and room for a block. */
typedef struct layers {
    const tsr_probing *probing;
    size_t n;
    size_t *number; /* in the network */
    size_t *first;  /* coordinate; first[n] is how many there are */
    size_t widest;  /* values of an input in the widest layer */
} layers;

static bool is_seen(const tsr_codes *codes, const char *name)
{
    for (size_t i = 0; i < codes->n_layers; i++)
        if (strcmp(codes->layers[i].name, name) == 0)
            return true;
    return codes->n_layers == 0;
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
        if (!is_seen(probing->train, info.name))
            continue;
        size_t values = info.units * info.positions;
        out->widest = values > out->widest ? values : out->widest;
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

static tsr_status *sum_part(const layers *l, tsr_part part, float *inputs, float *values, points *out)
{
    for (size_t row = 0; row < out->n; row += BLOCK) {
        size_t n = out->n - row < BLOCK ? out->n - row : BLOCK, index[BLOCK];
        for (size_t i = 0; i < n; i++)
            index[i] = row + i;
        TSR_TRY(tsr_probing_read(l->probing, part, TSR_INPUT_CLEAN, n, index, inputs, NULL));
        for (size_t i = 0; i < l->n; i++) {
            tsr_layer_info info = tsr_network_layer(l->probing->network, l->number[i]);
            TSR_TRY(tsr_network_values(l->probing->network, l->number[i], n, inputs, values));
            sum_channels(&info, n, values, out->d, out->x + row * out->d + l->first[i]);
        }
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

static float *floats(size_t a, size_t b)
{
    size_t n;
    return __builtin_mul_overflow(a, b, &n) ? NULL : calloc(n + 1, sizeof(float));
}

tsr_status *take_sums(const tsr_probing *probing, points *train, points *test)
{
    layers l;
    tsr_status *status = find_layers(probing, &l);
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    float *inputs = floats(size, BLOCK), *values = status ? NULL : floats(l.widest, BLOCK);
    if (!status) {
        *train = (points){ probing->train->n, l.first[l.n], floats(probing->train->n, l.first[l.n]) };
        *test = (points){ probing->test->n, l.first[l.n], floats(probing->test->n, l.first[l.n]) };
        if (!inputs || !values || !train->x || !test->x)
            status = tsr_fail(TSR_NO_MEMORY, "not enough memory for sums of channels");
    }
    if (!status)
        status = sum_part(&l, TSR_PART_TRAIN, inputs, values, train);
    if (!status)
        status = sum_part(&l, TSR_PART_TEST, inputs, values, test);
    for (size_t i = 0; !status && i < l.n; i++)
        divide_by_range(l.first[i], l.first[i + 1], train, test);
    free(inputs);
    free(values);
    clear_layers(&l);
    return status;
}
