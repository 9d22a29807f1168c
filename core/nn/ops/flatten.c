/* Flatten: c x h x w becomes a vector. Memory is laid out so already; the copy keeps every node's values its
   own, which is what the memory plan reckons with. */
#include "nn/ops/ops.h"
#include "nn/ops/copy.h"

tsr_node *tsr_flatten(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_flatten, NULL, 1, &x);
}

static void setup(tsr_setup *setup)
{
    tsr_setup_output(setup, TSR_SHAPE(tsr_shape_size(tsr_setup_input(setup, 0))));
}

static void forward(const tsr_pass *pass)
{
    tsr_copy(pass->n, tsr_shape_channels(pass->shape), pass->inputs[0], pass->output);
}

static void backward(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        tsr_copy(pass->n, tsr_shape_channels(pass->shape), pass->output_gradient, pass->input_gradients[0]);
}

const tsr_op tsr_op_flatten = {
    .size = sizeof(tsr_op),
    .name = "flatten",
    .flags = TSR_OP_MOVES,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
