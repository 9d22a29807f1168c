/* A model: an operator of its own (x times a learned factor each) and a dense layer; faults by name. */
#include "faulty.h"

#include <tessera/model.h>

enum { GRADIENT = OWN, PART, PEEKS, ALTERNATES, THREADS };
FAULTS("gradient", "part", "peeks", "alternates", "threads");

static void setup(tsr_setup *s)
{
    tsr_shape shape = tsr_setup_input(s, 0);
    size_t n = tsr_shape_size(shape);
    tsr_setup_output(s, shape);
    tsr_setup_parameter(
        s, &(tsr_parameter_spec){
               .name = "factor", .role = TSR_ROLE_SCALE, .n_dims = 1, .dims = { n }, .constant = 1 });
    tsr_setup_saved(s, 1, 0);
}

static void forward(const tsr_pass *pass)
{
    const int *fault = pass->config;
    size_t n = tsr_shape_size(pass->shape);
    float extra = *fault == THREADS ? 1e-3f * (float)tsr_threads() : *fault == PEEKS ? pass->saved[0] : 0;
    for (size_t i = 0; i < pass->n * n; i++)
        pass->output[i] = pass->inputs[0][i] * pass->parameters[0][i % n] + extra;
}

static void backward(const tsr_pass *pass)
{
    const int *fault = pass->config;
    size_t n = tsr_shape_size(pass->shape);
    float *gradient = pass->parameter_gradients[0];
    for (size_t k = *fault == PART; k < n; k++) {
        gradient[k] = 0;
        for (size_t s = 0; s < pass->n; s++)
            gradient[k] += pass->output_gradient[s * n + k] * pass->inputs[0][s * n + k];
        if (*fault == GRADIENT)
            gradient[k] *= 0.5f;
    }
    for (size_t i = 0; pass->input_gradients[0] && i < pass->n * n; i++)
        pass->input_gradients[0][i] = pass->output_gradient[i] * pass->parameters[0][i % n];
}

static const tsr_op scaled = { .size = sizeof(tsr_op),
                               .name = "scaled",
                               .config_size = sizeof(int),
                               .flags = TSR_OP_READS_INPUTS,
                               .setup = setup,
                               .forward = forward,
                               .backward = backward };

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int classes)
{
    const faulty *f = self;
    int extra = begin(f);
    x = tsr_apply(g, &scaled, &f->fault, 1, &x);
    x = tsr_dense(g, x, 8 + extra + (f->fault == ALTERNATES ? uses++ : 0));
    return tsr_dense(g, x, classes);
}

static const tsr_model_ops ops = { build };
FAULTY(TSR_MODEL_PLUGIN(&ops))
