/* The products for one instruction set. products.c includes this once for each, with these defined: LANES,
   floats of a vector; VECTORS, of a panel's row; TARGET, the functions' attribute; NAME, their names; FMA, a
   b + c rounded once; SPREAD, one value in all lanes; NONZERO, which of 64 values are not zero.

   Dense work goes through panels: a block of one operand copied to rows of PANEL floats, DEPTH rows at most,
   so that it stays in the nearest cache while tiles of ROWS rows of the result, held in registers, meet it.
 */

#define PANEL (LANES * VECTORS)
#define CHUNK (LANES * WIDEST) /* outputs that are worked on at once, at most */

typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define vector NAME(vector)

/* --- panels --- */

/* `rows` x `vectors` of C (+)= A B, B a panel. */
TARGET INLINE void NAME(tile)(size_t rows, size_t vectors, const operand *a, size_t depth, const float *panel,
                              bool add, float *c, size_t c_row)
{
    vector sums[ROWS][VECTORS];
    EACH (r, rows)
        EACH (v, vectors)
            sums[r][v] = add ? *(const vector *)(c + r * c_row + v * LANES) : (vector){ 0 };
    for (size_t k = 0; k < depth; k++) {
        const float *from = a->at + k * a->step;
        vector b[VECTORS];
        EACH (v, vectors)
            b[v] = *(const vector *)(panel + k * PANEL + v * LANES);
        EACH (r, rows)
            EACH (v, vectors)
                sums[r][v] = FMA(SPREAD(from[r * a->row]), b[v], sums[r][v]);
    }
    EACH (r, rows)
        EACH (v, vectors)
            *(vector *)(c + r * c_row + v * LANES) = sums[r][v];
}

/* The same with both sizes variable: one case for each. */
TARGET static void NAME(any_tile)(size_t rows, size_t vectors, const operand *a, size_t depth,
                                  const float *panel, bool add, float *c, size_t c_row)
{
#define CASE(r, v)                                                                                           \
    case 8 * (r) + (v):                                                                                      \
        NAME(tile)(r, (v) < VECTORS ? (v) : VECTORS, a, depth, panel, add, c, c_row);                        \
        break;
#define CASES(v) CASE(1, v) CASE(2, v) CASE(3, v) CASE(4, v) CASE(5, v) CASE(6, v)
    switch (8 * rows + vectors) {
        CASES(1)
        CASES(2)
        CASES(3)
        CASES(4)
    }
#undef CASES
#undef CASE
}

/* rows x columns of C (+)= A B; columns is at most PANEL, C has room for whole vectors where `padded`. */
TARGET static void NAME(meet_panel)(size_t rows, size_t columns, operand a, size_t depth, const float *panel,
                                    bool add, bool padded, float *c, size_t c_row)
{
    size_t vectors = (columns + LANES - 1) / LANES, tiles = (rows + ROWS - 1) / ROWS;
    bool whole = padded || columns == vectors * LANES;
    float edge[ROWS * PANEL];
    for (size_t t = 0; t < tiles; t++) {
        size_t first = t * rows / tiles, n = (t + 1) * rows / tiles - first;
        operand part = { a.at + first * a.row, a.row, a.step };
        float *out = c + first * c_row;
        if (whole) {
            NAME(any_tile)(n, vectors, &part, depth, panel, add, out, c_row);
            continue;
        }
        for (size_t r = 0; add && r < n; r++)
            memcpy(edge + r * PANEL, out + r * c_row, columns * sizeof(float));
        NAME(any_tile)(n, vectors, &part, depth, panel, add, edge, PANEL);
        for (size_t r = 0; r < n; r++)
            memcpy(out + r * c_row, edge + r * PANEL, columns * sizeof(float));
    }
}

/* Rows of B side by side; what a row has beyond `columns` is zero up to whole vectors. */
TARGET static void NAME(pack)(size_t depth, size_t columns, const float *b, size_t b_row, float *panel)
{
    size_t padded = (columns + LANES - 1) / LANES * LANES;
    for (size_t k = 0; k < depth; k++) {
        if (columns == PANEL) {
            EACH (v, VECTORS)
                *(vector *)(panel + k * PANEL + v * LANES) = *(const vector *)(b + k * b_row + v * LANES);
            continue;
        }
        memcpy(panel + k * PANEL, b + k * b_row, columns * sizeof(float));
        memset(panel + k * PANEL + columns, 0, (padded - columns) * sizeof(float));
    }
}

/* Up to PANEL columns of C = A B, from panels of B that are cut along its depth. */
TARGET static void NAME(columns)(size_t rows, size_t columns, operand a, size_t depth, const float *b,
                                 size_t b_row, float *c)
{
    _Alignas(64) float panel[DEPTH * PANEL];
    size_t blocks = (depth + DEPTH - 1) / DEPTH;
    for (size_t i = 0; i < blocks; i++) {
        size_t first = i * depth / blocks, n = (i + 1) * depth / blocks - first;
        NAME(pack)(n, columns, b + first * b_row, b_row, panel);
        NAME(meet_panel)
        (rows, columns, (operand){ a.at + first * a.step, a.row, a.step }, n, panel, i > 0, false, c, b_row);
    }
}

/* --- transposing --- */

/* out[c][r] = in[r][c], 8 x 8. */
TARGET INLINE void NAME(transpose_8)(const float *in, size_t in_row, float *out, size_t out_row)
{
    __m256 r[8], t[8];
    EACH (i, 8) /* rows i % 4 and 4 + i % 4: their left halves, then their right */
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(in + i % 4 * in_row + i / 4 * 4)),
                                    _mm_loadu_ps(in + (i % 4 + 4) * in_row + i / 4 * 4), 1);
    EACH (i, 4) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH (i, 4) { /* columns 2 i and 2 i + 1 */
        __m256 left = t[i / 2 * 4 + i % 2], right = t[i / 2 * 4 + i % 2 + 2];
        _mm256_storeu_ps(out + 2 * i * out_row, _mm256_shuffle_ps(left, right, 0x44));
        _mm256_storeu_ps(out + (2 * i + 1) * out_row, _mm256_shuffle_ps(left, right, 0xee));
    }
}

/* Where 8 do not divide a side, its last block overlaps the one before. Whole columns first: rows of `out`
   are written from end to end. */
TARGET static void NAME(transpose)(size_t rows, size_t columns, const float *in, size_t in_row, float *out,
                                   size_t out_row)
{
    if (rows < 8 || columns < 8) {
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                out[c * out_row + r] = in[r * in_row + c];
        return;
    }
    for (size_t j = 0; j < columns; j += 8) {
        size_t c = at_most(columns - 8, j);
        for (size_t i = 0; i < rows; i += 8) {
            size_t r = at_most(rows - 8, i);
            NAME(transpose_8)(in + r * in_row + c, in_row, out + c * out_row + r, out_row);
        }
    }
}

/* --- where most of x is zero --- */

/* Bit j of the result: x[j] is not zero; n is at most 64. */
TARGET INLINE uint64_t NAME(nonzero)(const float *x, size_t n)
{
    if (n == 64)
        return NONZERO(x);
    uint64_t bits = 0;
    for (size_t j = 0; j < n; j++)
        bits |= (uint64_t)(x[j] != 0) << j;
    return bits;
}

/* sums += factors[j * step] * rows[j] for the bits j of `bits` in ascending order. */
TARGET INLINE void NAME(add_rows)(size_t vectors, uint64_t bits, const float *factors, size_t step,
                                  const float *rows, vector *sums)
{
    for (; bits; bits &= bits - 1) {
        size_t j = (size_t)__builtin_ctzll(bits);
        vector factor = SPREAD(factors[j * step]);
        EACH (v, vectors)
            sums[v] = FMA(factor, *(const vector *)(rows + (j * vectors + v) * LANES), sums[v]);
    }
}

/* y += x w for up to 64 inputs; y and w are rows of `vectors`. */
TARGET INLINE void NAME(skip_inputs)(size_t vectors, size_t samples, size_t inputs, const float *x,
                                     size_t x_row, const float *w, float *y)
{
    for (size_t s = 0; s < samples; s++) {
        uint64_t bits = NAME(nonzero)(x + s * x_row, inputs);
        vector sums[WIDEST], *at = (vector *)(y + s * vectors * LANES);
        if (!bits)
            continue;
        EACH (v, vectors)
            sums[v] = at[v];
        NAME(add_rows)(vectors, bits, x + s * x_row, 1, w, sums);
        EACH (v, vectors)
            at[v] = sums[v];
    }
}

/* dw = x^T dy for up to 64 inputs; bits: for each block of 64 samples and each input those that count. */
TARGET INLINE void NAME(skip_samples)(size_t vectors, size_t blocks, size_t inputs,
                                      const uint64_t (*bits)[64], const float *x, size_t x_row,
                                      const float *dy, float *dw)
{
    for (size_t i = 0; i < inputs; i++) {
        vector sums[WIDEST], *at = (vector *)(dw + i * vectors * LANES);
        EACH (v, vectors)
            sums[v] = (vector){ 0 };
        for (size_t b = 0; b < blocks; b++)
            NAME(add_rows)
        (vectors, bits[b][i], x + b * 64 * x_row + i, x_row, dy + b * 64 * vectors * LANES, sums);
        EACH (v, vectors)
            at[v] = sums[v];
    }
}

#define CASES CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
TARGET static void NAME(skip_any_inputs)(size_t vectors, size_t samples, size_t inputs, const float *x,
                                         size_t x_row, const float *w, float *y)
{
#define CASE(v)                                                                                              \
    case v:                                                                                                  \
        NAME(skip_inputs)(v, samples, inputs, x, x_row, w, y);                                               \
        break;
    switch (vectors) {
        CASES
    }
#undef CASE
}

TARGET static void NAME(skip_any_samples)(size_t vectors, size_t blocks, size_t inputs,
                                          const uint64_t (*bits)[64], const float *x, size_t x_row,
                                          const float *dy, float *dw)
{
#define CASE(v)                                                                                              \
    case v:                                                                                                  \
        NAME(skip_samples)(v, blocks, inputs, bits, x, x_row, dy, dw);                                       \
        break;
    switch (vectors) {
        CASES
    }
#undef CASE
}
#undef CASES

/* --- the products --- */

/* Y of up to 64 samples and WIDEST vectors of outputs, skipping zeros: W's columns become rows. */
TARGET static void NAME(forward_sparse)(const tsr_layer *layer, const float *x, const float *w,
                                        const float *bias, float *y, size_t y_row)
{
    _Alignas(64) float rows[64 * CHUNK], sums[64 * CHUNK];
    size_t vectors = (layer->outputs + LANES - 1) / LANES, width = vectors * LANES;
    memset(rows, 0, sizeof(rows));
    memset(sums, 0, layer->samples * width * sizeof(float));
    for (size_t s = 0; bias && s < layer->samples; s++)
        memcpy(sums + s * width, bias, layer->outputs * sizeof(float));
    for (size_t i = 0; i < layer->inputs; i += 64) {
        size_t n = at_most(64, layer->inputs - i);
        NAME(transpose)(layer->outputs, n, w + i, layer->inputs, rows, width);
        NAME(skip_any_inputs)(vectors, layer->samples, n, x + i, layer->inputs, rows, sums);
    }
    for (size_t s = 0; s < layer->samples; s++)
        memcpy(y + s * y_row, sums + s * width, layer->outputs * sizeof(float));
}

/* Y of up to PANEL samples and 64 outputs: panels of x, transposed. */
TARGET static void NAME(forward_dense)(const tsr_layer *layer, const float *x, const float *w,
                                       const float *bias, float *y, size_t y_row)
{
    _Alignas(64) float panel[DEPTH * PANEL], sums[CHUNK * PANEL];
    size_t blocks = (layer->inputs + DEPTH - 1) / DEPTH;
    for (size_t o = 0; o < layer->outputs; o++)
        for (size_t s = 0; s < PANEL; s++)
            sums[o * PANEL + s] = bias ? bias[o] : 0;
    if (layer->samples < PANEL)
        memset(panel, 0, sizeof(panel));
    for (size_t b = 0; b < blocks; b++) {
        size_t first = b * layer->inputs / blocks, n = (b + 1) * layer->inputs / blocks - first;
        NAME(transpose)(layer->samples, n, x + first, layer->inputs, panel, PANEL);
        NAME(meet_panel)
        (layer->outputs, layer->samples, (operand){ w + first, layer->inputs, 1 }, n, panel, true, true, sums,
         PANEL);
    }
    NAME(transpose)(layer->outputs, layer->samples, sums, PANEL, y, y_row);
}

/* Whether few enough of the values of up to 64 samples are not zero, by every fourth of them. */
TARGET static bool NAME(is_sparse)(const tsr_layer *layer, const float *x, size_t samples)
{
    size_t nonzeros = 0, met = 0;
    if (layer->outputs < MIN_SPARSE)
        return false;
    for (size_t s = 0; s < samples; s += 4, met += layer->inputs)
        for (size_t i = 0; i < layer->inputs; i += 64) {
            size_t n = at_most(64, layer->inputs - i);
            nonzeros += (size_t)__builtin_popcountll(NAME(nonzero)(x + s * layer->inputs + i, n));
        }
    return nonzeros * SPARSE_SHARE < met;
}

/* Y of up to 64 samples and one chunk of outputs. */
TARGET static void NAME(forward_task)(const product *work, size_t task)
{
    const tsr_layer *layer = &work->layer;
    size_t chunks = (layer->outputs + CHUNK - 1) / CHUNK, chunk = task % chunks, sample = task / chunks * 64;
    size_t output = chunk * layer->outputs / chunks, n = at_most(64, layer->samples - sample);
    tsr_layer part = { n, layer->inputs, (chunk + 1) * layer->outputs / chunks - output };
    const float *x = work->x + sample * layer->inputs, *w = work->w + output * layer->inputs;
    const float *bias = work->bias ? work->bias + output : NULL;
    float *y = work->y + sample * layer->outputs + output;
    if (NAME(is_sparse)(layer, x, n)) {
        NAME(forward_sparse)(&part, x, w, bias, y, layer->outputs);
        return;
    }
    for (size_t s = 0; s < n; s += PANEL) {
        part.samples = at_most(PANEL, n - s);
        NAME(forward_dense)
        (&part, x + s * layer->inputs, w, bias, y + s * layer->outputs, layer->outputs);
    }
}

TARGET static void NAME(forward)(const tsr_layer *layer, const float *x, const float *w, const float *bias,
                                 float *y)
{
    product work = { .layer = *layer, .x = x, .w = w, .bias = bias, .y = y };
    size_t chunks = (layer->outputs + CHUNK - 1) / CHUNK;
    do_tasks((layer->samples + 63) / 64 * chunks, NAME(forward_task), &work);
}

/* dX of up to PANEL inputs. */
TARGET static void NAME(input_task)(const product *work, size_t task)
{
    const tsr_layer *layer = &work->layer;
    size_t i = task * PANEL, n = at_most(PANEL, layer->inputs - i);
    NAME(columns)
    (layer->samples, n, (operand){ work->dy, layer->outputs, 1 }, layer->outputs, work->w + i, layer->inputs,
     work->dx + i);
}

TARGET static void NAME(input_gradient)(const tsr_layer *layer, const float *dy, const float *w, float *dx)
{
    product work = { .layer = *layer, .dy = dy, .w = w, .dx = dx };
    do_tasks((layer->inputs + PANEL - 1) / PANEL, NAME(input_task), &work);
}

/* dW of up to 64 inputs, skipping zeros; dy: the chunks of outputs, each samples x whole vectors. */
TARGET static void NAME(gradient_sparse)(const tsr_layer *layer, size_t inputs, const uint64_t (*bits)[64],
                                         const float *x, const float *dy, float *dw)
{
    _Alignas(64) float rows[64 * CHUNK];
    size_t chunks = (layer->outputs + CHUNK - 1) / CHUNK, blocks = (layer->samples + 63) / 64;
    for (size_t c = 0; c < chunks; c++) {
        size_t first = c * layer->outputs / chunks, n = (c + 1) * layer->outputs / chunks - first;
        size_t vectors = (n + LANES - 1) / LANES;
        NAME(skip_any_samples)(vectors, blocks, inputs, bits, x, layer->inputs, dy, rows);
        NAME(transpose)(inputs, n, rows, vectors * LANES, dw + first * layer->inputs, layer->inputs);
        dy += layer->samples * vectors * LANES;
    }
}

/* For up to 64 inputs: which samples are not zero, and how many values in all. */
TARGET static size_t NAME(find_samples)(const tsr_layer *layer, size_t inputs, const float *x,
                                        uint64_t (*bits)[64])
{
    size_t nonzeros = 0;
    for (size_t first = 0; first < layer->samples; first += 64, bits++) {
        memset(*bits, 0, sizeof(*bits));
        for (size_t s = 0; s < 64 && first + s < layer->samples; s++) {
            (*bits)[s] = NAME(nonzero)(x + (first + s) * layer->inputs, inputs);
            nonzeros += (size_t)__builtin_popcountll((*bits)[s]);
        }
        transpose_bits(*bits);
    }
    return nonzeros;
}

/* dW of up to 64 inputs. */
TARGET static void NAME(weight_task)(const product *work, size_t task)
{
    const tsr_layer *layer = &work->layer;
    size_t first = task * 64, inputs = at_most(64, layer->inputs - first);
    const float *x = work->x + first;
    float *dw = work->dw + first;
    uint64_t bits[MAX_BLOCKS][64];
    if (work->padded && NAME(find_samples)(layer, inputs, x, bits) * SPARSE_SHARE < layer->samples * inputs) {
        NAME(gradient_sparse)(layer, inputs, (const uint64_t(*)[64])bits, x, work->padded, dw);
        return;
    }
    for (size_t i = 0; i < inputs; i += PANEL)
        NAME(columns)
    (layer->outputs, at_most(PANEL, inputs - i), (operand){ work->dy, 1, layer->outputs }, layer->samples,
     x + i, layer->inputs, dw + i);
}

TARGET static void NAME(weight_gradient)(const tsr_layer *layer, const float *x, const float *dy, float *dw,
                                         float *scratch)
{
    product work = { .layer = *layer, .x = x, .dy = dy, .dw = dw };
    if (layer->outputs >= MIN_SPARSE && layer->samples <= 64 * MAX_BLOCKS) {
        pad_chunks(layer, LANES, dy, scratch);
        work.padded = scratch;
    }
    do_tasks((layer->inputs + 63) / 64, NAME(weight_task), &work);
}

#undef vector
#undef PANEL
#undef CHUNK
