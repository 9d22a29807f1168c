/* Philox4x32-10 as a sequential generator over one stream of its counter space: the counter holds the
   block number, the purpose and the index, the key holds the seed. */
#include <tessera/rng.h>

#include <math.h>

#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u
#define WEYL_1 0xBB67AE85u
#define ROUNDS 10
#define BLOCK 4

tsr_rng tsr_rng_stream(uint64_t seed, tsr_purpose purpose, uint64_t index)
{
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
    for (size_t i = 0; i < n; i++)
        out[i] = low + (high - low) * ((float)(tsr_rng_u32(rng) >> 8) * 0x1p-24f);
}

void tsr_rng_shuffle(tsr_rng *rng, size_t n, size_t *order)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)tsr_rng_below(rng, i), last = order[i - 1];
        order[i - 1] = order[j];
        order[j] = last;
    }
}
