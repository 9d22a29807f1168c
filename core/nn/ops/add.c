/* Add: a + b, elementwise, of one shape; the gradient goes to both unchanged. */
#include "nn/ops/ops.h"
#include "nn/ops/copy.h"

#include <tessera/multiversion.h>

tsr_node *tsr_add(tsr_graph *graph, tsr_node *a, tsr_node *b)
{
    if (!tsr_shape_equal(tsr_node_shape(a), tsr_node_shape(b)))
        return tsr_add_repeated(graph, a, b);
    return tsr_apply(graph, &tsr_op_add, NULL, 2, (tsr_node *[]){ a, b });
}

static void setup(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

TSR_MULTIVERSION(sum, (size_t n, const float *a, const float *b, float *restrict out), (n, a, b, out))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

static void forward(const tsr_pass *pass)
{
    size_t size = tsr_shape_size(pass->shape), n = pass->n;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        sum(size, pass->inputs[0] + s * size, pass->inputs[1] + s * size, pass->output + s * size);
}

static void backward(const tsr_pass *pass)
{
    for (size_t i = 0; i < 2; i++)
        if (pass->input_gradients[i])
            tsr_copy(pass->n, tsr_shape_size(pass->shape), pass->output_gradient, pass->input_gradients[i]);
}

static tsr_status *line(const tsr_line_pass *pass)
{
    size_t n = pass->n * tsr_shape_size(pass->shape);
    for (size_t i = 0; i < n; i++) {
        pass->value[i] = pass->values[0][i] + pass->values[1][i];
        pass->slope[i] = pass->slopes[0][i] + pass->slopes[1][i];
    }
    return NULL;
}

const tsr_op tsr_op_add = {
    .size = sizeof(tsr_op),
    .name = "add",
    .flags = TSR_OP_AFFINE,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .line = line,
};
