/* Finding the experiment that all are parts of. */
#include "session/union.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "experiment/identity.h"

#include <stdlib.h>
#include <string.h>

/* --- what a study has of a key --- */

/* Its number among the study's keys; n_keys: not swept. */
static size_t find_key(const tsr_results *results, const char *name)
{
    size_t k = 0;
    while (k < results->n_keys && strcmp(results->keys[k].name, name) != 0)
        k++;
    return k;
}

static size_t n_values(const tsr_results *results, const char *name)
{
    size_t k = find_key(results, name);
    return k < results->n_keys ? results->keys[k].n : 1;
}

/* A key that the study's config has not and that is at its default then; NULL: it has it, or must have it.
   The caller's. */
static tsr_value *default_value(const tsr_results *results, const char *name)
{
    const tsr_value *there = tsr_value_at(results->config, name);
    bool given = find_key(results, name) < results->n_keys || (there && !tsr_value_is(there, TSR_VALUE_NULL));
    return given ? NULL : tsr_identity_default(name);
}

/* As the config has it. */
static const tsr_value *written_value(const tsr_results *results, const char *name, size_t i)
{
    size_t k = find_key(results, name);
    if (k == results->n_keys)
        return tsr_value_at(results->config, name);
    const tsr_value *entry = tsr_value_element(tsr_value_member(results->config, "sweep"), k);
    return tsr_value_element(tsr_value_member(entry, "values"), i);
}

static const tsr_value *resolved_value(const tsr_results *results, const char *name, size_t i)
{
    size_t k = find_key(results, name);
    return k < results->n_keys ? results->keys[k].values[i] : tsr_value_at(results->config, name);
}

/* --- keys --- */

static tsr_status *add_key(tsr_union *all, const char *name)
{
    tsr_union_key *key = &all->keys[all->n_keys];
    for (size_t i = 0; i < all->n_keys; i++)
        if (strcmp(all->keys[i].name, name) == 0)
            return NULL;
    *key = (tsr_union_key){ strdup(name), tsr_value_list(), tsr_value_list() };
    all->n_keys++;
    return key->name && key->written && key->resolved ? NULL : tsr_no_memory("the sweep");
}

static tsr_status *find_keys(tsr_union *all)
{
    size_t most = 0;
    for (size_t i = 0; i < all->n_parts; i++)
        most += all->parts[i].results->n_keys;
    all->keys = tsr_alloc(most, sizeof(*all->keys));
    if (!all->keys)
        return tsr_no_memory("the sweep");
    for (size_t i = 0; i < all->n_parts; i++)
        for (size_t k = 0; k < all->parts[i].results->n_keys; k++)
            TSR_TRY(add_key(all, all->parts[i].results->keys[k].name));
    return NULL;
}

/* Whether a text names the plugin that the group is, without a setting of its own. */
static bool names(const tsr_value *text, const tsr_value *group)
{
    const tsr_value *plugin = tsr_value_member(group, "plugin");
    return tsr_value_is(text, TSR_VALUE_STRING) && tsr_value_length(group) == 1 && plugin &&
           tsr_values_equal(text, plugin);
}

static bool is_same(const tsr_value *a, const tsr_value *b)
{
    return tsr_values_equal(a, b) || names(a, b) || names(b, a);
}

/* The place of a value among the key's, behind them where it is new. */
static tsr_status *place_value(tsr_union_key *key, const tsr_value *written, const tsr_value *resolved,
                               size_t *place)
{
    size_t n = tsr_value_length(key->written);
    for (*place = 0; *place < n; ++*place)
        if (is_same(key->resolved->items[*place], resolved) || is_same(key->written->items[*place], written))
            return NULL;
    tsr_value *copies[] = { tsr_value_copy(written), tsr_value_copy(resolved) };
    if (!copies[0] || !copies[1]) {
        tsr_value_free(copies[0]);
        tsr_value_free(copies[1]);
        return tsr_no_memory("the sweep");
    }
    TSR_TRY(tsr_value_append(key->written, copies[0]));
    return tsr_value_append(key->resolved, copies[1]);
}

/* The places of the values that a study has of a key. */
static tsr_status *place_values(tsr_union_key *key, const tsr_union_part *part, size_t *at)
{
    size_t n = n_values(part->results, key->name);
    tsr_value *absent = default_value(part->results, key->name);
    tsr_status *status = NULL;
    for (size_t i = 0; i < n && !status; i++) {
        const tsr_value *written = absent ? absent : written_value(part->results, key->name, i),
                        *resolved = absent ? absent : resolved_value(part->results, key->name, i);
        status = written && resolved ? place_value(key, written, resolved, &at[i])
                                     : tsr_fail(TSR_REFUSED, "%s: has no %s, which another study sweeps",
                                                part->shown, key->name);
    }
    tsr_value_free(absent);
    return status;
}

static tsr_status *place_part(tsr_union *all, tsr_union_part *part)
{
    part->at = tsr_alloc(all->n_keys, sizeof(*part->at));
    if (!part->at)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < all->n_keys; k++) {
        if (!(part->at[k] = tsr_alloc(n_values(part->results, all->keys[k].name), sizeof(*part->at[k]))))
            return tsr_no_memory("the sweep");
        TSR_TRY(place_values(&all->keys[k], part, part->at[k]));
    }
    return NULL;
}

/* --- replicates --- */

static bool sweeps_seed(const tsr_union *all)
{
    for (size_t k = 0; k < all->n_keys; k++)
        if (strcmp(all->keys[k].name, "seed") == 0)
            return true;
    return false;
}

static int64_t seed_of(const tsr_union_part *part)
{
    const tsr_value *seed = tsr_value_member(part->results->config, "seed");
    return tsr_value_is(seed, TSR_VALUE_INT) ? seed->integer : 0;
}

/* The seeds of a study, first to end - 1. */
typedef struct seeds {
    int64_t first, end;
} seeds;

static int compare_seeds(const void *a, const void *b)
{
    const seeds *left = a, *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

/* Sorted seeds that follow each other or overlap; *end: of all. */
static tsr_status *check_no_gap(const seeds *sorted, size_t n, int64_t *end)
{
    *end = sorted[0].end;
    for (size_t i = 1; i < n; i++) {
        if (sorted[i].first > *end)
            return tsr_fail(
                TSR_REFUSED,
                "the seeds of the studies leave a gap, %lld to %lld: expected such that follow each "
                "other",
                (long long)*end, (long long)sorted[i].first - 1);
        *end = sorted[i].end > *end ? sorted[i].end : *end;
    }
    return NULL;
}

/* Replicate r has the seed + r: seeds that follow each other, or overlap, are replicates of one study. */
static tsr_status *join_seeds_of(tsr_union *all, seeds *sorted)
{
    int64_t end;
    for (size_t i = 0; i < all->n_parts; i++) {
        const tsr_union_part *part = &all->parts[i];
        sorted[i].first = seed_of(part);
        if (part->results->replicates > TSR_MAX_RUNS ||
            __builtin_add_overflow(sorted[i].first, (int64_t)part->results->replicates, &sorted[i].end))
            return tsr_fail(TSR_REFUSED, "%s: its seeds are too large", part->shown);
    }
    qsort(sorted, all->n_parts, sizeof(*sorted), compare_seeds);
    TSR_TRY(check_no_gap(sorted, all->n_parts, &end));
    all->replicates = (size_t)((uint64_t)end - (uint64_t)sorted[0].first);
    for (size_t i = 0; i < all->n_parts; i++)
        all->parts[i].offset = (size_t)((uint64_t)seed_of(&all->parts[i]) - (uint64_t)sorted[0].first);
    return tsr_value_put(all->config, "seed", tsr_value_int(sorted[0].first));
}

static tsr_status *join_seeds(tsr_union *all)
{
    if (sweeps_seed(all)) { /* then a seed is a point */
        for (size_t i = 0; i < all->n_parts; i++)
            if (all->parts[i].results->replicates > all->replicates)
                all->replicates = all->parts[i].results->replicates;
        return NULL;
    }
    seeds *sorted = tsr_alloc(all->n_parts, sizeof(*sorted));
    tsr_status *status = sorted ? join_seeds_of(all, sorted) : tsr_no_memory("the seeds");
    free(sorted);
    return status;
}

/* --- the config --- */

/* The studies may differ in what is swept and in the seed. */
static tsr_status *check_same(const tsr_union *all, const tsr_union_part *first, const tsr_union_part *other)
{
    const char **apart = tsr_alloc(all->n_keys + 1, sizeof(*apart));
    tsr_text difference = { 0 };
    if (!apart)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < all->n_keys; k++)
        apart[k] = all->keys[k].name;
    apart[all->n_keys] = "seed";
    tsr_status *status = tsr_identity_same_experiment(first->results->config, other->results->config,
                                                      all->n_keys + 1, apart, true, &difference);
    if (!status && difference.chars)
        status = tsr_fail(TSR_REFUSED, "%s (there) and %s (here) are not of one experiment: %s", first->shown,
                          other->shown, difference.chars);
    free(difference.chars);
    free(apart);
    return status;
}

/* What all have kept is there. */
static tsr_status *join_output(tsr_union *all, const char *key)
{
    bool kept = true;
    for (size_t i = 0; i < all->n_parts; i++) {
        const tsr_value *value = tsr_value_at(all->parts[i].results->config, key);
        kept = kept && tsr_value_is(value, TSR_VALUE_BOOL) && value->boolean;
    }
    return tsr_value_set(all->config, key, tsr_value_bool(kept));
}

static tsr_status *write_sweep(tsr_union *all)
{
    tsr_value *sweep = tsr_value_list();
    TSR_TRY(tsr_value_put(all->config, "sweep", sweep));
    for (size_t k = 0; k < all->n_keys; k++) {
        tsr_value *entry = tsr_value_group();
        TSR_TRY(tsr_value_append(sweep, entry));
        TSR_TRY(tsr_value_put(entry, "key", tsr_value_string(all->keys[k].name)));
        TSR_TRY(tsr_value_put(entry, "values", tsr_value_copy(all->keys[k].written)));
        if (!tsr_checked_multiply(all->points, tsr_value_length(all->keys[k].written), &all->points))
            return tsr_fail(TSR_REFUSED, "the sweep of all studies has too many points");
    }
    return NULL;
}

static tsr_status *make(tsr_union *all)
{
    const tsr_results *first = all->parts[0].results;
    if (!(all->config = tsr_value_copy(first->config)))
        return tsr_no_memory("the config");
    TSR_TRY(find_keys(all));
    for (size_t i = 1; i < all->n_parts; i++)
        TSR_TRY(check_same(all, &all->parts[0], &all->parts[i]));
    for (size_t i = 0; i < all->n_parts; i++)
        TSR_TRY(place_part(all, &all->parts[i]));
    TSR_TRY(join_seeds(all));
    TSR_TRY(write_sweep(all));
    TSR_TRY(tsr_value_put(all->config, "replicates", tsr_value_int((int64_t)all->replicates)));
    TSR_TRY(join_output(all, "output.save_model"));
    TSR_TRY(join_output(all, "output.save_codes"));
    TSR_TRY(join_output(all, "output.save_state"));
    TSR_TRY(join_output(all, "output.save_snapshots"));
    return tsr_identity_of_sweep(all->config, all->sweep);
}

tsr_status *tsr_union_make(size_t n, tsr_results *const *results, const char *const *shown, tsr_union *out)
{
    *out = (tsr_union){ .points = 1, .replicates = 1, .parts = tsr_alloc(n, sizeof(*out->parts)) };
    if (!out->parts)
        return tsr_no_memory("the studies");
    out->n_parts = n;
    for (size_t i = 0; i < n; i++)
        out->parts[i] = (tsr_union_part){ .results = results[i], .shown = shown[i] };
    tsr_status *status = make(out);
    if (status)
        tsr_union_clear(out);
    return status;
}

void tsr_union_clear(tsr_union *all)
{
    for (size_t i = 0; i < all->n_parts; i++) {
        for (size_t k = 0; all->parts[i].at && k < all->n_keys; k++)
            free(all->parts[i].at[k]);
        free(all->parts[i].at);
    }
    for (size_t k = 0; k < all->n_keys; k++) {
        free(all->keys[k].name);
        tsr_value_free(all->keys[k].written);
        tsr_value_free(all->keys[k].resolved);
    }
    free(all->keys);
    free(all->parts);
    tsr_value_free(all->config);
    *all = (tsr_union){ 0 };
}

size_t tsr_union_digit(const tsr_union *all, size_t point, size_t key)
{
    for (size_t k = all->n_keys; --k > key;) /* the last key changes fastest */
        point /= tsr_value_length(all->keys[k].written);
    return point % tsr_value_length(all->keys[key].written);
}

void tsr_union_place(const tsr_union *all, size_t i, size_t *point, size_t *replicate)
{
    const tsr_union_part *part = &all->parts[i];
    const tsr_results *results = part->results;
    size_t to = 0;
    for (size_t k = 0; k < all->n_keys; k++) {
        size_t own = find_key(results, all->keys[k].name), digit = 0;
        if (own < results->n_keys) { /* the last key changes fastest */
            size_t rest = *point;
            for (size_t j = results->n_keys; j-- > own;) {
                digit = rest % results->keys[j].n;
                rest /= results->keys[j].n;
            }
        }
        to = to * tsr_value_length(all->keys[k].written) + part->at[k][digit];
    }
    *point = to;
    *replicate += part->offset;
}
