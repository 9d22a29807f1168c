/* What every activation must hold. */
#include "kit/kit.h"

#include "base/memory.h"
#include "kit/array.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/activation.h>
#include <tessera/rng.h>

#define MOST 4096 /* units of a trial */
#define MAX_BREAKPOINTS 1024

/* A trial: random units, gradients for them, and room for what comes of it. */
typedef struct trial {
    const tsr_instance *instance;
    const tsr_activation_ops *ops;
    const void *self;
    size_t channels, n, n_breakpoints;
    float breakpoints[MAX_BREAKPOINTS];
    float x[MOST], dy[MOST], y[MOST], dx[MOST], learned[MOST], d_learned[MOST];
} trial;

typedef tsr_status *trial_function(trial *t, tsr_units units);

static const struct {
    size_t samples, channels, positions;
} layouts[] = { { 1, 1, 1 }, { 7, 33, 1 }, { 3, 5, 49 }, { 64, 17, 3 } };

static void fill(trial *t, tsr_units units)
{
    tsr_rng rng = tsr_rng_stream(11, TSR_FOR_DATA, units.channels);
    t->channels = units.channels;
    t->n = units.samples * units.channels * units.positions;
    tsr_rng_fill_uniform(&rng, t->n, t->x, -3, 3);
    tsr_rng_fill_uniform(&rng, t->n, t->dy, -1, 1);
    tsr_rng_fill_uniform(&rng, t->channels, t->learned, 0, 1);
    for (size_t i = 0; i < t->n; i++)
        t->y[i] = t->dx[i] = NAN;
    for (size_t i = 0; i < t->channels; i++)
        t->d_learned[i] = NAN;
}

/* Those that it declares; whether they are in order is another check's. */
static void take_breakpoints(trial *t)
{
    t->breakpoints[0] = 0;
    size_t n = t->ops->breakpoints ? t->ops->breakpoints(t->self, MAX_BREAKPOINTS, t->breakpoints) : 1;
    t->n_breakpoints = n < MAX_BREAKPOINTS ? n : MAX_BREAKPOINTS;
}

static tsr_status *in_each_layout(tsr_kit *kit, const tsr_instance *instance, trial_function *function)
{
    (void)kit;
    trial *t = tsr_alloc(1, sizeof(*t));
    if (!t)
        return tsr_no_memory("a trial");
    t->instance = instance;
    t->ops = tsr_instance_ops(instance);
    t->self = tsr_instance_self(instance);
    take_breakpoints(t);
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < sizeof(layouts) / sizeof(*layouts); i++) {
        tsr_units units = { .samples = layouts[i].samples,
                            .channels = layouts[i].channels,
                            .positions = layouts[i].positions,
                            .x = t->x,
                            .learned = t->ops->learned_name ? t->learned : NULL };
        fill(t, units);
        status = tsr_context(function(t, units), "%zu samples of %zu channels of %zu positions",
                             units.samples, units.channels, units.positions);
    }
    free(t);
    return status;
}

static tsr_status *with_instance(tsr_kit *kit, trial_function *function)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = in_each_layout(kit, instance, function);
    tsr_instance_free(instance);
    return status;
}

static void forward(const trial *t, const tsr_units *units, float *y)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(t->instance, TSR_CALL_FORWARD));
    t->ops->forward(t->self, units, y);
    tsr_guard_note(before);
}

static void backward(trial *t, tsr_units units, const float *dy, float *dx, float *d_learned)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(t->instance, TSR_CALL_BACKWARD));
    t->ops->backward(t->self, &units, dy, dx, t->ops->learned_name ? d_learned : NULL);
    tsr_guard_note(before);
}

static float value_at(const trial *t, float learned, float x)
{
    float y = NAN;
    tsr_units units = { .samples = 1,
                        .channels = 1,
                        .positions = 1,
                        .x = &x,
                        .learned = t->ops->learned_name ? &learned : NULL };
    forward(t, &units, &y);
    return y;
}

static tsr_status *all_finite(trial *t, tsr_units units)
{
    forward(t, &units, t->y);
    TSR_TRY(tsr_kit_finite(t->n, t->y, "forward", "its output"));
    backward(t, units, t->dy, t->dx, t->d_learned);
    TSR_TRY(tsr_kit_finite(t->n, t->dx, "backward", "dx"));
    return t->ops->learned_name ? tsr_kit_finite(t->channels, t->d_learned, "backward", "d_learned") : NULL;
}

static tsr_status *gives_numbers(tsr_kit *kit)
{
    return with_instance(kit, all_finite);
}

/* The arrays that it writes to, behind and before which stand fences. */
typedef struct fenced {
    tsr_kit_array y, dx, d_learned;
} fenced;

static tsr_status *write_within(trial *t, tsr_units units, fenced *arrays)
{
    TSR_TRY(tsr_kit_array_make(t->n, &arrays->y));
    TSR_TRY(tsr_kit_array_make(t->n, &arrays->dx));
    TSR_TRY(tsr_kit_array_make(t->channels, &arrays->d_learned));
    forward(t, &units, arrays->y.values);
    TSR_TRY(tsr_kit_array_check(&arrays->y, "forward", "its output"));
    backward(t, units, t->dy, arrays->dx.values, arrays->d_learned.values);
    TSR_TRY(tsr_kit_array_check(&arrays->dx, "backward", "dx"));
    return tsr_kit_array_check(&arrays->d_learned, "backward", "d_learned");
}

static tsr_status *writes_within(trial *t, tsr_units units)
{
    fenced arrays = { 0 };
    tsr_status *status = write_within(t, units, &arrays);
    tsr_kit_array_clear(&arrays.y);
    tsr_kit_array_clear(&arrays.dx);
    tsr_kit_array_clear(&arrays.d_learned);
    return status;
}

static tsr_status *keeps_within(tsr_kit *kit)
{
    return with_instance(kit, writes_within);
}

static tsr_status *forward_matches(trial *t, tsr_units units)
{
    forward(t, &units, t->y);
    for (size_t i = 0; i < t->n; i++) {
        float alone = value_at(t, t->learned[i / units.positions % t->channels], t->x[i]);
        if (!(fabsf(t->y[i] - alone) <= 1e-6f * (1 + fabsf(alone))))
            return tsr_fail(TSR_FAILED, "unit %zu, f(%g), is %g, and alone it is %g", i, (double)t->x[i],
                            (double)t->y[i], (double)alone);
    }
    return NULL;
}

static tsr_status *units_are_independent(tsr_kit *kit)
{
    return with_instance(kit, forward_matches);
}

/* Breakpoint number i of a unit whose channel has learned so much. */
static float breakpoint_at(const trial *t, float learned, size_t i)
{
    float at[MAX_BREAKPOINTS];
    if (!t->ops->learned_breakpoints || !t->ops->learned_name)
        return t->breakpoints[i];
    t->ops->learned_breakpoints(t->self, 1, &learned, at);
    return at[i];
}

/* How many breakpoints x is above. */
static size_t piece_of(const trial *t, float learned, float x)
{
    size_t piece = 0;
    for (size_t i = 0; i < t->n_breakpoints; i++)
        piece += x > breakpoint_at(t, learned, i);
    return piece;
}

/* The largest distance over which no breakpoint is crossed or touched; 0: none is worth it. */
static float free_distance(const trial *t, float learned, float x)
{
    float h = 0x1p-7f;
    for (size_t i = 0; i < t->n_breakpoints; i++)
        while (h >= 0x1p-12f && fabsf(x - breakpoint_at(t, learned, i)) <= h)
            h /= 2;
    return h >= 0x1p-12f ? h : 0;
}

static tsr_status *slopes_match(trial *t, tsr_units units)
{
    backward(t, units, t->dy, t->dx, t->d_learned);
    for (size_t i = 0; i < t->n; i++) {
        float learned = t->learned[i / units.positions % t->channels], x = t->x[i], h = free_distance(t, learned, x);
        double down = (double)value_at(t, learned, x - h), up = (double)value_at(t, learned, x + h);
        double at = (double)value_at(t, learned, x), slope = (double)t->dx[i] / (double)t->dy[i];
        if (h > 0 && !tsr_kit_slope_agrees(slope, down, at, up, (double)h, 1))
            return tsr_fail(TSR_FAILED,
                            "backward's derivative at x = %g is %g, and the function's is about %g",
                            (double)x, slope, (up - down) / (2 * (double)h));
    }
    return NULL;
}

static tsr_status *derivative_is_right(tsr_kit *kit)
{
    return with_instance(kit, slopes_match);
}

/* Units that a breakpoint passes when what is learned moves by h go a little further up. */
static void leave_breakpoints(trial *t, size_t positions, float h)
{
    for (size_t i = 0; i < t->n; i++) {
        float learned = t->learned[i / positions % t->channels];
        for (int tries = 0; tries < 64 && piece_of(t, learned - h, t->x[i]) != piece_of(t, learned + h, t->x[i]);
             tries++)
            t->x[i] += 4 * h;
    }
}

static tsr_status *learned_slopes_match(trial *t, tsr_units units)
{
    const float h = 0x1p-7f;
    leave_breakpoints(t, units.positions, h);
    backward(t, units, t->dy, t->dx, t->d_learned);
    for (size_t c = 0; c < t->channels; c++) {
        double down = 0, at = 0, up = 0, scale = 0;
        for (size_t i = 0; i < t->n; i++) {
            if (i / units.positions % t->channels != c)
                continue;
            double dy = (double)t->dy[i];
            down += dy * (double)value_at(t, t->learned[c] - h, t->x[i]);
            at += dy * (double)value_at(t, t->learned[c], t->x[i]);
            up += dy * (double)value_at(t, t->learned[c] + h, t->x[i]);
            scale += fabs(dy * (double)value_at(t, t->learned[c], t->x[i]));
        }
        if (!tsr_kit_slope_agrees((double)t->d_learned[c], down, at, up, (double)h, scale))
            return tsr_fail(
                TSR_FAILED,
                "channel %zu: backward's derivative by what is learned is %g, and the function's is "
                "about %g",
                c, (double)t->d_learned[c], (up - down) / (2 * (double)h));
    }
    return NULL;
}

static bool learns(tsr_kit *kit, const tsr_instance *instance)
{
    const tsr_activation_ops *ops = tsr_instance_ops(instance);
    if (!ops->learned_name)
        kit->skipped = "it learns nothing";
    return ops->learned_name != NULL;
}

static tsr_status *learned_derivative_is_right(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    const tsr_activation_ops *ops = tsr_instance_ops(instance);
    tsr_status *status = NULL;
    if (learns(kit, instance))
        status = in_each_layout(kit, instance, learned_slopes_match);
    if (!status && ops->learned_initial && !isfinite(ops->learned_initial(tsr_instance_self(instance))))
        status = tsr_fail(TSR_FAILED, "learned_initial gives %g, expected a finite number",
                          ops->learned_initial(tsr_instance_self(instance)));
    tsr_instance_free(instance);
    return status;
}

static tsr_status *aliases(trial *t, tsr_units units)
{
    backward(t, units, t->dy, t->dx, t->d_learned);
    backward(t, units, t->dy, t->dy, t->d_learned);
    return memcmp(t->dx, t->dy, t->n * sizeof(float)) == 0
               ? NULL
               : tsr_fail(TSR_FAILED,
                          "where dx is dy itself, backward gives something else; read dy[i] before "
                          "dx[i] is written, and never after");
}

static tsr_status *dx_may_be_dy(tsr_kit *kit)
{
    return with_instance(kit, aliases);
}

static tsr_status *passes_nan(trial *t, tsr_units units)
{
    for (size_t i = 0; i < t->n; i += 3)
        t->x[i] = NAN;
    forward(t, &units, t->y);
    for (size_t i = 0; i < t->n; i++)
        if (isnan(t->x[i]) != isnan(t->y[i]))
            return tsr_fail(TSR_FAILED, "f(%g) is %g; write x > 0 ? ... so that a NaN stays one",
                            (double)t->x[i], (double)t->y[i]);
    return NULL;
}

static tsr_status *divergence_stays_visible(tsr_kit *kit)
{
    return with_instance(kit, passes_nan);
}

static tsr_status *check_breakpoints(const tsr_activation_ops *ops, const void *self)
{
    float at[MAX_BREAKPOINTS + 1], part[1] = { NAN };
    size_t n = ops->breakpoints(self, 0, NULL);
    if (n > MAX_BREAKPOINTS)
        return tsr_fail(TSR_FAILED, "%zu breakpoints, expected at most %d", n, MAX_BREAKPOINTS);
    at[n] = NAN;
    if (n == 0)
        return NULL;
    if (ops->breakpoints(self, n, at) != n || ops->breakpoints(self, 1, part) != n)
        return tsr_fail(TSR_FAILED,
                        "their number changes with `capacity`; return how many there are, always");
    if (!isnan(at[n]) || memcmp(part, at, sizeof(float)) != 0)
        return tsr_fail(TSR_FAILED, "what is written is not the first `capacity` of them");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(at[i]) || (i && at[i] <= at[i - 1]))
            return tsr_fail(TSR_FAILED, "breakpoint %zu is %g, expected a finite number above the one before",
                            i, (double)at[i]);
    return NULL;
}

static tsr_status *breakpoints_ascend(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    const tsr_activation_ops *ops = tsr_instance_ops(instance);
    tsr_status *status = NULL;
    if (!ops->breakpoints)
        kit->skipped = "it has the one at 0";
    else
        status = check_breakpoints(ops, tsr_instance_self(instance));
    tsr_instance_free(instance);
    return status;
}

#define PIECE_TOLERANCE 1e-5

/* What `piece` says of a unit against what forward gave, relative to the terms. */
static tsr_status *check_piece(const trial *t, size_t i, size_t positions)
{
    float learned = t->ops->learned_name ? t->learned[i / positions % t->channels] : 0;
    double slope = NAN, offset = NAN, x = (double)t->x[i];
    size_t piece = piece_of(t, learned, t->x[i]);
    t->ops->piece(t->self, (double)learned, piece, &slope, &offset);
    double y = slope * x + offset, scale = 1 + fabs(slope * x) + fabs(offset);
    if (fabs(y - (double)t->y[i]) <= PIECE_TOLERANCE * scale)
        return NULL;
    return tsr_fail(TSR_FAILED, "f(%g) is %g, and piece %zu says %g x + %g, which is %g", x, (double)t->y[i],
                    piece, slope, offset, y);
}

static tsr_status *check_pieces(trial *t, tsr_units units)
{
    forward(t, &units, t->y);
    for (size_t i = 0; i < t->n; i++)
        TSR_TRY(check_piece(t, i, units.positions));
    return NULL;
}

static tsr_status *pieces_are_right(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    const tsr_activation_ops *ops = tsr_instance_ops(instance);
    tsr_status *status = NULL;
    if (!ops->piece)
        kit->skipped = "it tells no straight pieces";
    else
        status = in_each_layout(kit, instance, check_pieces);
    tsr_instance_free(instance);
    return status;
}

static const tsr_kit_check checks[] = {
    { "gives numbers", gives_numbers, 0, "numbers" },
    { "writes within the units that it is given", keeps_within, 0, "within" },
    { "gives a unit's value wherever the unit stands", units_are_independent, 0, "units" },
    { "has the derivative that differences show", derivative_is_right, 0, "gradient" },
    { "has the derivative by what it learns that differences show", learned_derivative_is_right, 0,
      "learned" },
    { "computes backward in place", dx_may_be_dy, 0, "in_place" },
    { "lets NaN through", divergence_stays_visible, 0, "nan" },
    { "has ascending breakpoints", breakpoints_ascend, 0, "breakpoints" },
    { "has the straight pieces that it tells", pieces_are_right, 0, "pieces" },
    { NULL, NULL, 0, NULL },
};

static uint64_t *stirred; /* of the one exercise that goes on in this process */

static tsr_status *stir_results(trial *t, tsr_units units)
{
    forward(t, &units, t->y);
    backward(t, units, t->dy, t->dx, t->d_learned);
    tsr_kit_stir(stirred, t->y, t->n * sizeof(float));
    tsr_kit_stir(stirred, t->dx, t->n * sizeof(float));
    if (t->ops->learned_name)
        tsr_kit_stir(stirred, t->d_learned, t->channels * sizeof(float));
    return NULL;
}

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    stirred = digest;
    return in_each_layout(kit, instance, stir_results);
}

const tsr_kit_kind tsr_kit_activation = { checks, exercise };
