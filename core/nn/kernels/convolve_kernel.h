/* Convolution for one instruction set. convolve.c includes this once for each, with these defined: LANES,
   floats of a vector; ROWS, of a tile; CHANNELS, of a tile of a weight gradient; TARGET, the functions'
   attribute; NAME, their names; FMA, a b + c rounded once; SPREAD, one value in all lanes; LOAD and STORE,
   the first n lanes; TRANSPOSE, LANES vectors in place.

   Channels come in groups of LANES, so that a position is a vector: a group of a map is height x width x
   LANES, what it lacks of a whole group is zero. Every sum of a tile is one chain of fused multiply-adds. */

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define vector NAME(vector)
#define AT(p) (*(vector *)(p))
#define FROM(p) (*(const vector *)(p))

/* --- between planes and groups --- */

/* Where position x of a row goes: every `stride`-th column side by side, so that a strided kernel finds its
   values next to each other. */
typedef struct NAME(place) {
    size_t line;          /* floats from a row to the next */
    size_t first, stride; /* x becomes first + x, then phase (first + x) % stride, at (first + x) / stride */
    size_t phase;         /* positions from a phase to the next */
} NAME(place);

/* n positions of `channels` planes, at most LANES of both, as a vector each. What comes next is fetched
   ahead: planes lie a page apart or so, where the processor foresees nothing. */
TARGET INLINE void NAME(load_positions)(const float *x, size_t plane, size_t channels, size_t n,
                                        vector *values)
{
    if (n == LANES && channels == LANES) {
        EACH (c, LANES) {
            values[c] = FROM(x + c * plane);
            __builtin_prefetch(x + c * plane + AHEAD);
        }
    } else {
        EACH (c, LANES)
            values[c] = c < channels ? (vector)LOAD(x + c * plane, n) : (vector){ 0 };
    }
    TRANSPOSE(values);
}

/* rows x width values of `channels` planes, at most LANES, to a group. Rows of a plane are side by side. */
TARGET static void NAME(gather)(const float *x, size_t plane, size_t channels, size_t rows, size_t width,
                                const NAME(place) * place, float *out)
{
    size_t all = rows * width, column = 0;
    for (size_t q = 0; q < all; q += LANES) {
        vector values[LANES];
        size_t n = all - q < LANES ? all - q : LANES;
        NAME(load_positions)(x + q, plane, channels, n, values);
        if (place->stride == 1 && n == LANES && column + LANES <= width) {
            float *to = out + (place->first + column) * LANES;
            EACH (i, LANES)
                AT(to + i * LANES) = values[i];
            column += LANES;
        } else {
            for (size_t i = 0; i < n; i++) {
                if (column == width) {
                    column = 0;
                    out += place->line;
                }
                size_t at = place->first + column++, phase = 0;
                if (place->stride > 1) {
                    phase = at % place->stride;
                    at /= place->stride;
                }
                AT(out + (phase * place->phase + at) * LANES) = values[i];
            }
        }
        if (column == width) {
            column = 0;
            out += place->line;
        }
    }
}

/* n positions of a group to planes. */
TARGET static void NAME(scatter)(const float *in, size_t n, size_t channels, float *x, size_t plane)
{
    for (size_t q = 0; q < n; q += LANES) {
        vector values[LANES];
        size_t now = n - q < LANES ? n - q : LANES;
        EACH (i, LANES)
            values[i] = i < now ? FROM(in + (q + i) * LANES) : (vector){ 0 };
        TRANSPOSE(values);
        if (now == LANES && channels == LANES) {
            EACH (c, LANES)
                AT(x + c * plane + q) = values[c];
        } else
            for (size_t c = 0; c < channels; c++)
                STORE(x + c * plane + q, now, values[c]);
    }
}

/* --- tiles --- */

/* rows x vectors of C = start + the sum over terms of A B: rows of A are LANES apart, B is (inner x vectors)
   vectors per term. */
TARGET INLINE void NAME(tile)(size_t rows, size_t vectors, const tsr_terms *terms, const float *a,
                              const float *b, const float *start, float *c, size_t c_row, size_t c_group)
{
    vector sums[ROWS][VECTORS];
    EACH (r, rows)
        EACH (v, vectors)
            sums[r][v] = start ? FROM(start + v * LANES) : (vector){ 0 };
    for (size_t i = 0; i < terms->n; i++) {
        const float *from = a + terms->a[i], *with = b + terms->b[i] * vectors;
        for (size_t k = 0; k < terms->inner; k++) {
            vector line[VECTORS];
            EACH (v, vectors)
                line[v] = FROM(with + (k * vectors + v) * LANES);
            EACH (r, rows)
                EACH (v, vectors)
                    sums[r][v] = FMA(SPREAD(from[r * LANES + k]), line[v], sums[r][v]);
        }
    }
    EACH (r, rows)
        EACH (v, vectors)
            AT(c + r * c_row + v * c_group) = sums[r][v];
}

/* The same with both sizes variable. */
TARGET static void NAME(any_tile)(size_t rows, size_t vectors, const tsr_terms *terms, const float *a,
                                  const float *b, const float *start, float *c, size_t c_row, size_t c_group)
{
#define CASE(r)                                                                                              \
    case (r):                                                                                                \
        if (vectors == 1)                                                                                    \
            NAME(tile)((r) < ROWS ? (r) : ROWS, 1, terms, a, b, start, c, c_row, c_group);                   \
        else                                                                                                 \
            NAME(tile)((r) < ROWS ? (r) : ROWS, 2, terms, a, b, start, c, c_row, c_group);                   \
        break;
    switch (rows) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
#if ROWS > 6
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
#endif
    }
#undef CASE
}

/* n rows, cut into tiles of nearly one height. */
TARGET static void NAME(tiles)(size_t n, size_t vectors, const tsr_terms *terms, const float *a,
                               const float *b, const float *start, float *c, size_t c_row, size_t c_group)
{
    size_t tiles = (n + ROWS - 1) / ROWS;
    for (size_t t = 0; t < tiles; t++) {
        size_t first = t * n / tiles, rows = (t + 1) * n / tiles - first;
        NAME(any_tile)
        (rows, vectors, terms, a + first * LANES, b, start, c + first * c_row, c_row, c_group);
    }
}

/* channels x vectors of C (+)= A^T B along lines of n positions: of A `a_line` apart, of B contiguous. */
TARGET INLINE void NAME(outer)(size_t channels, size_t vectors, bool add, size_t lines, size_t n,
                               const float *a, size_t a_line, const float *b, size_t b_group, float *c,
                               size_t c_row)
{
    vector sums[LANES][VECTORS];
    EACH (r, channels)
        EACH (v, vectors)
            sums[r][v] = add ? FROM(c + r * c_row + v * LANES) : (vector){ 0 };
    for (size_t l = 0; l < lines; l++)
        for (size_t k = 0; k < n; k++) {
            const float *from = a + l * a_line + k * LANES, *with = b + (l * n + k) * LANES;
            vector line[VECTORS];
            EACH (v, vectors)
                line[v] = FROM(with + v * b_group);
            EACH (r, channels)
                EACH (v, vectors)
                    sums[r][v] = FMA(SPREAD(from[r]), line[v], sums[r][v]);
        }
    EACH (r, channels)
        EACH (v, vectors)
            AT(c + r * c_row + v * LANES) = sums[r][v];
}

/* A whole group of channels, or its first few, by all groups of B: C is channels x groups x LANES. */
TARGET static void NAME(outers)(size_t channels, size_t groups, bool add, size_t lines, size_t n,
                                const float *a, size_t a_line, const float *b, size_t b_group, float *c)
{
    size_t c_row = groups * LANES;
    for (size_t g = 0; g < groups; g += VECTORS) {
        const float *with = b + g * b_group;
        float *to = c + g * LANES;
        bool pair = groups - g > 1;
        size_t r = 0;
        for (; !pair && channels == LANES && r < LANES; r += LANES)
            NAME(outer)(LANES, 1, add, lines, n, a, a_line, with, b_group, to, c_row);
        for (; pair && r + CHANNELS <= channels; r += CHANNELS)
            NAME(outer)
        (CHANNELS, 2, add, lines, n, a + r, a_line, with, b_group, to + r * c_row, c_row);
        for (; pair && r + 3 <= channels; r += 3)
            NAME(outer)(3, 2, add, lines, n, a + r, a_line, with, b_group, to + r * c_row, c_row);
        for (; r + 3 <= channels; r += 3)
            NAME(outer)(3, 1, add, lines, n, a + r, a_line, with, b_group, to + r * c_row, c_row);
        for (; pair && r < channels; r++)
            NAME(outer)(1, 2, add, lines, n, a + r, a_line, with, b_group, to + r * c_row, c_row);
        for (; r < channels; r++)
            NAME(outer)(1, 1, add, lines, n, a + r, a_line, with, b_group, to + r * c_row, c_row);
    }
}
