/* The boundaries of linear regions that a segment from one example to another crosses, each found exactly and
   counted once where several meet, and the bits of the code that flip there. */
#include "regions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 8       /* segments that are followed together, at most */
#define NEAR_END 1e-9 /* a crossing so near to the segment's end is there, and not on it */

typedef struct segment {
    size_t from, to; /* SIZE_MAX: none */
    double length, transitions, flips;
} segment;

typedef struct segments {
    tsr_network *network;
    const sample *sample;
    size_t n, block; /* segments; those that are followed together */
    segment *all;
} segments;

static void lay(const sample *s, segment *g, double *origin, double *direction)
{
    const float *x = s->x + g->from * s->size, *y = s->x + g->to * s->size;
    double squares = 0;
    for (size_t j = 0; j < s->size; j++) {
        origin[j] = (double)x[j];
        direction[j] = (double)y[j] - (double)x[j];
        squares += direction[j] * direction[j];
    }
    g->length = sqrt(squares);
}

static size_t differing_bits(const tsr_codes *a, const tsr_codes *b, size_t row)
{
    return tsr_hamming(tsr_codes_row(a, row), tsr_codes_row(b, row), tsr_codes_used_words(a));
}

/* Moves every line to the end of its piece, or leaves it where that is the segment's last one; how many
 * moved. */
static size_t plan_step(const tsr_lines *lines, size_t n, double *t, bool *moves)
{
    size_t moved = 0;
    for (size_t i = 0; i < n; i++) {
        double next = tsr_lines_next(lines)[i];
        moves[i] = next < 1 - NEAR_END;
        t[i] = moves[i] ? next : t[i];
        moved += moves[i];
    }
    return moved;
}

static tsr_status *walk(tsr_lines *lines, size_t n, segment *all, tsr_codes **before)
{
    double t[BLOCK] = { 0 };
    bool moves[BLOCK];
    TSR_TRY(tsr_lines_encode(lines, before));
    while (plan_step(lines, n, t, moves)) {
        tsr_codes *after;
        TSR_TRY(tsr_lines_move(lines, t));
        TSR_TRY(tsr_lines_encode(lines, &after));
        for (size_t i = 0; i < n; i++)
            if (moves[i]) {
                all[i].transitions++;
                all[i].flips += (double)differing_bits(*before, after, i);
            }
        tsr_codes_free(*before);
        *before = after;
    }
    return NULL;
}

static tsr_status *follow(const segments *w, size_t n, segment *all, double *origins, double *directions)
{
    const sample *s = w->sample;
    tsr_lines *lines;
    tsr_codes *codes = NULL;
    for (size_t i = 0; i < n; i++)
        lay(s, &all[i], origins + i * s->size, directions + i * s->size);
    TSR_TRY(tsr_lines_new(w->network, n, origins, directions, &lines));
    tsr_status *status = walk(lines, n, all, &codes);
    tsr_codes_free(codes);
    tsr_lines_free(lines);
    return status;
}

static tsr_status *measure_block(void *context, size_t number)
{
    const segments *w = context;
    size_t first = number * w->block, n = w->n - first < w->block ? w->n - first : w->block,
           size = w->sample->size;
    double *origins = calloc(n, size * sizeof(double)), *directions = calloc(n, size * sizeof(double));
    tsr_status *status = origins && directions
                             ? follow(w, n, w->all + first, origins, directions)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu segments", n);
    free(origins);
    free(directions);
    return status;
}

/* Draws segments; those whose first example has no partner are left out. */
static void draw(const sample *s, size_t wanted, bool within, segments *w)
{
    unsigned purpose = within ? FOR_SEGMENT : FOR_SEGMENT_ACROSS;
    for (size_t i = 0; s->n && i < wanted; i++) {
        tsr_rng rng = regions_stream(s, purpose, i);
        size_t from = (size_t)tsr_rng_below(&rng, s->n), to = regions_partner(s, rng, from, within);
        if (to != SIZE_MAX)
            w->all[w->n++] = (segment){ .from = from, .to = to };
    }
}

static tsr_status *give(const tsr_probing *probing, const segments *w, const char *kind)
{
    static const char none[] = "there are no such segments";
    double transitions = 0, flips = 0, density = 0, n = (double)w->n, with_length = 0;
    char name[48];
    for (size_t i = 0; i < w->n; i++) {
        transitions += w->all[i].transitions;
        flips += w->all[i].flips;
        with_length += w->all[i].length > 0;
        density += w->all[i].length > 0 ? w->all[i].transitions / w->all[i].length : 0;
    }
    snprintf(name, sizeof(name), "transitions%s", kind);
    TSR_TRY(regions_give(probing, w->sample, name, transitions / n, w->n ? NULL : none));
    snprintf(name, sizeof(name), "flips%s", kind);
    TSR_TRY(regions_give(probing, w->sample, name, flips / n, w->n ? NULL : none));
    snprintf(name, sizeof(name), "transitions_per_length%s", kind);
    return regions_give(probing, w->sample, name, density / with_length, with_length > 0 ? NULL : none);
}

static tsr_status *measure_kind(const regions *self, const tsr_probing *probing, const sample *s,
                                const char *kind, bool within)
{
    segments w = { .network = probing->network,
                   .sample = s,
                   .block = lines_at_once(probing->network, BLOCK),
                   .all = calloc((size_t)self->segments + 1, sizeof(segment)) };
    if (!w.all)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %d segments", self->segments);
    draw(s, (size_t)self->segments, within, &w);
    tsr_status *status = regions_share((w.n + w.block - 1) / w.block, SIZE_MAX, measure_block, &w);
    if (!status)
        status = give(probing, &w, kind);
    free(w.all);
    return status;
}

tsr_status *regions_measure_transitions(const regions *self, const tsr_probing *probing, const sample *s)
{
    if (!self->segments)
        return NULL;
    if (!s->labels)
        return measure_kind(self, probing, s, "", true);
    TSR_TRY(measure_kind(self, probing, s, "_within", true));
    return measure_kind(self, probing, s, "_across", false);
}
