/* Distinct rows in one pass: every row's 128-bit hash, then a table with open addressing that holds groups
   and half of their hash, so that a row that is new is seen to be so where it looks first. Rows of equal
   hashes are compared in full, so the count is exact. */
#include "codes/distinct.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* short rows cost less than the call */
#include <xxhash.h>

#define EMPTY UINT32_MAX
#define AHEAD 16 /* rows whose slots are fetched before they are needed */

typedef struct slot {
    uint64_t high; /* of the hash */
    uint32_t group;
} slot;

typedef struct row_table {
    const tsr_codes *codes, *more; /* rows of both, one after the other; more may be NULL */
    const tsr_hash *hashes;        /* of every row */
    slot *slots;                   /* a power of two of them; group EMPTY: free */
    size_t mask;
    uint32_t *first; /* by group: its first row */
    size_t n_groups;
} row_table;

static tsr_hash hash_xxh3(const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    return (tsr_hash){ hash.low64, hash.high64 };
}

static const uint64_t *row_of(const row_table *table, size_t i)
{
    return i < table->codes->n ? tsr_codes_row(table->codes, i)
                               : tsr_codes_row(table->more, i - table->codes->n);
}

static bool same(const row_table *table, size_t a, size_t b)
{
    return table->hashes[a].low == table->hashes[b].low &&
           memcmp(row_of(table, a), row_of(table, b),
                  tsr_codes_used_words(table->codes) * sizeof(uint64_t)) == 0;
}

/* The group of row i, a new one where no earlier row equals it. */
static uint32_t enter(row_table *table, size_t i)
{
    tsr_hash hash = table->hashes[i];
    for (size_t at = hash.low & table->mask;; at = (at + 1) & table->mask) {
        slot *found = &table->slots[at];
        if (found->group == EMPTY) {
            found->high = hash.high;
            found->group = (uint32_t)table->n_groups++;
            table->first[found->group] = (uint32_t)i;
            return found->group;
        }
        if (found->high == hash.high && same(table, table->first[found->group], i))
            return found->group;
    }
}

static tsr_status *count_rows(tsr_hash_function *hash, const tsr_codes *codes, const tsr_codes *more,
                              size_t *count, uint32_t *group)
{
    size_t n = codes->n + (more ? more->n : 0);
    *count = 0;
    if (n >= EMPTY)
        return tsr_fail(TSR_FAILED, "%zu codes: fewer than %u expected", n, EMPTY);
    size_t capacity = 16;
    while (capacity < 2 * n)
        capacity *= 2;
    tsr_hash *hashes = tsr_alloc(n, sizeof(*hashes));
    row_table table = { .codes = codes, .more = more, .hashes = hashes, .mask = capacity - 1 };
    table.slots = tsr_alloc(capacity, sizeof(*table.slots));
    table.first = tsr_alloc(n, sizeof(*table.first));
    tsr_status *status = NULL;
    if (!hashes || !table.slots || !table.first) {
        status = tsr_no_memory("counting distinct codes");
        goto out;
    }
    memset(table.slots, 0xff, capacity * sizeof(*table.slots));
    size_t length = tsr_codes_used_words(codes) * sizeof(uint64_t);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(n * length / sizeof(float)))
    for (size_t i = 0; i < n; i++)
        hashes[i] = hash(row_of(&table, i), length);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(&table.slots[hashes[i + AHEAD].low & table.mask], 1);
        uint32_t number = enter(&table, i);
        if (group)
            group[i] = number;
    }
    *count = table.n_groups;
out:
    free(hashes);
    free(table.slots);
    free(table.first);
    return status;
}

tsr_status *tsr_distinct_by(tsr_hash_function *hash, const tsr_codes *codes, size_t *count, uint32_t *group)
{
    return count_rows(hash, codes, NULL, count, group);
}

tsr_status *tsr_distinct_of_both(const tsr_codes *a, const tsr_codes *b, size_t *count, uint32_t *group)
{
    if (a->bits == b->bits)
        return count_rows(hash_xxh3, a, b, count, group);
    *count = 0;
    return tsr_fail(TSR_FAILED, "codes of %zu bits cannot be compared with codes of %zu", a->bits, b->bits);
}

tsr_status *tsr_distinct(const tsr_codes *codes, size_t *count, uint32_t *group)
{
    return tsr_distinct_by(hash_xxh3, codes, count, group);
}
