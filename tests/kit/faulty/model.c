/* A model: an operator of its own (x times a learned factor each) and a dense layer; faults by name. */
#include "faulty.h"

#include <tessera/model.h>

enum {
    GRADIENT = OWN,
    PART,
    PEEKS,
    ALTERNATES,
    THREADS,
    SIGN,
    PERCENT,
    LATER,
    BEFORE,
    BEHIND,
    SAVES,
    SCRATCHES,
    SPOILS,
    INPUT,
    RACES,
    TASKS,
    FORWARD_NAN,
    FORWARD_KEEPS,
    FORWARD_ROUNDS,
    FORWARD_HANGS,
    BENT,
    ENDS_PIECE,
    LINE_OFF
};
FAULTS("gradient", "part", "peeks", "alternates", "threads", "sign", "percent", "later", "before", "behind",
       "saves", "scratches", "spoils", "input", "races", "tasks", "forward_nan", "forward_keeps",
       "forward_rounds", "forward_hangs", "bent", "ends_piece", "line_off");

static void setup(tsr_setup *s)
{
    tsr_shape shape = tsr_setup_input(s, 0);
    size_t n = tsr_shape_size(shape);
    tsr_setup_output(s, shape);
    tsr_setup_parameter(
        s, &(tsr_parameter_spec){
               .name = "factor", .role = TSR_ROLE_SCALE, .n_dims = 1, .dims = { n }, .constant = 1 });
    tsr_setup_saved(s, 1, 0);
    tsr_setup_scratch(s, 0, 16);
}

/* What harm does from within an operator. */
static void do_harm(int fault)
{
    harm(fault == FORWARD_KEEPS    ? KEEPS
         : fault == FORWARD_ROUNDS ? ROUNDING
         : fault == FORWARD_HANGS  ? HANGS
                                   : 0);
}

static void forward(const tsr_pass *pass)
{
    const int *fault = pass->config;
    size_t n = tsr_shape_size(pass->shape), all = pass->n * n;
    float extra = *fault == THREADS ? 1e-3f * (float)tsr_threads() : *fault == PEEKS ? pass->saved[0] : 0;
    do_harm(*fault);
    for (size_t i = 0; i < all; i++)
        pass->output[i] =
            (*fault == BENT ? fabsf(pass->inputs[0][i]) : pass->inputs[0][i]) * pass->parameters[0][i % n] +
            extra;
    if (*fault == FORWARD_NAN)
        pass->output[3] = NAN;
    if (*fault == BEFORE)
        pass->output[-1] = 0;
    if (*fault == BEHIND)
        pass->output[all] = 0;
    if (*fault == SAVES)
        pass->saved[pass->n] = 0;
    if (*fault == SCRATCHES)
        pass->scratch[-1] = 0;
}

static float sum; /* what tasks and threads add to */

static void add(void *context, size_t i)
{
    sum += ((const float *)context)[i] * 0.1f;
}

static void race(size_t n, const float *x)
{
    volatile float *shared = &sum;
#pragma omp parallel for num_threads(tsr_threads())
    for (size_t i = 0; i < n; i++)
        *shared = *shared + x[i];
}

static void backward(const tsr_pass *pass)
{
    const int *fault = pass->config;
    size_t n = tsr_shape_size(pass->shape), steps = pass->shape.n_dims == 2 ? pass->shape.dims[1] : 1;
    float *gradient = pass->parameter_gradients[0];
    sum = 0;
    if (*fault == RACES)
        race(pass->n * n, pass->inputs[0]);
    if (*fault == TASKS)
        tsr_parallel_for(pass->n * n, pass->n * n, add, (void *)(uintptr_t)pass->inputs[0]);
    for (size_t k = *fault == PART; k < n; k++) {
        gradient[k] = sum;
        for (size_t s = 0; s < pass->n; s++)
            gradient[k] += pass->output_gradient[s * n + k] * pass->inputs[0][s * n + k];
        if (*fault == GRADIENT || (*fault == LATER && k % steps > 0))
            gradient[k] *= 0.5f;
        if (*fault == PERCENT)
            gradient[k] *= 1.03f;
        if (*fault == SIGN && k == 7)
            gradient[k] = -gradient[k];
    }
    if (*fault == SPOILS)
        gradient[n] = 0;
    for (size_t i = 0; pass->input_gradients[0] && i < pass->n * n; i++)
        pass->input_gradients[0][i] =
            pass->output_gradient[i] * pass->parameters[0][i % n] * (*fault == INPUT && i % n == 7 ? -1 : 1);
}

static tsr_status *line(const tsr_line_pass *pass)
{
    const int *fault = pass->config;
    size_t n = tsr_shape_size(pass->shape);
    for (size_t i = 0; i < pass->n * n; i++) {
        double factor = (double)pass->parameters[0][i % n] * (*fault == LINE_OFF ? 1.1 : 1);
        pass->value[i] = factor * pass->values[0][i];
        pass->slope[i] = factor * pass->slopes[0][i];
        if (*fault == ENDS_PIECE)
            tsr_line_meet(pass->t[i / n], pass->value[i], pass->slope[i], 0, &pass->next[i / n]);
    }
    return NULL;
}

static const tsr_op scaled = { .size = sizeof(tsr_op),
                               .name = "scaled",
                               .config_size = sizeof(int),
                               .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE,
                               .setup = setup,
                               .forward = forward,
                               .backward = backward,
                               .line = line };

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int classes)
{
    const faulty *f = self;
    int extra = f->fault == GIVES_NAN ? 0 : (int)begin(f);
    x = tsr_apply(g, &scaled, &f->fault, 1, &x);
    x = tsr_apply(g, &scaled, &f->fault, 1, &x); /* whose input has a gradient */
    x = tsr_dense(g, tsr_flatten(g, x), 8 + extra + (f->fault == ALTERNATES ? uses++ : 0));
    return tsr_dense(g, x, classes);
}

static const tsr_model_ops ops = { .build = build };
FAULTY(TSR_MODEL_PLUGIN(&ops))
