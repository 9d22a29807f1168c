/* Operators of this plugin's own: padding, functions of straight pieces, constants as nodes. */
#include "translate.h"

#include <math.h>
#include <string.h>
#include <tessera/multiversion.h>

/* --- padding --- */

typedef struct padding {
    size_t before[TSR_MAX_DIMS], after[TSR_MAX_DIMS];
    float value;
} padding;

static void setup_pad(tsr_setup *setup)
{
    const padding *p = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    size_t size = 1;
    bool fits = true;
    for (size_t i = 0; i < shape.n_dims; i++) {
        fits = fits && !__builtin_add_overflow(shape.dims[i], p->before[i], &shape.dims[i]) &&
               !__builtin_add_overflow(shape.dims[i], p->after[i], &shape.dims[i]) &&
               !__builtin_mul_overflow(size, shape.dims[i], &size) && size <= INT32_MAX;
    }
    if (fits)
        tsr_setup_output(setup, shape);
    else
        tsr_setup_fail(setup, "pads to more than %d values", INT32_MAX);
}

/* Where row number `row` of the input, counted over all dimensions but the last, lies in the output. */
static size_t place_of_row(const padding *p, const tsr_shape *in, const tsr_shape *out, size_t row)
{
    size_t last = in->n_dims - 1, place = p->before[last], stride = out->dims[last];
    for (size_t i = last; i-- > 0; row /= in->dims[i]) {
        place += (row % in->dims[i] + p->before[i]) * stride;
        stride *= out->dims[i];
    }
    return place;
}

static void pad_forward(const tsr_pass *pass)
{
    const padding *p = pass->config;
    const tsr_shape *in = pass->shapes;
    size_t from = tsr_shape_size(*in), to = tsr_shape_size(pass->shape), length = in->dims[in->n_dims - 1];
    for (size_t i = 0; i < pass->n * to; i++)
        pass->output[i] = p->value;
    for (size_t s = 0; s < pass->n; s++)
        for (size_t row = 0; row < from / length; row++)
            memcpy(pass->output + s * to + place_of_row(p, in, &pass->shape, row),
                   pass->inputs[0] + s * from + row * length, length * sizeof(float));
}

static void pad_backward(const tsr_pass *pass)
{
    const padding *p = pass->config;
    const tsr_shape *in = pass->shapes;
    size_t from = tsr_shape_size(*in), to = tsr_shape_size(pass->shape), length = in->dims[in->n_dims - 1];
    for (size_t s = 0; pass->input_gradients[0] && s < pass->n; s++)
        for (size_t row = 0; row < from / length; row++)
            memcpy(pass->input_gradients[0] + s * from + row * length,
                   pass->output_gradient + s * to + place_of_row(p, in, &pass->shape, row),
                   length * sizeof(float));
}

static tsr_status *pad_line(const tsr_line_pass *pass)
{
    const padding *p = pass->config;
    const tsr_shape *in = pass->shapes;
    size_t from = tsr_shape_size(*in), to = tsr_shape_size(pass->shape), length = in->dims[in->n_dims - 1];
    for (size_t i = 0; i < pass->n * to; i++) {
        pass->value[i] = (double)p->value;
        pass->slope[i] = 0;
    }
    for (size_t s = 0; s < pass->n; s++)
        for (size_t row = 0; row < from / length; row++) {
            size_t at = s * to + place_of_row(p, in, &pass->shape, row);
            memcpy(pass->value + at, pass->values[0] + s * from + row * length, length * sizeof(double));
            memcpy(pass->slope + at, pass->slopes[0] + s * from + row * length, length * sizeof(double));
        }
    return NULL;
}

static const tsr_op pad =
    TSR_OP(.name = "pad", .config_size = sizeof(padding), .flags = TSR_OP_AFFINE, .setup = setup_pad,
           .forward = pad_forward, .backward = pad_backward, .line = pad_line);

tsr_node *onnx_pad(tsr_graph *graph, tsr_node *x, const size_t *before, const size_t *after, float value)
{
    padding config = { .value = value };
    memcpy(config.before, before, sizeof(config.before));
    memcpy(config.after, after, sizeof(config.after));
    return tsr_apply(graph, &pad, &config, 1, &x);
}

/* --- functions of straight pieces --- */

static void setup_pieces(tsr_setup *setup)
{
    const onnx_pieces *p = tsr_setup_config(setup);
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
    tsr_setup_code(setup, p->n, p->at);
}

/* The second breakpoint, which is never reached where there is none. */
static float upper_of(const onnx_pieces *p)
{
    return p->n > 1 ? p->at[1] : INFINITY;
}

TSR_MULTIVERSION(apply_pieces, (const onnx_pieces *p, size_t n, const float *restrict x, float *restrict y),
                 (p, n, x, y))
{
    const float low = p->at[0], high = upper_of(p), a0 = p->slope[0], a1 = p->slope[1], a2 = p->slope[2],
                b0 = p->offset[0], b1 = p->offset[1], b2 = p->offset[2];
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float first = a0 * x[i] + b0, second = a1 * x[i] + b1, third = a2 * x[i] + b2;
        y[i] = x[i] > high ? third : x[i] > low ? second : first;
    }
}

TSR_MULTIVERSION(apply_slopes,
                 (const onnx_pieces *p, size_t n, const float *restrict x, const float *restrict dy,
                  float *restrict dx),
                 (p, n, x, dy, dx))
{
    const float low = p->at[0], high = upper_of(p), a0 = p->slope[0], a1 = p->slope[1], a2 = p->slope[2];
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (x[i] > high ? a2 : x[i] > low ? a1 : a0);
}

static void forward_of_sample(void *context, size_t sample)
{
    const tsr_pass *pass = context;
    size_t size = tsr_shape_size(pass->shape), at = sample * size;
    apply_pieces(pass->config, size, pass->inputs[0] + at, pass->output + at);
}

static void pieces_forward(const tsr_pass *pass)
{
    tsr_parallel_for(pass->n, 2 * pass->n * tsr_shape_size(pass->shape), forward_of_sample,
                     (void *)(uintptr_t)pass);
}

static void backward_of_sample(void *context, size_t sample)
{
    const tsr_pass *pass = context;
    size_t size = tsr_shape_size(pass->shape), at = sample * size;
    apply_slopes(pass->config, size, pass->inputs[0] + at, pass->output_gradient + at,
                 pass->input_gradients[0] + at);
}

static void pieces_backward(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        tsr_parallel_for(pass->n, 3 * pass->n * tsr_shape_size(pass->shape), backward_of_sample,
                         (void *)(uintptr_t)pass);
}

static tsr_status *pieces_line(const tsr_line_pass *pass)
{
    const onnx_pieces *p = pass->config;
    size_t size = tsr_shape_size(pass->shape);
    for (size_t i = 0; i < pass->n * size; i++) {
        double x = pass->values[0][i], dx = pass->slopes[0][i], t = pass->t[i / size];
        size_t piece = 0;
        for (size_t b = 0; b < p->n; b++) {
            piece += tsr_line_above(t, x, dx, (double)p->at[b]);
            tsr_line_meet(t, x, dx, (double)p->at[b], &pass->next[i / size]);
        }
        pass->value[i] = (double)p->slope[piece] * x + (double)p->offset[piece];
        pass->slope[i] = (double)p->slope[piece] * dx;
    }
    return NULL;
}

static const tsr_op pieces =
    TSR_OP(.name = "pieces", .config_size = sizeof(onnx_pieces), .flags = TSR_OP_READS_INPUTS,
           .setup = setup_pieces, .forward = pieces_forward, .backward = pieces_backward,
           .line = pieces_line);

tsr_node *onnx_piecewise(tsr_graph *graph, tsr_node *x, const onnx_pieces *config)
{
    return tsr_apply(graph, &pieces, config, 1, &x);
}

/* --- constants as nodes, which do not look at their input --- */

typedef struct array_config {
    tsr_shape shape;
    tsr_role role;
    bool learned;
} array_config;

static void setup_array(tsr_setup *setup)
{
    const array_config *config = tsr_setup_config(setup);
    tsr_parameter_spec spec = { .name = "weight", .role = config->role, .n_dims = config->shape.n_dims };
    memcpy(spec.dims, config->shape.dims, config->shape.n_dims * sizeof(*spec.dims));
    tsr_setup_output(setup, config->shape);
    if (config->learned)
        tsr_setup_parameter(setup, &spec);
    else
        tsr_setup_state(setup, "weight", tsr_shape_size(config->shape), 0);
}

static const float *values_of(const tsr_pass *pass)
{
    const array_config *config = pass->config;
    return config->learned ? pass->parameters[0] : pass->state[0];
}

static void array_forward(const tsr_pass *pass)
{
    size_t size = tsr_shape_size(pass->shape);
    for (size_t s = 0; s < pass->n; s++)
        memcpy(pass->output + s * size, values_of(pass), size * sizeof(float));
}

static void array_backward(const tsr_pass *pass)
{
    const array_config *config = pass->config;
    size_t size = tsr_shape_size(pass->shape);
    if (!config->learned)
        return;
    float *sum = pass->parameter_gradients[0];
    memcpy(sum, pass->output_gradient, size * sizeof(float));
    for (size_t s = 1; s < pass->n; s++)
        for (size_t i = 0; i < size; i++)
            sum[i] += pass->output_gradient[s * size + i];
}

static tsr_status *array_line(const tsr_line_pass *pass)
{
    const array_config *config = pass->config;
    const float *values = config->learned ? pass->parameters[0] : pass->state[0];
    size_t size = tsr_shape_size(pass->shape);
    for (size_t i = 0; i < pass->n * size; i++) {
        pass->value[i] = (double)values[i % size];
        pass->slope[i] = 0;
    }
    return NULL;
}

static const tsr_op array =
    TSR_OP(.name = "array", .config_size = sizeof(array_config), .flags = TSR_OP_AFFINE, .setup = setup_array,
           .forward = array_forward, .backward = array_backward, .line = array_line);

tsr_node *onnx_array(onnx_translation *t, const onnx_constant *constant, size_t rank, bool scale)
{
    size_t beyond = constant->rank > rank ? constant->rank - rank : 0,
           lacking = rank - (constant->rank - beyond);
    array_config config = { .shape = { .n_dims = rank ? rank : 1, .dims = { 1 } },
                            .role = scale ? TSR_ROLE_SCALE : TSR_ROLE_BIAS,
                            .learned = constant->learned && constant->n > 1 };
    if (beyond > 1 || (beyond && constant->dims[0] != 1) || rank > TSR_MAX_DIMS || !constant->reals ||
        constant->n == 0 || constant->n > INT32_MAX) {
        onnx_fail(
            t,
            "takes a constant of %zu dimensions and %zu values beside %zu dimensions, expected floats that "
            "are the same for all samples",
            constant->rank, constant->n, rank);
        return NULL;
    }
    for (size_t i = 0; i < rank; i++)
        config.shape.dims[i] = i < lacking ? 1 : constant->dims[i - lacking + beyond];
    const onnx_layer layer = { "array", { constant }, { scale, (double)rank }, NULL };
    tsr_node *earlier = constant->name ? onnx_layer_find(t, &layer) : NULL;
    if (earlier)
        return earlier;
    tsr_node *y =
        onnx_initial(t, tsr_apply(t->graph, &array, &config, 1, &t->input), "weight", constant->n, constant);
    return constant->name ? onnx_layer_keep(t, &layer, y) : y;
}
