/* Batch normalisation of feature maps. A channel's maps of a whole batch fit in a core's cache, so each
   channel is a task: statistics, normalisation, addition and activation read memory once and write it once,
   and no sum crosses threads. What the activation gets is never stored: backward computes it again, piece by
   piece. */
#include "nn/kernels/norm_maps.h"

#include <math.h>
#include <tessera/multiversion.h>

#define PIECE 4096 /* floats of a map that go from step to step within the nearest cache */

/* Parameters and state, in the order of batch norm's setup. */
enum { SCALE, SHIFT, SLOPE };
enum { RUNNING_MEAN, RUNNING_VARIANCE };

/* --- along a piece --- */

TSR_MULTIVERSION_OF(float, sum, (size_t n, const float *restrict x), (n, x))
{
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

TSR_MULTIVERSION_OF(float, sum_squares, (size_t n, const float *restrict x, float centre), (n, x, centre))
{
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += (x[i] - centre) * (x[i] - centre);
    return total;
}

TSR_MULTIVERSION_OF(float, sum_products,
                    (size_t n, const float *restrict x, float centre, const float *restrict y),
                    (n, x, centre, y))
{
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += (x[i] - centre) * y[i];
    return total;
}

TSR_MULTIVERSION(normalise,
                 (size_t n, const float *restrict x, float mean, float factor, float shift,
                  float *restrict y),
                 (n, x, mean, factor, shift, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * factor + shift;
}

TSR_MULTIVERSION(normalise_and_add,
                 (size_t n, const float *restrict x, float mean, float factor, float shift,
                  const float *restrict beside, float *restrict y),
                 (n, x, mean, factor, shift, beside, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * factor + shift + beside[i];
}

/* dx = a dz + b (x - mean) + d; dx may be dz. */
TSR_MULTIVERSION(spread,
                 (size_t n, const float *dz, const float *restrict x, float mean, float a, float b, float d,
                  float *dx),
                 (n, dz, x, mean, a, b, d, dx))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = a * dz[i] + b * (x[i] - mean) + d;
}

/* --- a channel --- */

typedef struct channel {
    const tsr_pass *pass;
    const tsr_activation_config *activation; /* NULL: none */
    size_t c, positions;
    float mean, factor, shift;
} channel;

static channel channel_of(const tsr_pass *pass, size_t c)
{
    const tsr_batch_norm_config *config = pass->config;
    return (channel){ .pass = pass,
                      .activation = config->activation,
                      .c = c,
                      .positions = tsr_shape_positions(pass->shape),
                      .shift = pass->parameters[SHIFT][c] };
}

/* Where the channel's map of a sample begins. */
static size_t map_at(const channel *ch, size_t sample)
{
    return (sample * tsr_shape_channels(ch->pass->shape) + ch->c) * ch->positions;
}

/* The floats from `at` on, at most a piece of them, that are left of a map. */
static size_t piece_at(const channel *ch, size_t at)
{
    return ch->positions - at < PIECE ? ch->positions - at : PIECE;
}

typedef double piece_sum(const channel *ch, size_t start, size_t n);

static double plain_sum(const channel *ch, size_t start, size_t n)
{
    return (double)sum(n, ch->pass->inputs[0] + start);
}

static double square_sum(const channel *ch, size_t start, size_t n)
{
    return (double)sum_squares(n, ch->pass->inputs[0] + start, ch->mean);
}

static double sum_of_pieces(const channel *ch, piece_sum *of)
{
    double total = 0;
    for (size_t s = 0; s < ch->pass->n; s++)
        for (size_t at = 0; at < ch->positions; at += PIECE)
            total += of(ch, map_at(ch, s) + at, piece_at(ch, at));
    return total;
}

/* The batch's mean and variance (divided by n); the running ones move towards them, the variance towards the
   unbiased estimate (divided by n - 1), as PyTorch does. Returns the variance. */
static float measure(channel *ch)
{
    double n = (double)ch->pass->n * (double)ch->positions, unbiased = n > 1 ? n / (n - 1) : 1;
    double keep = ch->pass->constants[TSR_NORM_MOMENTUM], take = 1 - keep;
    float *running_mean = &ch->pass->state[RUNNING_MEAN][ch->c];
    float *running_variance = &ch->pass->state[RUNNING_VARIANCE][ch->c];
    ch->mean = (float)(sum_of_pieces(ch, plain_sum) / n);
    double variance = sum_of_pieces(ch, square_sum) / n;
    *running_mean = (float)(keep * (double)*running_mean + take * (double)ch->mean);
    *running_variance = (float)(keep * (double)*running_variance + take * unbiased * variance);
    return (float)variance;
}

static void normalise_piece(const channel *ch, size_t start, size_t n, float *y)
{
    const tsr_pass *pass = ch->pass;
    const float *x = pass->inputs[0] + start;
    if (pass->n_inputs > 1)
        normalise_and_add(n, x, ch->mean, ch->factor, ch->shift, pass->inputs[1] + start, y);
    else
        normalise(n, x, ch->mean, ch->factor, ch->shift, y);
}

static tsr_units units_of(const channel *ch, size_t n, const float *x)
{
    bool learns = ch->activation->ops->learned_name != NULL;
    return (tsr_units){ .samples = 1,
                        .channels = 1,
                        .positions = n,
                        .x = x,
                        .learned = learns ? ch->pass->parameters[SLOPE] + ch->c : NULL };
}

static void write_piece(const channel *ch, size_t start, size_t n)
{
    float *y = ch->pass->output + start;
    if (!ch->activation) {
        normalise_piece(ch, start, n, y);
        return;
    }
    _Alignas(64) float x[PIECE];
    normalise_piece(ch, start, n, x);
    tsr_units units = units_of(ch, n, x);
    ch->activation->ops->forward(ch->activation->self, &units, y);
}

static void forward_channel(const tsr_pass *pass, size_t c)
{
    channel ch = channel_of(pass, c);
    float variance;
    if (pass->training) {
        variance = measure(&ch);
    } else {
        ch.mean = pass->state[RUNNING_MEAN][c];
        variance = pass->state[RUNNING_VARIANCE][c];
    }
    float inverse = 1.0f / sqrtf(variance + (float)pass->constants[TSR_NORM_EPSILON]);
    if (pass->training) {
        pass->saved[c] = ch.mean;
        pass->saved[tsr_shape_channels(pass->shape) + c] = inverse;
    }
    ch.factor = inverse * pass->parameters[SCALE][c];
    for (size_t s = 0; s < pass->n; s++)
        for (size_t at = 0; at < ch.positions; at += PIECE)
            write_piece(&ch, map_at(&ch, s) + at, piece_at(&ch, at));
}

void tsr_norm_maps_forward(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), floats = pass->n * tsr_shape_size(pass->shape);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(floats))
    for (size_t c = 0; c < channels; c++)
        forward_channel(pass, c);
}

/* --- backward --- */

typedef struct channel_sums {
    double gradient, product, slope; /* of dz, dz (x - mean), and the activation's own */
} channel_sums;

/* dz, the gradient before the activation, of a piece: written where `kept` says, or as it comes where nothing
   is between. */
static const float *gradient_of_piece(const channel *ch, size_t start, size_t n, float *kept,
                                      channel_sums *sums)
{
    const tsr_pass *pass = ch->pass;
    const float *dy = pass->output_gradient + start;
    if (!ch->activation)
        return dy;
    _Alignas(64) float x[PIECE];
    normalise_piece(ch, start, n, x);
    tsr_units units = units_of(ch, n, x);
    float slope = 0;
    ch->activation->ops->backward(ch->activation->self, &units, dy, kept, units.learned ? &slope : NULL);
    sums->slope += (double)slope;
    return kept;
}

/* Where a channel's dz is kept until its sums are known: the gradient of what was added is dz, else dx's room
   will do. Room for one piece at the worst: nothing before wants a gradient. */
static float *capacity_for(const tsr_pass *pass, size_t start, float *spare)
{
    float *beside = pass->n_inputs > 1 ? pass->input_gradients[1] : NULL;
    float *own = pass->input_gradients[0];
    return beside ? beside + start : own ? own + start : spare;
}

static channel_sums sum_channel(const channel *ch)
{
    const tsr_pass *pass = ch->pass;
    _Alignas(64) float spare[PIECE];
    channel_sums sums = { 0 };
    for (size_t s = 0; s < pass->n; s++)
        for (size_t at = 0; at < ch->positions; at += PIECE) {
            size_t start = map_at(ch, s) + at, n = piece_at(ch, at);
            const float *dz = gradient_of_piece(ch, start, n, capacity_for(pass, start, spare), &sums);
            sums.gradient += (double)sum(n, dz);
            sums.product += (double)sum_products(n, pass->inputs[0] + start, ch->mean, dz);
        }
    return sums;
}

/* dx = scale / deviation (dz - mean(dz) - x^ mean(dz x^)), where x^ = (x - mean) / deviation; written as
   a dz + b (x - mean) + d. */
static void spread_channel(const channel *ch, float a, float b, float d)
{
    const tsr_pass *pass = ch->pass;
    for (size_t s = 0; s < pass->n; s++) {
        size_t start = map_at(ch, s);
        const float *dz = ch->activation ? capacity_for(pass, start, NULL) : pass->output_gradient + start;
        spread(ch->positions, dz, pass->inputs[0] + start, ch->mean, a, b, d,
               pass->input_gradients[0] + start);
    }
}

static void backward_channel(const tsr_pass *pass, size_t c)
{
    channel ch = channel_of(pass, c);
    float inverse = pass->saved[tsr_shape_channels(pass->shape) + c],
          n = (float)pass->n * (float)ch.positions;
    ch.mean = pass->saved[c];
    ch.factor = inverse * pass->parameters[SCALE][c];
    channel_sums sums = sum_channel(&ch);
    float d_shift = (float)sums.gradient, d_scale = (float)sums.product * inverse;
    pass->parameter_gradients[SHIFT][c] = d_shift;
    pass->parameter_gradients[SCALE][c] = d_scale;
    if (ch.activation && ch.activation->ops->learned_name)
        pass->parameter_gradients[SLOPE][c] = (float)sums.slope;
    if (pass->input_gradients[0])
        spread_channel(&ch, ch.factor, -ch.factor * inverse * d_scale / n, -ch.factor * d_shift / n);
}

void tsr_norm_maps_backward(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), floats = pass->n * tsr_shape_size(pass->shape);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(floats))
    for (size_t c = 0; c < channels; c++)
        backward_channel(pass, c);
}
