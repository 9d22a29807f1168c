/* Finding the experiment that all are parts of. */
#include "session/union.h"

#include "base/memory.h"
#include "config/compare.h"
#include "experiment/identity.h"
#include "experiment/store.h"

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

static tsr_status *place_part(tsr_union *all, tsr_union_part *part)
{
    part->at = tsr_alloc(all->n_keys, sizeof(*part->at));
    if (!part->at)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < all->n_keys; k++) {
        tsr_union_key *key = &all->keys[k];
        size_t n = n_values(part->results, key->name);
        if (!(part->at[k] = tsr_alloc(n, sizeof(*part->at[k]))))
            return tsr_no_memory("the sweep");
        for (size_t i = 0; i < n; i++) {
            const tsr_value *written = written_value(part->results, key->name, i),
                            *resolved = resolved_value(part->results, key->name, i);
            if (!written || !resolved)
                return tsr_fail(TSR_REFUSED, "%s: has no %s, which another study sweeps",
                                part->results->folder, key->name);
            TSR_TRY(place_value(key, written, resolved, &part->at[k][i]));
        }
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

/* Replicate r has the seed + r: seeds that follow each other, or overlap, are replicates of one study. */
static tsr_status *join_seeds(tsr_union *all)
{
    int64_t first = seed_of(&all->parts[0]), last = first, all_seeds = 0;
    for (size_t i = 0; i < all->n_parts; i++) {
        tsr_union_part *part = &all->parts[i];
        int64_t end = 0;
        if (__builtin_add_overflow(seed_of(part), (int64_t)part->results->replicates, &end) ||
            __builtin_add_overflow(all_seeds, (int64_t)part->results->replicates, &all_seeds))
            return tsr_fail(TSR_REFUSED, "%s: the seeds are too large", part->results->folder);
        first = seed_of(part) < first ? seed_of(part) : first;
        last = end > last ? end : last;
    }
    uint64_t span = (uint64_t)last - (uint64_t)first;
    if (sweeps_seed(all)) { /* then a seed is a point */
        for (size_t i = 0; i < all->n_parts; i++)
            if (all->parts[i].results->replicates > all->replicates)
                all->replicates = all->parts[i].results->replicates;
        return NULL;
    }
    if (span > (uint64_t)all_seeds)
        return tsr_fail(
            TSR_REFUSED,
            "the seeds of the studies leave a gap between %lld and %lld: expected such that follow "
            "each other",
            (long long)first, (long long)last - 1);
    all->replicates = (size_t)span;
    for (size_t i = 0; i < all->n_parts; i++)
        all->parts[i].offset = (size_t)((uint64_t)seed_of(&all->parts[i]) - (uint64_t)first);
    return tsr_value_put(all->config, "seed", tsr_value_int(first));
}

/* --- the config --- */

/* What the studies may not have in common. */
static void remove_own(const tsr_union *all, tsr_value *config)
{
    for (size_t k = 0; k < all->n_keys; k++)
        tsr_value_remove_at(config, all->keys[k].name);
    tsr_value_remove_at(config, "seed");
    tsr_value_remove_at(config, "codes.memory");
}

static tsr_status *check_same(const tsr_union *all, const tsr_results *first, const tsr_results *other)
{
    tsr_value *there = tsr_value_copy(first->config), *here = tsr_value_copy(other->config);
    tsr_text difference = { 0 };
    tsr_status *status = there && here ? NULL : tsr_no_memory("the config");
    if (!status) {
        remove_own(all, there);
        remove_own(all, here);
        if (tsr_values_differ(there, here, tsr_store_may_differ, &difference))
            status =
                tsr_fail(TSR_REFUSED, "%s (there) and %s (here) are not of one experiment: %s", first->folder,
                         other->folder, difference.chars ? difference.chars : "they differ");
    }
    free(difference.chars);
    tsr_value_free(there);
    tsr_value_free(here);
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
        TSR_TRY(check_same(all, first, all->parts[i].results));
    for (size_t i = 0; i < all->n_parts; i++)
        TSR_TRY(place_part(all, &all->parts[i]));
    TSR_TRY(join_seeds(all));
    TSR_TRY(write_sweep(all));
    TSR_TRY(tsr_value_put(all->config, "replicates", tsr_value_int((int64_t)all->replicates)));
    TSR_TRY(join_output(all, "output.save_model"));
    TSR_TRY(join_output(all, "output.save_codes"));
    return tsr_identity_of_sweep(all->config, all->sweep);
}

tsr_status *tsr_union_make(size_t n, tsr_results *const *results, tsr_union *out)
{
    *out = (tsr_union){ .points = 1, .replicates = 1, .parts = tsr_alloc(n, sizeof(*out->parts)) };
    if (!out->parts)
        return tsr_no_memory("the studies");
    out->n_parts = n;
    for (size_t i = 0; i < n; i++)
        out->parts[i].results = results[i];
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
