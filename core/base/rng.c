/* Philox4x32-10 as a sequential generator over one stream of its counter space: the counter holds the
   block number, the purpose and the index, the key holds the seed. */
#include <tessera/rng.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>
#include <tessera/plugin.h>

#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
#define ROUNDS 10
#define BLOCK 4
#define LANES 16 /* blocks that are made side by side */
#define PIECE 1024

/* Two streams would be one, and results wrong without a word. */
static void refuse_stream(tsr_purpose purpose, uint64_t index)
{
    char text[160];
    snprintf(text, sizeof(text),
             "tsr_rng_stream: purpose %d, index %llu; expected a purpose of 1 to %d and an index of at most "
             "%d bits",
             (int)purpose, (unsigned long long)index, TSR_LAST_PURPOSE, TSR_INDEX_BITS);
    fprintf(stderr, "%s\n", text);
    tsr_thrown(text);
    abort();
}

tsr_rng tsr_rng_stream(uint64_t seed, tsr_purpose purpose, uint64_t index)
{
    if (index >> TSR_INDEX_BITS || (int)purpose < 1 || (int)purpose > TSR_LAST_PURPOSE)
        refuse_stream(purpose, index);
    /* The purpose shares a word with the index's top bits: 8 bits for it leave 56 for the index. */
    return (tsr_rng){
        .key = { (uint32_t)seed, (uint32_t)(seed >> 32) },
        .counter = { 0, 0, (uint32_t)index, (uint32_t)(index >> 32) ^ ((uint32_t)purpose << 24) },
        .used = BLOCK,
    };
}

static void next_block(tsr_rng *rng)
{
    uint32_t c0 = rng->counter[0], c1 = rng->counter[1], c2 = rng->counter[2], c3 = rng->counter[3];
    uint32_t k0 = rng->key[0], k1 = rng->key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    rng->block[0] = c0;
    rng->block[1] = c1;
    rng->block[2] = c2;
    rng->block[3] = c3;
    rng->used = 0;
    if (++rng->counter[0] == 0)
        rng->counter[1]++;
}

uint32_t tsr_rng_u32(tsr_rng *rng)
{
    if (rng->used == BLOCK)
        next_block(rng);
    return rng->block[rng->used++];
}

/* The next LANES blocks, all at once: next_block in vectors. */
TSR_MULTIVERSION(many_blocks, (const tsr_rng *rng, uint32_t *restrict out), (rng, out))
{
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k0 = rng->key[0], k1 = rng->key[1];
    for (uint32_t i = 0; i < LANES; i++) {
        c0[i] = rng->counter[0] + i;
        c1[i] = rng->counter[1] + (c0[i] < i);
        c2[i] = rng->counter[2];
        c3[i] = rng->counter[3];
    }
    for (int round = 0; round < ROUNDS; round++) {
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) {
            uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0[i], p1 = (uint64_t)MULTIPLIER_1 * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c1[i] = (uint32_t)p1;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c3[i] = (uint32_t)p0;
        }
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    for (size_t i = 0; i < LANES; i++) {
        out[BLOCK * i] = c0[i];
        out[BLOCK * i + 1] = c1[i];
        out[BLOCK * i + 2] = c2[i];
        out[BLOCK * i + 3] = c3[i];
    }
}

static void skip_blocks(tsr_rng *rng, uint64_t n)
{
    uint64_t at = ((uint64_t)rng->counter[1] << 32 | rng->counter[0]) + n;
    rng->counter[0] = (uint32_t)at;
    rng->counter[1] = (uint32_t)(at >> 32);
}

void tsr_rng_skip(tsr_rng *rng, uint64_t n)
{
    uint64_t ready = BLOCK - rng->used;
    if (n <= ready) {
        rng->used += (uint32_t)n;
        return;
    }
    skip_blocks(rng, (n - ready) / BLOCK);
    rng->used = BLOCK;
    for (uint64_t left = (n - ready) % BLOCK; left; left--)
        tsr_rng_u32(rng);
}

void tsr_rng_fill_u32(tsr_rng *rng, size_t n, uint32_t *out)
{
    for (; n && rng->used < BLOCK; n--)
        *out++ = tsr_rng_u32(rng);
    for (; n >= LANES * BLOCK; n -= LANES * BLOCK, out += LANES * BLOCK) {
        many_blocks(rng, out);
        skip_blocks(rng, LANES);
    }
    for (; n; n--)
        *out++ = tsr_rng_u32(rng);
}

uint64_t tsr_rng_u64(tsr_rng *rng)
{
    uint64_t high = tsr_rng_u32(rng);
    return high << 32 | tsr_rng_u32(rng);
}

uint64_t tsr_rng_below(tsr_rng *rng, uint64_t n)
{
    if (n == 0)
        return 0;
    unsigned __int128 product = (unsigned __int128)tsr_rng_u64(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold)
            product = (unsigned __int128)tsr_rng_u64(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

double tsr_rng_uniform(tsr_rng *rng)
{
    return (double)(tsr_rng_u64(rng) >> 11) * 0x1p-53;
}

double tsr_rng_normal(tsr_rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - tsr_rng_uniform(rng)));
    return radius * cos(6.283185307179586 * tsr_rng_uniform(rng));
}

void tsr_rng_fill_uniform(tsr_rng *rng, size_t n, float *out, float low, float high)
{
    uint32_t drawn[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t now = n - i < PIECE ? n - i : PIECE;
        tsr_rng_fill_u32(rng, now, drawn);
        for (size_t k = 0; k < now; k++)
            out[i + k] = low + (high - low) * ((float)(drawn[k] >> 8) * 0x1p-24f);
    }
}

/* Logarithm, sine and cosine as in the Cephes library (Moshier 1989), without branches so that they go in
   vectors. ln x for x in (0, 1]: the exponent times ln 2 and a polynomial of the rest, which lies around 1.
 */
static inline float logarithm(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int32_t exponent = (bits - 0x3f3504f3) >> 23; /* of x relative to sqrt(1/2) */
    int32_t rest = bits - exponent * (1 << 23);
    float m, e = (float)exponent;
    memcpy(&m, &rest, sizeof(m));
    float t = m - 1, square = t * t;
    float y = 7.0376836292e-2f;
    y = y * t - 1.1514610310e-1f;
    y = y * t + 1.1676998740e-1f;
    y = y * t - 1.2420140846e-1f;
    y = y * t + 1.4249322787e-1f;
    y = y * t - 1.6668057665e-1f;
    y = y * t + 2.0000714765e-1f;
    y = y * t - 2.4999993993e-1f;
    y = y * t + 3.3333331174e-1f;
    y = y * t * square - 2.12194440e-4f * e - 0.5f * square;
    return t + y + 0.693359375f * e;
}

/* Pairs of numbers from pairs of bits: a radius from the first, from the second a quarter of the circle (two
   bits) and the angle in it (22), from -pi/4 to pi/4. */
TSR_MULTIVERSION(make_normals, (size_t pairs, const uint32_t *restrict bits, float *restrict out),
                 (pairs, bits, out))
{
#pragma omp simd
    for (size_t i = 0; i < pairs; i++) {
        float uniform = (float)((bits[2 * i] >> 8) + 1) * 0x1p-24f;
        float radius = sqrtf(-2 * logarithm(uniform));
        uint32_t quarter = bits[2 * i + 1] >> 30;
        float angle = ((float)(bits[2 * i + 1] >> 8 & 0x3fffff) * 0x1p-22f - 0.5f) * 1.5707963268f;
        float z = angle * angle;
        float sine = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * angle + angle;
        float cosine =
            ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z -
            0.5f * z + 1;
        float first = quarter & 1 ? sine : cosine, second = quarter & 1 ? cosine : sine;
        out[2 * i] = radius * (quarter == 1 || quarter == 2 ? -first : first);
        out[2 * i + 1] = radius * (quarter >= 2 ? -second : second);
    }
}

void tsr_rng_fill_normal(tsr_rng *rng, size_t n, float *out)
{
    uint32_t bits[PIECE];
    float last[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t count = n - i < PIECE ? n - i : PIECE;
        tsr_rng_fill_u32(rng, (count + 1) / 2 * 2, bits);
        make_normals((count + 1) / 2, bits, count < PIECE ? last : out + i);
        if (count < PIECE)
            memcpy(out + i, last, count * sizeof(float));
    }
}

void tsr_rng_shuffle(tsr_rng *rng, size_t n, size_t *order)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)tsr_rng_below(rng, i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
