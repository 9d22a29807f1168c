/* Add: a + b, elementwise, of one shape; the gradient goes to both unchanged. */
#include "nn/graph.h"
#include "nn/ops/ops.h"
#include "nn/ops/copy.h"

#include <tessera/multiversion.h>

tsr_node *tsr_add(tsr_graph *graph, tsr_node *a, tsr_node *b)
{
    return tsr_apply(graph, &tsr_op_add, NULL, 2, (tsr_node *[]){ a, b });
}

static void setup(tsr_setup *setup)
{
    tsr_node *const *inputs = setup->node->inputs;
    tsr_shape a = tsr_setup_input(setup, 0), b = tsr_setup_input(setup, 1);
    if (!tsr_shape_equal(a, b)) {
        char a_text[TSR_SHAPE_TEXT], b_text[TSR_SHAPE_TEXT];
        tsr_shape_format(a, a_text, sizeof(a_text));
        tsr_shape_format(b, b_text, sizeof(b_text));
        tsr_setup_fail(setup, "'%s' is %s and '%s' is %s, expected one shape", inputs[0]->name, a_text,
                       inputs[1]->name, b_text);
    }
    tsr_setup_output(setup, a);
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

const tsr_op tsr_op_add = {
    .size = sizeof(tsr_op),
    .name = "add",
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
