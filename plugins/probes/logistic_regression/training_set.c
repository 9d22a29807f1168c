/* Training examples sorted by class, equal codes of a class merged. Sorted are the codes, or their numbers.
 */
#include "training_set.h"

#include "models.h"

#include <stdlib.h>
#include <string.h>

/* Numbers the classes that have examples; number[class] of the others is undefined. Returns by number where
   the class's examples start in an order by class. */
static void count_classes(size_t n, const int32_t *labels, size_t classes, uint32_t *number,
                          logistic_set *set)
{
    size_t *counts = set->start; /* by class for now; a number is never above its class */
    for (size_t i = 0; i < n; i++)
        counts[labels[i]]++;
    size_t sum = 0;
    for (size_t c = 0; c < classes; c++) {
        size_t count = counts[c];
        if (count == 0)
            continue;
        number[c] = (uint32_t)set->n_classes;
        set->label[set->n_classes] = (int32_t)c;
        counts[set->n_classes++] = sum;
        sum += count;
    }
    set->start[set->n_classes] = sum;
}

/* Entries of one class: its examples are order[0 .. n - 1]. Room for them is at `entry`. place[row]: 1 + the
   entry last made for the row. */
static size_t merge_class(const tsr_codes *codes, const uint32_t *group, const uint32_t *order, size_t n,
                          size_t entry, size_t *place, logistic_set *set)
{
    size_t first = entry;
    for (size_t i = 0; i < n; i++) {
        size_t *mine = &place[group[order[i]]];
        if (*mine <= first) {
            if (set->own)
                memcpy(set->own + entry * set->stride, tsr_codes_row(codes, order[i]),
                       set->stride * sizeof(uint64_t));
            else
                set->row[entry] = order[i];
            *mine = ++entry;
        }
        set->weight[*mine - 1]++;
    }
    return entry;
}

/* Entries of all classes, whose examples start where set->start says in `order`. */
static void merge(const tsr_codes *codes, const uint32_t *group, const uint32_t *order, size_t *place,
                  logistic_set *set)
{
    size_t entry = 0, first = 0;
    for (size_t c = 0; c < set->n_classes; c++) {
        size_t end = set->start[c + 1];
        set->start[c] = entry;
        entry = merge_class(codes, group, order + first, end - first, entry, place, set);
        first = end;
    }
    set->start[set->n_classes] = entry;
}

/* Room for copies where they are small enough, else for numbers. */
static bool make_entries(const tsr_codes *codes, size_t copy, logistic_set *set)
{
    size_t used = tsr_codes_used_words(codes);
    bool copies = codes->n == 0 || used <= copy / sizeof(uint64_t) / codes->n;
    set->stride = copies ? used : codes->stride;
    if (copies)
        set->own = calloc(codes->n * used + 1, sizeof(*set->own));
    else
        set->row = calloc(codes->n, sizeof(*set->row));
    set->words = copies ? set->own : codes->words;
    return set->own || set->row;
}

tsr_code_rows logistic_entries(const logistic_set *set, size_t first, size_t n)
{
    return (tsr_code_rows){ .words = set->words + (set->row ? 0 : first * set->stride),
                            .stride = set->stride,
                            .bits = set->bits,
                            .n = n,
                            .index = set->row ? set->row + first : NULL };
}

tsr_status *logistic_set_new(const tsr_codes *codes, const int32_t *labels, int classes, size_t copy,
                             logistic_set *out)
{
    size_t n = codes->n, n_distinct, most = (size_t)classes;
    *out = (logistic_set){ .bits = codes->bits };
    bool entries = make_entries(codes, copy, out);
    out->label = calloc(most, sizeof(*out->label));
    out->start = calloc(most + 1, sizeof(*out->start));
    out->weight = calloc(n + 1, sizeof(*out->weight));
    uint32_t *number = calloc(most, sizeof(*number)), *order = calloc(n + 1, sizeof(*order));
    uint32_t *group = calloc(n + 1, sizeof(*group));
    size_t *place = calloc(n + 1, sizeof(*place)), *next = calloc(most + 1, sizeof(*next));
    tsr_status *status = NULL;
    if (!out->label || !out->start || !entries || !out->weight || !number || !order || !group || !place ||
        !next)
        status = logistic_no_memory();
    if (!status)
        status = tsr_distinct(codes, &n_distinct, group);
    if (!status) {
        count_classes(n, labels, most, number, out);
        memcpy(next, out->start, (out->n_classes + 1) * sizeof(*next));
        for (size_t i = 0; i < n; i++)
            order[next[number[labels[i]]]++] = (uint32_t)i;
        merge(codes, group, order, place, out);
    }
    free(number);
    free(order);
    free(group);
    free(place);
    free(next);
    return status;
}

void logistic_set_clear(logistic_set *set)
{
    free(set->label);
    free(set->start);
    free(set->row);
    free(set->own);
    free(set->weight);
}
