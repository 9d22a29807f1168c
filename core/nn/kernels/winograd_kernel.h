/* Convolution by 3 x 3 with stride 1 in the manner of Winograd (Lavin and Gray 2016): tiles of m x m outputs
   from (m + 2) x (m + 2) inputs, B d B^T, whose points are multiplied by those of the weights, G g G^T,
   summed over channels and brought back, A^T M A. The points of m = 4 are 0, +-sqrt(1/2), +-sqrt(2) and
   infinity, whose rounding errors are half of the usual integers'; of m = 2 they are 0, +-1 and infinity.
   Included beside convolve_kernel.h. */

#define SQRT_HALF 0.70710678118654752440f
#define SQRT_2 1.41421356237309504880f
#define POINTS 6 /* at most, in a row */

/* v = B d. */
TARGET INLINE void NAME(input_points)(size_t m, const vector *d, vector *v)
{
    if (m == 2) {
        v[0] = d[0] - d[2];
        v[1] = d[2] + d[1];
        v[2] = d[2] - d[1];
        v[3] = d[3] - d[1];
        return;
    }
    vector even = FMA(SPREAD(-2.0f), d[2], d[4]), odd = FMA(SPREAD(-2.0f), d[1], d[3]);
    v[1] = FMA(SPREAD(SQRT_HALF), odd, even);
    v[2] = FMA(SPREAD(-SQRT_HALF), odd, even);
    even = FMA(SPREAD(-0.5f), d[2], d[4]), odd = FMA(SPREAD(-0.5f), d[1], d[3]);
    v[3] = FMA(SPREAD(SQRT_2), odd, even);
    v[4] = FMA(SPREAD(-SQRT_2), odd, even);
    v[0] = FMA(SPREAD(-2.5f), d[2], d[0] + d[4]);
    v[5] = FMA(SPREAD(-2.5f), d[3], d[1] + d[5]);
}

/* u = G g. */
TARGET INLINE void NAME(weight_points)(size_t m, const vector *g, vector *u)
{
    u[0] = g[0];
    if (m == 2) {
        vector even = SPREAD(0.5f) * (g[0] + g[2]);
        u[1] = FMA(SPREAD(0.5f), g[1], even);
        u[2] = FMA(SPREAD(-0.5f), g[1], even);
        u[3] = g[2];
        return;
    }
    vector even = SPREAD(-2.0f / 3) * FMA(SPREAD(0.5f), g[2], g[0]);
    u[1] = FMA(SPREAD(-2.0f / 3 * SQRT_HALF), g[1], even);
    u[2] = FMA(SPREAD(2.0f / 3 * SQRT_HALF), g[1], even);
    even = SPREAD(1.0f / 6) * FMA(SPREAD(2.0f), g[2], g[0]);
    u[3] = FMA(SPREAD(SQRT_2 / 6), g[1], even);
    u[4] = FMA(SPREAD(-SQRT_2 / 6), g[1], even);
    u[5] = g[2];
}

/* y = A^T v. */
TARGET INLINE void NAME(output_values)(size_t m, const vector *v, vector *y)
{
    vector sum = v[1] + v[2], difference = v[1] - v[2];
    if (m == 2) {
        y[0] = v[0] + sum;
        y[1] = v[3] + difference;
        return;
    }
    vector sum_2 = v[3] + v[4], difference_2 = v[3] - v[4];
    y[0] = v[0] + sum + sum_2;
    y[1] = FMA(SPREAD(SQRT_2), difference_2, SPREAD(SQRT_HALF) * difference);
    y[2] = FMA(SPREAD(2.0f), sum_2, SPREAD(0.5f) * sum);
    y[3] = FMA(SPREAD(2 * SQRT_2), difference_2, FMA(SPREAD(0.5f * SQRT_HALF), difference, v[5]));
}

/* v = A y, the transpose. */
TARGET INLINE void NAME(output_points)(size_t m, const vector *y, vector *v)
{
    v[0] = y[0];
    if (m == 2) {
        v[1] = y[0] + y[1];
        v[2] = y[0] - y[1];
        v[3] = y[1];
        return;
    }
    vector even = FMA(SPREAD(0.5f), y[2], y[0]), odd = FMA(SPREAD(0.5f), y[3], y[1]);
    v[1] = FMA(SPREAD(SQRT_HALF), odd, even);
    v[2] = FMA(SPREAD(-SQRT_HALF), odd, even);
    even = FMA(SPREAD(2.0f), y[2], y[0]), odd = FMA(SPREAD(2.0f), y[3], y[1]);
    v[3] = FMA(SPREAD(SQRT_2), odd, even);
    v[4] = FMA(SPREAD(-SQRT_2), odd, even);
    v[5] = y[3];
}

/* g = G^T u. */
TARGET INLINE void NAME(weight_values)(size_t m, const vector *u, vector *g)
{
    vector sum = u[1] + u[2], difference = u[1] - u[2];
    if (m == 2) {
        g[0] = FMA(SPREAD(0.5f), sum, u[0]);
        g[1] = SPREAD(0.5f) * difference;
        g[2] = FMA(SPREAD(0.5f), sum, u[3]);
        return;
    }
    vector sum_2 = u[3] + u[4], difference_2 = u[3] - u[4];
    g[0] = FMA(SPREAD(1.0f / 6), sum_2, FMA(SPREAD(-2.0f / 3), sum, u[0]));
    g[1] = FMA(SPREAD(SQRT_2 / 6), difference_2, SPREAD(-2.0f / 3 * SQRT_HALF) * difference);
    g[2] = FMA(SPREAD(1.0f / 3), sum_2, FMA(SPREAD(-1.0f / 3), sum, u[5]));
}

/* --- bands: a row of tiles, for one group of channels --- */

/* The rows of `strip`, lines of `wide` positions, that belong to a band: from row `y` of the padded map on.
   What the band before left there, `kept` rows, stays. */
TARGET static void NAME(fill_strip)(const tsr_winograd *w, const float *x, size_t channels, size_t y,
                                    size_t kept, float *strip)
{
    size_t height = w->in.h, width = w->in.w, rows = w->m + 2, line = w->wide * LANES;
    memset(strip + kept * line, 0, (rows - kept) * line * sizeof(float));
    size_t first = y + kept < w->padding_h ? w->padding_h : y + kept; /* of the padded map */
    size_t end = y + rows < height + w->padding_h ? y + rows : height + w->padding_h;
    if (first >= end)
        return;
    NAME(place) place = { .line = line, .first = w->padding_w, .stride = 1 };
    NAME(gather)
    (x + (first - w->padding_h) * width, height * width, channels, end - first, width, &place,
     strip + (first - y) * line);
}

/* B d B^T of a band's tiles, to v, point by point `w->v_point` apart. */
TARGET INLINE void NAME(transform_strip)(size_t m, const tsr_winograd *w, const float *strip, float *columns,
                                         float *v)
{
    size_t n = m + 2, line = w->wide * LANES;
    vector in[POINTS], out[POINTS];
    for (size_t x = 0; x < w->wide; x++) {
        EACH (i, n)
            in[i] = FROM(strip + i * line + x * LANES);
        NAME(input_points)(m, in, out);
        EACH (i, n)
            AT(columns + i * line + x * LANES) = out[i];
    }
    for (size_t t = 0; t < w->tiles_w; t++)
        for (size_t i = 0; i < n; i++) {
            EACH (j, n)
                in[j] = FROM(columns + i * line + (t * m + j) * LANES);
            NAME(input_points)(m, in, out);
            EACH (j, n)
                AT(v + (i * n + j) * w->v_point + t * LANES) = out[j];
        }
}

/* B d B^T of bands first .. first + n - 1, groups g .. of channels: v is point x group x tile x LANES. */
TARGET static void NAME(inputs)(const tsr_winograd *w, const float *x, size_t first, size_t n, size_t group,
                                size_t groups, float *v, float *work)
{
    float *strip = work, *columns = work + (w->m + 2) * w->wide * LANES;
    size_t plane = w->in.h * w->in.w, line = w->wide * LANES;
    for (size_t g = 0; g < groups; g++) {
        size_t c = (group + g) * LANES, channels = w->in.c - c < LANES ? w->in.c - c : LANES;
        for (size_t b = 0; b < n; b++) {
            size_t sample = (first + b) / w->tiles_h, row = (first + b) % w->tiles_h, kept = 0;
            if (b && row) {
                kept = 2;
                memcpy(strip, strip + w->m * line, 2 * line * sizeof(float));
            }
            NAME(fill_strip)(w, x + (sample * w->in.c + c) * plane, channels, row * w->m, kept, strip);
            float *to = v + (g * w->block + b * w->tiles_w) * LANES;
            if (w->m == 4)
                NAME(transform_strip)(4, w, strip, columns, to);
            else
                NAME(transform_strip)(2, w, strip, columns, to);
        }
    }
}

/* A^T M A of a band's tiles, plus bias, to `rows`, m rows of out.w positions. */
TARGET INLINE void NAME(transform_back)(size_t m, const tsr_winograd *w, const float *points,
                                        const float *bias, float *rows)
{
    size_t n = m + 2;
    vector in[POINTS], out[POINTS], half[4][POINTS];
    for (size_t t = 0; t < w->tiles_w; t++) {
        EACH (j, n) {
            EACH (i, n)
                in[i] = FROM(points + (i * n + j) * w->m_point + t * LANES);
            NAME(output_values)(m, in, out);
            EACH (i, m)
                half[i][j] = out[i];
        }
        EACH (i, m) {
            NAME(output_values)(m, half[i], out);
            size_t left = w->out.w - t * m;
            float *to = rows + (i * w->out.w + t * m) * LANES;
            EACH (j, m)
                if (j < left)
                    AT(to + j * LANES) = out[j] + FROM(bias);
        }
    }
}

TARGET static void NAME(outputs)(const tsr_winograd *w, const float *points, size_t first, size_t n, float *y,
                                 float *rows)
{
    size_t plane = w->out.h * w->out.w;
    for (size_t c = 0; c < w->out.c; c += LANES) {
        size_t channels = w->out.c - c < LANES ? w->out.c - c : LANES;
        for (size_t b = 0; b < n; b++) {
            size_t sample = (first + b) / w->tiles_h, row = (first + b) % w->tiles_h * w->m;
            const float *from = points + (c / LANES * w->block + b * w->tiles_w) * LANES;
            if (w->m == 4)
                NAME(transform_back)(4, w, from, w->bias + c, rows);
            else
                NAME(transform_back)(2, w, from, w->bias + c, rows);
            size_t height = w->out.h - row < w->m ? w->out.h - row : w->m;
            NAME(scatter)
            (rows, height * w->out.w, channels, y + (sample * w->out.c + c) * plane + row * w->out.w, plane);
        }
    }
}

/* --- weights --- */

/* G g G^T of nine vectors `g`, `step` apart, or of them rotated by half a circle, to points `u_point` apart.
 */
TARGET INLINE void NAME(transform_weights)(size_t m, bool transposed, const float *g, float *u,
                                           size_t u_point)
{
    size_t n = m + 2;
    vector in[3], out[POINTS], half[POINTS][3];
    EACH (j, 3) {
        EACH (i, 3)
            in[i] = FROM(g + (transposed ? 8 - 3 * i - j : 3 * i + j) * LANES);
        NAME(weight_points)(m, in, out);
        EACH (i, n)
            half[i][j] = out[i];
    }
    EACH (i, n) {
        NAME(weight_points)(m, half[i], out);
        EACH (j, n)
            AT(u + (i * n + j) * u_point) = out[j];
    }
}

/* Group `group` of the channels that come out, in lanes: u is point x panel x channel in x vectors x LANES.
   The weights are out x in x 9; where `transposed`, in x out x 9. */
TARGET static void NAME(weights)(const tsr_winograd *w, const float *weights, bool transposed, size_t group,
                                 float *u, float *work)
{
    size_t in = w->in.c, out = w->out.c, first = group * LANES, panel = group / VECTORS;
    size_t lanes = out - first < LANES ? out - first : LANES;
    size_t vectors = w->out_groups - panel * VECTORS < VECTORS ? w->out_groups - panel * VECTORS : VECTORS;
    float *to = u + panel * VECTORS * LANES * w->in_groups * w->inner + group % VECTORS * LANES;
    NAME(place) place = { .stride = 1 };
    for (size_t c = 0; c < w->in_groups * w->inner; c++, to += vectors * LANES) {
        const float *nine = work;
        if (c >= in)
            memset(work, 0, 9 * LANES * sizeof(float));
        else if (transposed)
            NAME(gather)(weights + (c * out + first) * 9, 9, lanes, 1, 9, &place, work);
        else {
            if (c % LANES == 0) /* those of a whole group: they lie side by side */
                NAME(gather)
            (weights + (first * in + c) * 9, in * 9, lanes, 1, 9 * (in - c < LANES ? in - c : LANES), &place,
             work);
            nine += c % LANES * 9 * LANES;
        }
        if (w->m == 4)
            NAME(transform_weights)(4, transposed, nine, to, w->u_point);
        else
            NAME(transform_weights)(2, transposed, nine, to, w->u_point);
    }
}

/* --- forward, and the gradient by the input --- */

/* Bands first .. first + n - 1 from start to end. */
TARGET static void NAME(winograd_bands)(const tsr_winograd *w, size_t first, size_t n, float *work)
{
    float *v = work, *points = v + w->v_floats, *strips = points + w->m_floats;
    size_t a[MAX_GROUPS], b[MAX_GROUPS], tiles = n * w->tiles_w;
    tsr_terms terms = { w->in_groups, w->inner, a, b };
    for (size_t g = 0; g < w->in_groups; g++) {
        a[g] = g * w->block * LANES;
        b[g] = g * w->inner * LANES;
    }
    NAME(inputs)(w, w->x, first, n, 0, w->in_groups, v, strips);
    for (size_t p = 0; p < (w->m + 2) * (w->m + 2); p++)
        for (size_t g = 0; g < w->out_groups; g += VECTORS) {
            size_t vectors = w->out_groups - g < VECTORS ? w->out_groups - g : VECTORS;
            const float *panel = w->u + p * w->u_point + g * LANES * w->in_groups * w->inner;
            NAME(tiles)
            (tiles, vectors, &terms, v + p * w->v_point, panel, NULL,
             points + p * w->m_point + g * w->block * LANES, LANES, w->block * LANES);
        }
    NAME(outputs)(w, points, first, n, w->y, strips);
}

/* --- the gradient by the weights --- */

/* A dy A^T of a band's tiles, from its rows in `strip`, m lines of whole tiles. */
TARGET INLINE void NAME(transform_gradients)(size_t m, const tsr_winograd *w, const float *strip,
                                             float *points)
{
    size_t n = m + 2, line = w->tiles_w * m * LANES;
    vector in[4], out[POINTS], half[POINTS][4];
    for (size_t t = 0; t < w->tiles_w; t++) {
        EACH (j, m) {
            EACH (i, m)
                in[i] = FROM(strip + i * line + (t * m + j) * LANES);
            NAME(output_points)(m, in, out);
            EACH (i, n)
                half[i][j] = out[i];
        }
        EACH (i, n) {
            NAME(output_points)(m, half[i], out);
            EACH (j, n)
                AT(points + (i * n + j) * w->m_point + t * LANES) = out[j];
        }
    }
}

TARGET static void NAME(gradients)(const tsr_winograd *w, size_t first, size_t n, size_t group, size_t groups,
                                   float *points, float *strip)
{
    size_t plane = w->out.h * w->out.w, line = w->tiles_w * w->m * LANES;
    NAME(place) place = { .line = line, .stride = 1 };
    for (size_t g = 0; g < groups; g++) {
        size_t c = (group + g) * LANES, channels = w->out.c - c < LANES ? w->out.c - c : LANES;
        for (size_t b = 0; b < n; b++) {
            size_t sample = (first + b) / w->tiles_h, row = (first + b) % w->tiles_h * w->m;
            size_t height = w->out.h - row < w->m ? w->out.h - row : w->m;
            if (height < w->m || w->out.w % w->m)
                memset(strip, 0, w->m * line * sizeof(float));
            NAME(gather)
            (w->dy + (sample * w->out.c + c) * plane + row * w->out.w, plane, channels, height, w->out.w,
             &place, strip);
            float *to = points + (g * w->block + b * w->tiles_w) * LANES;
            if (w->m == 4)
                NAME(transform_gradients)(4, w, strip, to);
            else
                NAME(transform_gradients)(2, w, strip, to);
        }
    }
}

/* G^T u G of points `u_point` apart, to nine vectors. */
TARGET INLINE void NAME(transform_weights_back)(size_t m, const float *u, size_t u_point, float *g)
{
    size_t n = m + 2;
    vector in[POINTS], out[3], half[3][POINTS];
    EACH (j, n) {
        EACH (i, n)
            in[i] = FROM(u + (i * n + j) * u_point);
        NAME(weight_values)(m, in, out);
        EACH (i, 3)
            half[i][j] = out[i];
    }
    EACH (i, 3) {
        NAME(weight_values)(m, half[i], out);
        EACH (j, 3)
            AT(g + (3 * i + j) * LANES) = out[j];
    }
}

/* The sums over bands first .. end - 1, for a chunk of channels in and one of channels out; dw is the whole
   weight's. */
TARGET static void NAME(winograd_weights)(const tsr_winograd *w, const tsr_chunk *chunk, size_t first,
                                          size_t end, float *dw, float *work)
{
    size_t n = (w->m + 2) * (w->m + 2), row = chunk->out_groups * LANES;
    size_t point = chunk->in_groups * w->inner * row;
    float *v = work, *points = v + w->v_floats, *strips = points + w->m_floats, *u = strips + w->strip_floats;
    size_t bands = w->block / w->tiles_w;
    for (size_t band = first; band < end; band += bands) {
        size_t now = end - band < bands ? end - band : bands;
        NAME(inputs)(w, w->x, band, now, chunk->in_group, chunk->in_groups, v, strips);
        NAME(gradients)(w, band, now, chunk->out_group, chunk->out_groups, points, strips);
        for (size_t p = 0; p < n; p++)
            for (size_t g = 0; g < chunk->in_groups; g++)
                NAME(outers)
        (w->inner, chunk->out_groups, band > first, 1, now * w->tiles_w,
         v + p * w->v_point + g * w->block * LANES, 0, points + p * w->m_point, w->block * LANES,
         u + p * point + g * w->inner * row);
    }
    for (size_t g = 0; g < chunk->in_groups; g++)
        for (size_t h = 0; h < chunk->out_groups; h++) {
            size_t c = (chunk->in_group + g) * LANES, o = (chunk->out_group + h) * LANES;
            size_t channels = w->in.c - c < LANES ? w->in.c - c : LANES;
            for (size_t k = 0; k < channels; k++) {
                const float *from = u + (g * w->inner + k) * row + h * LANES;
                if (w->m == 4)
                    NAME(transform_weights_back)(4, from, point, strips + k * 9 * LANES);
                else
                    NAME(transform_weights_back)(2, from, point, strips + k * 9 * LANES);
            }
            NAME(scatter)
            (strips, channels * 9, w->out.c - o < LANES ? w->out.c - o : LANES, dw + (o * w->in.c + c) * 9,
             w->in.c * 9);
        }
}

/* --- what the driver calls --- */

static const tsr_winograd_kernels NAME(winograd) = { LANES, NAME(weights), NAME(winograd_bands),
                                                     NAME(winograd_weights) };
