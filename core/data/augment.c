/* Data augmentation. Every pixel of an image that is placed anew looks up where it comes from. A stretch of a
   row has its places computed once for all channels. */
#include "data/augment.h"

#include "base/guard.h"
#include "base/shape.h"
#include "plugin/instance.h"

#include <math.h>
#include <tessera/multiversion.h>

#define STRETCH 64
#define MAX_SIDE 32768 /* a place in a plane fits an int32_t */

/* Where the pixels of a stretch come from: each lies among four, `at` and its right and lower neighbours. */
typedef struct places {
    int32_t at[STRETCH];
    float below[STRETCH], beside[STRETCH]; /* from it, 0 to 1 */
} places;

/* From the row and column of a result's pixel to those of its source. */
typedef struct mapping {
    tsr_placement placement;
    float middle_row, middle_column;
} mapping;

static bool is_idle(const tsr_instance *augmentation)
{
    const tsr_augmentation_ops *ops = tsr_instance_ops(augmentation);
    if (!ops->is_idle)
        return false;
    tsr_guarded before = tsr_instance_enter(augmentation, TSR_CALL_IS_IDLE);
    bool idle = ops->is_idle(tsr_instance_self(augmentation));
    tsr_guard_leave(before);
    return idle;
}

bool tsr_augments(const tsr_augmentations *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (!is_idle(all->instances[i]))
            return true;
    return false;
}

/* An index holds 16 bits of the epoch beside the place; what is above changes the seed. */
tsr_rng tsr_augment_stream(uint64_t seed, size_t epoch, size_t place)
{
    uint64_t above = (uint64_t)epoch >> 16, low = (uint64_t)epoch & 0xffff;
    return tsr_rng_stream(seed ^ above * UINT64_C(0x9e3779b97f4a7c15), TSR_FOR_AUGMENT, low << 40 | place);
}

static tsr_status *check_image(tsr_shape shape)
{
    tsr_maps maps;
    char text[TSR_SHAPE_TEXT];
    if (tsr_shape_maps(shape, &maps) && maps.h >= 2 && maps.w >= 2 && maps.h <= MAX_SIDE &&
        maps.w <= MAX_SIDE)
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "samples of shape %s cannot be augmented, expected images with sides of 2 to %d pixels",
                    tsr_shape_format(shape, text, sizeof(text)), MAX_SIDE);
}

static tsr_status *check_one(const tsr_instance *augmentation, tsr_shape shape)
{
    const tsr_augmentation_ops *ops = tsr_instance_ops(augmentation);
    if (!ops->place && !ops->change)
        return tsr_fail(TSR_REFUSED, "has neither place nor change, expected one of them");
    if (ops->place)
        TSR_TRY(check_image(shape));
    if (!ops->check)
        return NULL;
    tsr_guarded before = tsr_instance_enter(augmentation, TSR_CALL_CHECK);
    tsr_status *status = ops->check(tsr_instance_self(augmentation), shape);
    tsr_guard_leave(before);
    return status;
}

/* Idle ones draw too, where any is not: they are checked after those that messages should name. */
tsr_status *tsr_augment_check(const tsr_augmentations *all, tsr_shape shape)
{
    for (int idle = 0; idle <= 1 && tsr_augments(all); idle++)
        for (size_t i = 0; i < all->n; i++)
            if (is_idle(all->instances[i]) == idle)
                TSR_TRY(tsr_context(check_one(all->instances[i], shape), "augmentation %s",
                                    tsr_instance_name(all->instances[i])));
    return NULL;
}

/* The pixel before or at `where`, and how far beyond it that lies. The last pixel is the one beside the last
   but one, so that there is always one more. */
static inline float split(float where, float last, float *whole)
{
    where = where > 0 ? where : 0;
    where = where < last ? where : last;
    float below = (float)(int32_t)where;
    *whole = below < last ? below : last - 1;
    return where - *whole;
}

/* Multiplications and additions are fused by name, so that no compiler's choice shows. */
TSR_MULTIVERSION(find_places,
                 (const mapping *map, tsr_maps shape, size_t row, size_t first, size_t n, places *out),
                 (map, shape, row, first, n, out))
{
    const tsr_placement *placement = &map->placement;
    float last_row = (float)(shape.h - 1), last_column = (float)(shape.w - 1);
    float y = (float)row - map->middle_row - placement->down;
    float row_part = fmaf(placement->matrix[0][0], y, map->middle_row);
    float column_part = fmaf(placement->matrix[1][0], y, map->middle_column);
    float row_by_x = placement->matrix[0][1], column_by_x = placement->matrix[1][1];
    int32_t width = (int32_t)shape.w;
    bool mirror = placement->mirror;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float column = (float)(int32_t)(first + i);
        column = mirror ? last_column - column : column;
        float x = column - map->middle_column - placement->right, top, left;
        out->below[i] = split(fmaf(row_by_x, x, row_part), last_row, &top);
        out->beside[i] = split(fmaf(column_by_x, x, column_part), last_column, &left);
        out->at[i] = (int32_t)top * width + (int32_t)left;
    }
}

/* a for 0, b for 1, to the last bit. */
static inline float between(float a, float b, float part)
{
    return fmaf(part, b, fmaf(-part, a, a));
}

TSR_MULTIVERSION(fetch,
                 (const places *from, size_t n, size_t width, const float *restrict plane,
                  float *restrict out),
                 (from, n, width, plane, out))
{
    const float *restrict lower = plane + width;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        int32_t at = from->at[i];
        float upper_value = between(plane[at], plane[at + 1], from->beside[i]);
        float lower_value = between(lower[at], lower[at + 1], from->beside[i]);
        out[i] = between(upper_value, lower_value, from->below[i]);
    }
}

void tsr_place_image(const tsr_placement *placement, tsr_shape shape, const float *in, float *out)
{
    tsr_maps maps;
    tsr_shape_maps(shape, &maps);
    const mapping map = { .placement = *placement,
                          .middle_row = (float)(maps.h - 1) / 2,
                          .middle_column = (float)(maps.w - 1) / 2 };
    size_t plane = maps.h * maps.w;
    for (size_t row = 0; row < maps.h; row++)
        for (size_t first = 0; first < maps.w; first += STRETCH) {
            size_t n = maps.w - first < STRETCH ? maps.w - first : STRETCH;
            places from;
            find_places(&map, maps, row, first, n, &from);
            for (size_t c = 0; c < maps.c; c++)
                fetch(&from, n, maps.w, in + c * plane, out + c * plane + row * maps.w + first);
        }
}

static const tsr_placement as_it_is = { .matrix = { { 1, 0 }, { 0, 1 } } };

/* An example on its way through the augmentations. */
typedef struct journey {
    tsr_shape shape;
    const float *now; /* what it is by now */
    float *buffers[2];
    size_t n; /* changes done */
    tsr_placement placement;
    bool placed; /* the placement is still to be done */
} journey;

static float *next_buffer(journey *j)
{
    return j->buffers[j->n++ % 2];
}

static void do_placement(journey *j)
{
    float *out = next_buffer(j);
    tsr_place_image(&j->placement, j->shape, j->now, out);
    j->now = out;
    j->placement = as_it_is;
    j->placed = false;
}

static void do_one(journey *j, const tsr_instance *augmentation, tsr_rng *rng)
{
    const tsr_augmentation_ops *ops = tsr_instance_ops(augmentation);
    const void *self = tsr_instance_self(augmentation);
    if (ops->place) {
        tsr_call before = tsr_guard_note(tsr_instance_call(augmentation, TSR_CALL_PLACE));
        ops->place(self, rng, j->shape, &j->placement);
        tsr_guard_note(before);
        j->placed = true;
    }
    if (!ops->change)
        return;
    if (j->placed)
        do_placement(j);
    float *out = next_buffer(j);
    tsr_call before = tsr_guard_note(tsr_instance_call(augmentation, TSR_CALL_CHANGE));
    ops->change(self, rng, j->shape, j->now, out);
    tsr_guard_note(before);
    j->now = out;
}

/* Times that the values are written anew. */
static size_t count_passes(const tsr_augmentations *all)
{
    size_t n = 0;
    bool placed = false;
    for (size_t i = 0; i < all->n; i++) {
        const tsr_augmentation_ops *ops = tsr_instance_ops(all->instances[i]);
        placed = placed || ops->place;
        if (ops->change) {
            n += 1 + placed;
            placed = false;
        }
    }
    return n + placed;
}

void tsr_augment(const tsr_augmentations *all, tsr_shape shape, tsr_rng *rng, const float *in, float *scratch,
                 float *out)
{
    bool odd = count_passes(all) % 2; /* the last pass writes to `out` */
    journey j = { .shape = shape,
                  .now = in,
                  .buffers = { odd ? out : scratch, odd ? scratch : out },
                  .placement = as_it_is };
    for (size_t i = 0; i < all->n; i++)
        do_one(&j, all->instances[i], rng);
    if (j.placed)
        do_placement(&j);
}
