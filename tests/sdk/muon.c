/* muon: the momentum of every matrix made orthogonal by Newton and Schulz' iteration, plain gradient descent
   for the rest (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024). It sees
   which tensors are matrices by their roles and dimensions; what it works with lies in slots of its own, so
   that it allocates nothing. */
#include <math.h>
#include <string.h>
#include <tessera/optimizer.h>

typedef struct muon {
    double learning_rate, momentum;
} muon;

static const tsr_key keys[] = {
    TSR_KEY_REAL(muon, learning_rate, 0.02, 0.0, 1e6, "step size, before the schedule"),
    TSR_KEY_REAL(muon, momentum, 0.95, 0.0, 1.0, "how much of the last direction is kept"),
    TSR_KEY_END,
};

enum { MOMENTUM, NOW, NEXT, GRAM, SQUARE, N_SLOTS };
enum { ROUNDS = 5 };

static size_t slots(const void *self)
{
    (void)self;
    return N_SLOTS;
}

/* x, rows x columns, is replaced by about U V^T, where U S V^T is x. With G = X X^T, or X^T X where that is
   smaller, a round is X' = (a + b G + c G^2) X, or its mirror image. */
static void orthogonalise(int rows, int columns, float *x, float *next, float *gram, float *square)
{
    const float a = 3.4445F, b = -4.7750F, c = 2.0315F;
    const bool wide = rows <= columns;
    const int side = wide ? rows : columns, other = wide ? columns : rows;
    const size_t n = (size_t)rows * (size_t)columns, n_gram = (size_t)side * (size_t)side;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    const float scale = (float)(1 / (sqrt(sum) + 1e-7));
    for (size_t i = 0; i < n; i++)
        x[i] *= scale;
    const tsr_matrix_product to_gram = {
        .rows = side, .columns = side, .inner = other, .transpose_a = !wide, .transpose_b = wide
    };
    const tsr_matrix_product to_square = { .rows = side, .columns = side, .inner = side };
    const tsr_matrix_product to_next = { .rows = rows, .columns = columns, .inner = side };
    for (int round = 0; round < ROUNDS; round++) {
        tsr_multiply_matrices(to_gram, x, x, gram);
        tsr_multiply_matrices(to_square, gram, gram, square);
        for (size_t i = 0; i < n_gram; i++)
            gram[i] = b * gram[i] + c * square[i];
        if (wide)
            tsr_multiply_matrices(to_next, gram, x, next);
        else
            tsr_multiply_matrices(to_next, x, gram, next);
        for (size_t i = 0; i < n; i++)
            x[i] = a * x[i] + next[i];
    }
}

static void update_tensor(const muon *o, const tsr_update *u, const tsr_update_tensor *tensor)
{
    const bool is_matrix = tensor->role == TSR_ROLE_WEIGHT && tensor->n_dims >= 2;
    const size_t at = tensor->first, rows = tensor->dims[0], columns = tensor->n / rows;
    float *w = u->values + at, *v = u->slots[MOMENTUM] + at, *now = u->slots[NOW] + at;
    const float *g = u->gradients + at;
    const double rate = o->learning_rate * u->rate_factor;
    if (!is_matrix) {
        for (size_t i = 0; i < tensor->n; i++)
            w[i] -= (float)rate * g[i];
        return;
    }
    for (size_t i = 0; i < tensor->n; i++)
        v[i] = (float)o->momentum * v[i] + g[i];
    memcpy(now, v, tensor->n * sizeof(float));
    orthogonalise((int)rows, (int)columns, now, u->slots[NEXT] + at, u->slots[GRAM] + at,
                  u->slots[SQUARE] + at);
    const float step = (float)(rate * sqrt(fmax(1, (double)rows / (double)columns)));
    for (size_t i = 0; i < tensor->n; i++)
        w[i] -= step * now[i];
}

static void update(const void *self, const tsr_update *u)
{
    for (size_t t = 0; t < u->n_tensors; t++)
        update_tensor(self, u, &u->tensors[t]);
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops),
    .name = "muon",
    .version = "1.0.0",
    .summary = "orthogonal steps for matrices",
    .licence = "MIT",
    TSR_INSTANCE(muon),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
