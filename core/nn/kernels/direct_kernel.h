/* Convolution tap by tap, for any kernel and stride: rows of the map that is read lie in a strip, padded,
   every stride-th column side by side, so that a tile of positions along a row of the result reads
   consecutive ones at each tap. The gradient by the input is the same with the roles changed: a position of
   the result meets the taps of its phase. Included beside convolve_kernel.h. */

/* The rows of `x`, one sample, that rows first .. first + n - 1 of the result read: group by group. */
TARGET static void NAME(fill_strips)(const tsr_direct *d, const float *x, size_t group, size_t groups,
                                     size_t first, size_t n, float *strips)
{
    size_t from = tsr_direct_base(d, first), rows = tsr_direct_base(d, first + n - 1) + d->reach_h - from;
    size_t top = from > d->pad_h ? from : d->pad_h; /* of the padded map */
    size_t end = from + rows < d->pad_h + d->in.h ? from + rows : d->pad_h + d->in.h;
    size_t plane = d->in.h * d->in.w;
    NAME(place) place = { d->line, d->pad_w, d->columns, d->phase };
    memset(strips, 0, groups * d->strip * sizeof(float));
    for (size_t g = 0; top < end && g < groups; g++) {
        size_t c = (group + g) * LANES, channels = d->in.c - c < LANES ? d->in.c - c : LANES;
        NAME(gather)
        (x + c * plane + (top - d->pad_h) * d->in.w, plane, channels, end - top, d->in.w, &place,
         strips + g * d->strip + (top - from) * d->line);
    }
}

/* A panel of the result's rows first .. first + n - 1, to rows of out.w positions. */
TARGET static void NAME(panel)(const tsr_direct *d, size_t group, size_t vectors, const float *strips,
                               size_t first, size_t n, float *rows)
{
    size_t from = tsr_direct_base(d, first), c_group = d->band * d->out.w * LANES;
    const float *weights = d->packed + group * LANES * d->area * d->in_groups * d->inner;
    for (size_t y = first; y < first + n; y++)
        for (size_t p = 0; p < d->phases_w; p++) {
            const tsr_direct_phase *phase = &d->phase_of_columns[p];
            tsr_terms terms = tsr_direct_terms(d, y, p);
            NAME(tiles)
            (phase->n, vectors, &terms,
             strips + (tsr_direct_base(d, y) - from) * d->line + phase->base * LANES, weights,
             d->bias + group * LANES, rows + ((y - first) * d->out.w + phase->first) * LANES,
             phase->step * LANES, c_group);
        }
}

/* Units first .. first + n - 1, each a band of rows of a sample. */
TARGET static void NAME(direct_units)(const tsr_direct *d, size_t first, size_t n, float *work)
{
    size_t size = d->in_groups * d->strip, plane = d->out.h * d->out.w;
    float *rows = work + d->units * size;
    for (size_t u = 0; u < n; u++) {
        size_t sample = (first + u) / d->bands, row = (first + u) % d->bands * d->band;
        NAME(fill_strips)
        (d, d->x + sample * d->in.c * d->in.h * d->in.w, 0, d->in_groups, row,
         d->out.h - row < d->band ? d->out.h - row : d->band, work + u * size);
    }
    for (size_t g = 0; g < d->out_groups; g += VECTORS)
        for (size_t u = 0; u < n; u++) {
            size_t sample = (first + u) / d->bands, row = (first + u) % d->bands * d->band;
            size_t height = d->out.h - row < d->band ? d->out.h - row : d->band;
            size_t vectors = d->out_groups - g < VECTORS ? d->out_groups - g : VECTORS;
            NAME(panel)(d, g, vectors, work + u * size, row, height, rows);
            for (size_t v = 0; v < vectors; v++) {
                size_t c = (g + v) * LANES, channels = d->out.c - c < LANES ? d->out.c - c : LANES;
                NAME(scatter)
                (rows + v * d->band * d->out.w * LANES, height * d->out.w, channels,
                 d->y + (sample * d->out.c + c) * plane + row * d->out.w, plane);
            }
        }
}

/* Group `group` of the channels that come out, in lanes: packed is panel x tap x group x channel in x vectors
   x LANES. The weights are out x in x area; where `transposed`, in x out x area. */
TARGET static void NAME(pack_weights)(const tsr_direct *d, const float *weights, bool transposed,
                                      size_t group, float *packed, float *work)
{
    size_t in = d->in.c, out = d->out.c, first = group * LANES, panel = group / VECTORS * VECTORS;
    size_t lanes = out - first < LANES ? out - first : LANES, all = d->in_groups * d->inner;
    size_t vectors = d->out_groups - panel < VECTORS ? d->out_groups - panel : VECTORS;
    float *to = packed + panel * LANES * all * d->area + group % VECTORS * LANES;
    NAME(place) place = { .stride = 1 };
    for (size_t c = 0; c < all; c++) {
        if (c >= in)
            memset(work, 0, d->area * LANES * sizeof(float));
        else
            NAME(gather)
        (weights + (transposed ? c * out + first : first * in + c) * d->area,
         transposed ? d->area : in * d->area, lanes, 1, d->area, &place, work);
        for (size_t tap = 0; tap < d->area; tap++)
            AT(to + (tap * all + c) * vectors * LANES) = FROM(work + tap * LANES);
    }
}

/* --- the gradient by the weights --- */

/* The sums over units first .. end - 1, for a chunk of channels in and one of channels out. */
TARGET static void NAME(direct_weights)(const tsr_direct *d, const tsr_chunk *chunk, size_t first, size_t end,
                                        float *dw, float *work)
{
    size_t plane = d->out.h * d->out.w, row_floats = chunk->out_groups * LANES;
    size_t group = d->band * d->out.w * LANES, size = d->inner * row_floats;
    float *strips = work, *gradients = strips + d->chunk_in * d->strip,
          *sums = gradients + d->chunk_out * group;
    float *transposed = sums + d->chunk_in * d->area * d->inner * d->chunk_out * LANES;
    NAME(place) place = { d->out.w * LANES, 0, 1, 0 };
    for (size_t u = first; u < end; u++) {
        size_t sample = u / d->bands, row = u % d->bands * d->band;
        size_t height = d->out.h - row < d->band ? d->out.h - row : d->band;
        NAME(fill_strips)
        (d, d->x + sample * d->in.c * d->in.h * d->in.w, chunk->in_group, chunk->in_groups, row, height,
         strips);
        for (size_t g = 0; g < chunk->out_groups; g++) {
            size_t c = (chunk->out_group + g) * LANES, channels = d->out.c - c < LANES ? d->out.c - c : LANES;
            NAME(gather)
            (d->dy + (sample * d->out.c + c) * plane + row * d->out.w, plane, channels, height, d->out.w,
             &place, gradients + g * group);
        }
        size_t at_once = 128 / d->out.w > 1 ? 128 / d->out.w : 1;
        for (size_t y = 0; y < height; y += at_once)
            for (size_t g = 0; g < chunk->in_groups; g++)
                for (size_t tap = 0; tap < d->area; tap++)
                    NAME(outers)
        (d->inner, chunk->out_groups, u > first || y, height - y < at_once ? height - y : at_once, d->out.w,
         strips + g * d->strip + y * d->rows_h * d->line + d->terms_a[tap], d->rows_h * d->line,
         gradients + y * d->out.w * LANES, group, sums + (g * d->area + tap) * size);
    }
    for (size_t g = 0; g < chunk->in_groups; g++)
        for (size_t h = 0; h < chunk->out_groups; h++) {
            size_t c = (chunk->in_group + g) * LANES, o = (chunk->out_group + h) * LANES;
            size_t channels = d->in.c - c < LANES ? d->in.c - c : LANES;
            for (size_t k = 0; k < channels; k++)
                for (size_t tap = 0; tap < d->area; tap++)
                    AT(transposed + (k * d->area + tap) * LANES) =
                        FROM(sums + (g * d->area + tap) * size + k * row_floats + h * LANES);
            NAME(scatter)
            (transposed, channels * d->area, d->out.c - o < LANES ? d->out.c - o : LANES,
             dw + (o * d->in.c + c) * d->area, d->in.c * d->area);
        }
}

static const tsr_direct_kernels NAME(direct) = { LANES, NAME(pack_weights), NAME(direct_units),
                                                 NAME(direct_weights) };
