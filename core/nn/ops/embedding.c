/* Embedding: each input is the number of a row of the weight, (count, width). */
#include "nn/ops/ops.h"

#include <math.h>
#include <string.h>

typedef struct embedding_config {
    int count, width;
} embedding_config;

tsr_node *tsr_embedding(tsr_graph *graph, tsr_node *x, int count, int width)
{
    return tsr_apply(graph, &tsr_op_embedding, &(embedding_config){ count, width }, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const embedding_config *config = tsr_setup_config(setup);
    tsr_shape out = tsr_setup_input(setup, 0);
    if (config->count < 1 || config->width < 1 || out.n_dims == TSR_MAX_DIMS) {
        tsr_setup_fail(
            setup, "%d rows of width %d for an input of %zu dimensions, expected at least 1 and at most %d",
            config->count, config->width, out.n_dims, TSR_MAX_DIMS - 1);
        return;
    }
    out.dims[out.n_dims++] = (size_t)config->width;
    tsr_setup_output(setup, out);
    tsr_setup_parameter(setup,
                        &(tsr_parameter_spec){ .name = "weight",
                                               .role = TSR_ROLE_WEIGHT,
                                               .n_dims = 2,
                                               .dims = { (size_t)config->count, (size_t)config->width },
                                               .init = TSR_INIT_NORMAL,
                                               .constant = 1 });
}

/* The nearest row that there is; what is no number is row 0. */
static size_t row_of(float x, int count)
{
    float nearest = roundf(x);
    return nearest >= (float)(count - 1) ? (size_t)count - 1 : nearest > 0 ? (size_t)nearest : 0;
}

static void forward(const tsr_pass *pass)
{
    const embedding_config *config = pass->config;
    size_t n = pass->n * tsr_shape_size(pass->shapes[0]), width = (size_t)config->width;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * width))
    for (size_t i = 0; i < n; i++)
        memcpy(pass->output + i * width,
               pass->parameters[0] + row_of(pass->inputs[0][i], config->count) * width,
               width * sizeof(float));
}

/* Rows are added up in the order of the inputs; each column is a task of its own. No gradient goes to the
 * inputs. */
static void backward(const tsr_pass *pass)
{
    const embedding_config *config = pass->config;
    size_t n = pass->n * tsr_shape_size(pass->shapes[0]), width = (size_t)config->width;
    float *d_weight = pass->parameter_gradients[0];
    memset(d_weight, 0, (size_t)config->count * width * sizeof(float));
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * width))
    for (size_t j = 0; j < width; j++)
        for (size_t i = 0; i < n; i++)
            d_weight[row_of(pass->inputs[0][i], config->count) * width + j] +=
                pass->output_gradient[i * width + j];
    if (pass->input_gradients[0])
        memset(pass->input_gradients[0], 0, n * sizeof(float));
}

const tsr_op tsr_op_embedding = { .size = sizeof(tsr_op),
                                  .name = "embedding",
                                  .config_size = sizeof(embedding_config),
                                  .flags = TSR_OP_READS_INPUTS,
                                  .setup = setup,
                                  .forward = forward,
                                  .backward = backward };
