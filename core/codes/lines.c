/* Codes of the pieces that lines are on. */
#include "base/memory.h"
#include "codes/extract.h"
#include "nn/lines.h"

#include <stdlib.h>
#include <tessera/op.h>

/* A layer's bits of one line: its values and slopes, units x positions; at: n_breakpoints x channels. */
static void encode_line(const tsr_code_source *source, double t, const double *values, const double *slopes,
                        const float *at, size_t first, uint64_t *row)
{
    size_t step = tsr_code_source_step(source), in_channel = source->units / source->channels;
    for (size_t c = 0; c < source->channels; c++)
        for (size_t unit = c * in_channel; unit < (c + 1) * in_channel; unit++) {
            double value = 0, slope = 0;
            for (size_t p = unit * source->positions; p < (unit + 1) * source->positions; p++) {
                value += values[p];
                slope += slopes[p];
            }
            for (size_t b = 0; b < source->n_breakpoints; b++) {
                size_t column = first + b * step + unit;
                bool above = tsr_line_above(t, value, slope, (double)at[b * source->channels + c]);
                row[column / 64] |= (uint64_t)above << column % 64;
            }
        }
}

static tsr_status *encode_layer(const tsr_lines *lines, size_t number, size_t first, tsr_codes *codes)
{
    const tsr_code_source *source = tsr_network_code_source(tsr_lines_network(lines), number);
    const double *values = tsr_lines_values(lines, number), *slopes = tsr_lines_slopes(lines, number);
    size_t n, size = source->units * source->positions;
    if (!values)
        return tsr_fail(TSR_REFUSED, "the lines are not followed to layer %zu of the code", number);
    bool fits = tsr_checked_multiply(source->n_breakpoints, source->channels, &n);
    float *at = fits ? tsr_alloc(n, sizeof(float)) : NULL;
    if (!at)
        return tsr_no_memory("lines");
    tsr_network_breakpoints(tsr_lines_network(lines), number, at);
    for (size_t i = 0; i < codes->n; i++)
        encode_line(source, tsr_lines_places(lines)[i], values + i * size, slopes + i * size, at, first,
                    codes->words + i * codes->stride);
    free(at);
    return NULL;
}

tsr_status *tsr_lines_encode(const tsr_lines *lines, tsr_codes **out)
{
    const tsr_network *network = tsr_lines_network(lines);
    size_t first = 0;
    tsr_codes *codes;
    *out = NULL;
    TSR_TRY(tsr_codes_for(network, tsr_lines_count(lines), NULL, &codes));
    for (size_t i = 0; i < tsr_network_n_layers(network); i++) {
        tsr_status *status = encode_layer(lines, i, first, codes);
        if (status) {
            tsr_codes_free(codes);
            return status;
        }
        first += tsr_code_source_columns(tsr_network_code_source(network, i));
    }
    *out = codes;
    return NULL;
}
