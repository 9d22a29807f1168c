/* Least distances block by block; distances to means are linear in the bits: sum m_j + sum over the bits that
   are 1 of (1 - 2 m_j), for 16 classes in a pass. */
#include "distances.h"

#include <tessera/op.h>

#include <math.h>
#include <stdlib.h>

#define BLOCK 32 /* codes of a task */
#define ROWS 256 /* stored codes met together */

typedef struct search {
    const stored_codes *stored;
    const tsr_codes *codes;
    const int32_t *given;
    distances *out;
} search;

static void search_block(void *context, size_t block)
{
    const search *s = context;
    uint32_t near[BLOCK * ROWS];
    size_t first = block * BLOCK, n = s->codes->n - first < BLOCK ? s->codes->n - first : BLOCK;
    for (size_t b = 0; b < s->stored->codes->n; b += ROWS) {
        size_t rows = s->stored->codes->n - b < ROWS ? s->stored->codes->n - b : ROWS;
        tsr_hamming_block(s->codes, first, n, s->stored->codes, b, rows, near);
        for (size_t i = 0; i < n; i++) {
            uint32_t any = UINT32_MAX, own = UINT32_MAX;
            for (size_t j = 0; j < rows; j++) {
                int32_t right = s->stored->right[b + j];
                uint32_t d = right == NOT_STORED ? UINT32_MAX : near[i * rows + j],
                         of_own = right == s->given[first + i] ? d : UINT32_MAX;
                any = d < any ? d : any;
                own = of_own < own ? of_own : own;
            }
            distances *out = &s->out[first + i];
            out->any = any < UINT32_MAX ? fmin(out->any, any) : out->any;
            out->own = own < UINT32_MAX ? fmin(out->own, own) : out->own;
        }
    }
}

/* What a pass over 16 classes needs. */
typedef struct means {
    tsr_lanes *chosen;  /* by stored code: 1 in the lane of its class */
    tsr_lanes *weights; /* by bit */
    tsr_lanes *dots;    /* by code */
} means;

static void measure_means(const stored_codes *stored, const tsr_codes *codes, const int32_t *given, int first,
                          const means *m, distances *out)
{
    const tsr_codes *base = stored->codes;
    const tsr_code_rows rows = { base->words, base->stride, base->bits, base->n, NULL };
    const tsr_code_rows queries = { codes->words, codes->stride, codes->bits, codes->n, NULL };
    double n[TSR_LANES] = { 0 }, sum[TSR_LANES] = { 0 };
    for (size_t i = 0; i < base->n; i++) {
        int lane = stored->right[i] - first;
        m->chosen[i] = (tsr_lanes){ 0 };
        if (stored->right[i] >= first && lane < TSR_LANES) {
            m->chosen[i][lane] = 1;
            n[lane]++;
        }
    }
    tsr_codes_sum_columns(&rows, m->chosen, m->weights);
    for (size_t j = 0; j < base->bits; j++)
        for (int lane = 0; lane < TSR_LANES; lane++) {
            double mean = n[lane] > 0 ? m->weights[j][lane] / n[lane] : 0;
            sum[lane] += mean;
            m->weights[j][lane] = (float)(1 - 2 * mean);
        }
    for (size_t i = 0; i < codes->n; i++)
        m->dots[i] = (tsr_lanes){ 0 };
    tsr_codes_dot(&queries, m->weights, m->dots);
    for (size_t i = 0; i < codes->n; i++) {
        int lane = given[i] - first;
        if (given[i] >= first && lane < TSR_LANES && n[lane] > 0)
            out[i].mean = fmax(sum[lane] + m->dots[i][lane], 0);
    }
}

tsr_status *measure_distances(const stored_codes *stored, const tsr_codes *codes, const int32_t *given,
                              distances *out)
{
    search s = { stored, codes, given, out };
    means m = { tsr_lanes_new(stored->codes->n, 1), tsr_lanes_new(codes->bits, 1),
                tsr_lanes_new(codes->n, 1) };
    tsr_status *status = m.chosen && m.weights && m.dots
                             ? NULL
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for distances from classes");
    for (size_t i = 0; i < codes->n; i++)
        out[i] = (distances){ INFINITY, INFINITY, INFINITY };
    if (!status) {
        size_t work = codes->n * (stored->codes->n + 1) * (tsr_codes_used_words(codes) + 1);
        tsr_parallel_for((codes->n + BLOCK - 1) / BLOCK, work, search_block, &s);
    }
    for (int first = 0; !status && first < stored->classes; first += TSR_LANES)
        measure_means(stored, codes, given, first, &m, out);
    free(m.chosen);
    free(m.weights);
    free(m.dots);
    return status;
}
