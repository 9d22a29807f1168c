/* Data augmentation. Every pixel of the result looks up where it comes from, through the transforms in
   reverse. A stretch of a row has its places computed once for all channels. */
#include "data/augment.h"

#include "base/shape.h"

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
    float cosine, sine;
    float middle_row, middle_column;
    float down, right; /* pixels */
    bool flip;
} mapping;

bool tsr_augments(const tsr_augment_options *options)
{
    return options->rotate > 0 || options->shift > 0 || options->flip;
}

tsr_status *tsr_augment_check(tsr_shape shape)
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

/* Uniform within most of 0, either way. */
static double draw(tsr_rng *rng, double most)
{
    return most * (2 * tsr_rng_uniform(rng) - 1);
}

tsr_transform tsr_augment_draw(const tsr_augment_options *options, uint64_t seed, size_t epoch, size_t place)
{
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_AUGMENT, (uint64_t)epoch << 40 | place);
    tsr_transform transform;
    transform.degrees = draw(&rng, options->rotate);
    transform.down = draw(&rng, options->shift);
    transform.right = draw(&rng, options->shift);
    transform.flip = tsr_rng_uniform(&rng) < 0.5 && options->flip;
    return transform;
}

/* Quarter turns are exact, which M_PI is not. */
static void turn(double degrees, mapping *map)
{
    static const float sines[] = { 0, 1, 0, -1 };
    double quarters = degrees / 90;
    if (quarters == floor(quarters)) {
        int quarter = (int)(quarters - 4 * floor(quarters / 4));
        map->sine = sines[quarter];
        map->cosine = sines[(quarter + 1) % 4];
        return;
    }
    map->sine = (float)sin(degrees * M_PI / 180);
    map->cosine = (float)cos(degrees * M_PI / 180);
}

static mapping map_of(const tsr_transform *transform, tsr_maps shape)
{
    mapping map = { .middle_row = (float)(shape.h - 1) / 2,
                    .middle_column = (float)(shape.w - 1) / 2,
                    .down = (float)(transform->down * (double)shape.h),
                    .right = (float)(transform->right * (double)shape.w),
                    .flip = transform->flip };
    turn(transform->degrees, &map);
    return map;
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
    float last_row = (float)(shape.h - 1), last_column = (float)(shape.w - 1);
    float y = (float)row - map->middle_row - map->down;
    float row_part = fmaf(map->cosine, y, map->middle_row);
    float column_part = fmaf(-map->sine, y, map->middle_column);
    int32_t width = (int32_t)shape.w;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float column = (float)(int32_t)(first + i);
        column = map->flip ? last_column - column : column;
        float x = column - map->middle_column - map->right, top, left;
        out->below[i] = split(fmaf(map->sine, x, row_part), last_row, &top);
        out->beside[i] = split(fmaf(map->cosine, x, column_part), last_column, &left);
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

void tsr_augment_apply(const tsr_transform *transform, tsr_shape shape, const float *in, float *out)
{
    tsr_maps maps;
    tsr_shape_maps(shape, &maps);
    mapping map = map_of(transform, maps);
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
