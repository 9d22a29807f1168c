/* Normalisation of a sample's rows by their own mean and variance: layer norm (Ba, Kiros, Hinton 2016) and
   group norm (Wu and He 2018), y = scale (x - mean) / sqrt(variance + epsilon) + shift. A layer norm's rows
   are the last dimensions, with a scale and shift for each of their elements; a group norm's are groups of
   channels, with one for each channel. Training and inference are the same. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <math.h>

#define MIN_EPSILON 1e-30
#define MAX_EPSILON 1e3
#define PYTORCH_EPSILON 1e-5

enum { SCALE, SHIFT };

typedef struct row_norm_config {
    size_t count; /* of the last dimensions, or of groups */
    double epsilon;
} row_norm_config;

tsr_node *tsr_layer_norm(tsr_graph *graph, tsr_node *x, size_t n_dims, double epsilon)
{
    return tsr_apply(graph, &tsr_op_layer_norm, &(row_norm_config){ n_dims, epsilon }, 1, &x);
}

tsr_node *tsr_group_norm(tsr_graph *graph, tsr_node *x, size_t groups, double epsilon)
{
    return tsr_apply(graph, &tsr_op_group_norm, &(row_norm_config){ groups, epsilon }, 1, &x);
}

static void set_up(tsr_setup *setup, size_t rows, size_t n_dims, const size_t *dims)
{
    const row_norm_config *config = tsr_setup_config(setup);
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
    tsr_setup_constant(setup, &(tsr_constant_spec){ .name = "epsilon",
                                                    .value = config->epsilon,
                                                    .minimum = MIN_EPSILON,
                                                    .maximum = MAX_EPSILON,
                                                    .pytorch = PYTORCH_EPSILON });
    tsr_parameter_spec scale = { .name = "weight", .role = TSR_ROLE_SCALE, .n_dims = n_dims, .constant = 1 },
                       shift = { .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = n_dims };
    for (size_t i = 0; i < n_dims; i++)
        scale.dims[i] = shift.dims[i] = dims[i];
    tsr_setup_parameter(setup, &scale);
    tsr_setup_parameter(setup, &shift);
    tsr_setup_saved(setup, 2 * rows, 0); /* mean and 1 / deviation of each row */
}

static void setup_layer(tsr_setup *setup)
{
    size_t n_dims = ((const row_norm_config *)tsr_setup_config(setup))->count, rows = 1;
    tsr_shape shape = tsr_setup_input(setup, 0);
    char text[TSR_SHAPE_TEXT];
    if (n_dims == 0 || n_dims > shape.n_dims) {
        tsr_setup_fail(setup, "the last %zu dimensions of '%s', which is %s", n_dims,
                       setup->node->inputs[0]->name, tsr_shape_format(shape, text, sizeof(text)));
        return;
    }
    for (size_t i = 0; i + n_dims < shape.n_dims; i++)
        rows *= shape.dims[i];
    set_up(setup, rows, n_dims, shape.dims + (shape.n_dims - n_dims));
}

static void setup_group(tsr_setup *setup)
{
    size_t groups = ((const row_norm_config *)tsr_setup_config(setup))->count;
    tsr_shape shape = tsr_setup_input(setup, 0);
    if (groups == 0 || shape.dims[0] % groups != 0)
        tsr_setup_fail(setup, "%zu groups of the %zu channels of '%s', expected a divisor of them", groups,
                       shape.dims[0], setup->node->inputs[0]->name);
    else
        set_up(setup, groups, 1, shape.dims);
}

/* The rows of a batch. Element j of row r has the scale number r % cycle * per_row + j / positions. */
typedef struct rows {
    size_t n, length;
    size_t scales; /* in all */
    size_t cycle, per_row, positions;
} rows;

static rows layer_rows(const tsr_pass *pass)
{
    size_t n_dims = ((const row_norm_config *)pass->config)->count, length = 1;
    for (size_t i = pass->shape.n_dims - n_dims; i < pass->shape.n_dims; i++)
        length *= pass->shape.dims[i];
    return (rows){ pass->n * (tsr_shape_size(pass->shape) / length), length, length, 1, length, 1 };
}

static rows group_rows(const tsr_pass *pass)
{
    size_t groups = ((const row_norm_config *)pass->config)->count, channels = pass->shape.dims[0];
    size_t positions = tsr_shape_positions(pass->shape), per_row = channels / groups;
    return (rows){ pass->n * groups, per_row * positions, channels, groups, per_row, positions };
}

static void normalise(const tsr_pass *pass, rows r)
{
    const float *scale = pass->parameters[SCALE], *shift = pass->parameters[SHIFT];
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(r.n * r.length))
    for (size_t row = 0; row < r.n; row++) {
        const float *x = pass->inputs[0] + row * r.length;
        float *y = pass->output + row * r.length;
        double sum = 0, squares = 0;
        for (size_t j = 0; j < r.length; j++)
            sum += (double)x[j];
        double mean = sum / (double)r.length;
        for (size_t j = 0; j < r.length; j++)
            squares += ((double)x[j] - mean) * ((double)x[j] - mean);
        float centre = (float)mean,
              inverse = (float)(1 / sqrt(squares / (double)r.length + pass->constants[0]));
        size_t first = row % r.cycle * r.per_row;
        for (size_t j = 0; j < r.length; j++) {
            size_t k = first + j / r.positions;
            y[j] = (x[j] - centre) * inverse * scale[k] + shift[k];
        }
        pass->saved[2 * row] = centre;
        pass->saved[2 * row + 1] = inverse;
    }
}

/* Sums over rows, in their order; each scale is a task of its own. */
static void parameter_gradients(const tsr_pass *pass, rows r)
{
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(r.n * r.length))
    for (size_t k = 0; k < r.scales; k++) {
        size_t row = k / r.per_row, first = k % r.per_row * r.positions;
        double d_scale = 0, d_shift = 0;
        for (; row < r.n; row += r.cycle)
            for (size_t j = row * r.length + first; j < row * r.length + first + r.positions; j++) {
                double dy = (double)pass->output_gradient[j];
                d_shift += dy;
                d_scale +=
                    dy * (double)((pass->inputs[0][j] - pass->saved[2 * row]) * pass->saved[2 * row + 1]);
            }
        pass->parameter_gradients[SCALE][k] = (float)d_scale;
        pass->parameter_gradients[SHIFT][k] = (float)d_shift;
    }
}

/* dx = (g - mean(g) - x^ mean(g x^)) / deviation, where g = dy scale and x^ = (x - mean) / deviation. */
static void input_gradient(const tsr_pass *pass, rows r)
{
    const float *scale = pass->parameters[SCALE];
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(r.n * r.length))
    for (size_t row = 0; row < r.n; row++) {
        const float *x = pass->inputs[0] + row * r.length, *dy = pass->output_gradient + row * r.length;
        float *dx = pass->input_gradients[0] + row * r.length;
        float centre = pass->saved[2 * row], inverse = pass->saved[2 * row + 1];
        size_t first = row % r.cycle * r.per_row;
        double sum = 0, along = 0;
        for (size_t j = 0; j < r.length; j++) {
            dx[j] = dy[j] * scale[first + j / r.positions];
            sum += (double)dx[j];
            along += (double)(dx[j] * (x[j] - centre) * inverse);
        }
        float mean = (float)(sum / (double)r.length), share = (float)(along / (double)r.length);
        for (size_t j = 0; j < r.length; j++)
            dx[j] = (dx[j] - mean - (x[j] - centre) * inverse * share) * inverse;
    }
}

static void forward_layer(const tsr_pass *pass)
{
    normalise(pass, layer_rows(pass));
}

static void forward_group(const tsr_pass *pass)
{
    normalise(pass, group_rows(pass));
}

static void backward_rows(const tsr_pass *pass, rows r)
{
    parameter_gradients(pass, r);
    if (pass->input_gradients[0])
        input_gradient(pass, r);
}

static void backward_layer(const tsr_pass *pass)
{
    backward_rows(pass, layer_rows(pass));
}

static void backward_group(const tsr_pass *pass)
{
    backward_rows(pass, group_rows(pass));
}

const tsr_op tsr_op_layer_norm = { .size = sizeof(tsr_op),
                                   .name = "layer_norm",
                                   .config_size = sizeof(row_norm_config),
                                   .flags = TSR_OP_READS_INPUTS,
                                   .setup = setup_layer,
                                   .forward = forward_layer,
                                   .backward = backward_layer };

const tsr_op tsr_op_group_norm = { .size = sizeof(tsr_op),
                                   .name = "group_norm",
                                   .config_size = sizeof(row_norm_config),
                                   .flags = TSR_OP_READS_INPUTS,
                                   .setup = setup_group,
                                   .forward = forward_group,
                                   .backward = backward_group };
