/* Hands arithmetic over to another program: what a network or an operator begins with and comes to, as .npy
   files. Called by compare_torch.py; it is a test of Check's so that what fails is told as in all others.

       exchange train MODEL SIDE BATCH STEPS RATE FOLDER    a model's first steps with Adam on random images
       exchange operators FOLDER                            one operator per line of standard input */
#include "nn/nets.h"

#include "base/machine.h"
#include "base/text.h"
#include "nn/graph.h"
#include "nn/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_arguments;
static char **arguments;

/* --- files --- */

static void write_npy(const char *folder, const char *name, const char *type, size_t width, size_t n_dims,
                      const size_t *dims, const void *values)
{
    char *path = tsr_format("%s/%s.npy", folder, name);
    char shape[128] = "", header[256];
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++) {
        snprintf(shape + strlen(shape), sizeof(shape) - strlen(shape), "%zu,", dims[i]);
        n *= dims[i];
    }
    int length = snprintf(header, sizeof(header),
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", type, shape);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert(fwrite("\x93NUMPY\x01\x00", 1, 8, file) == 8);
    ck_assert(fputc(length & 0xff, file) != EOF && fputc(length >> 8, file) != EOF);
    ck_assert(fwrite(header, 1, (size_t)length, file) == (size_t)length);
    ck_assert(fwrite(values, width, n, file) == n);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

static void write_floats(const char *folder, const char *name, size_t n_dims, const size_t *dims,
                         const float *values)
{
    write_npy(folder, name, "<f4", sizeof(float), n_dims, dims, values);
}

/* Each parameter, or its gradient, by its own name behind a prefix. */
static void write_parameters(const char *folder, const char *prefix, const tsr_network *network,
                             bool gradients)
{
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
        char *name = tsr_format("%s.%s", prefix, tensor->parameter.name);
        write_floats(folder, name, tensor->parameter.n_dims, tensor->parameter.dims,
                     gradients ? tensor->gradient : tensor->values);
        free(name);
    }
}

/* --- a model's first steps --- */

typedef struct training_data {
    size_t batch, size, steps;
    float *images;
    int32_t *labels;
    double *losses;
} training_data;

static size_t next_batch(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels,
                         float *targets)
{
    (void)targets;
    const training_data *data = context;
    (void)step; /* an epoch is one step, so that its loss is the step's */
    memcpy(inputs, data->images + (epoch - 1) * data->batch * data->size,
           data->batch * data->size * sizeof(float));
    memcpy(labels, data->labels + (epoch - 1) * data->batch, data->batch * sizeof(int32_t));
    return data->batch;
}

static tsr_status *keep_loss(void *context, const tsr_training_state *now)
{
    if (now->epochs)
        ((training_data *)context)->losses[now->epochs - 1] = now->loss;
    return NULL;
}

#define TILE 8     /* pixels a side that have one value in a class's image */
#define NOISE 0.3f /* of a pixel */

/* Images that differ by class, so that there is something to learn. */
static training_data make_data(size_t side, size_t batch, size_t steps)
{
    size_t size = 3 * side * side;
    training_data data = { batch,
                           size,
                           steps,
                           malloc(steps * batch * size * sizeof(float)),
                           malloc(steps * batch * sizeof(int32_t)),
                           malloc(steps * sizeof(double)) };
    float *means = malloc(10 * size * sizeof(float));
    fill_random(10 * size, means, 1);
    fill_random(steps * batch * size, data.images, 2);
    tsr_rng rng = tsr_rng_stream(7, TSR_FOR_DATA, 3);
    for (size_t i = 0; i < steps * batch; i++) {
        size_t label = (size_t)tsr_rng_below(&rng, 10);
        data.labels[i] = (int32_t)label;
        for (size_t k = 0; k < size; k++) {
            size_t row = k / side / TILE * TILE, column = k % side / TILE * TILE;
            float *pixel = &data.images[i * size + k];
            *pixel = means[label * size + row * side + column] + NOISE * *pixel;
        }
    }
    free(means);
    return data;
}

static void train(const char *settings, size_t side, size_t batch, size_t steps, const char *rate,
                  const char *folder)
{
    tsr_instance *model = test_instance(TSR_MODEL, settings);
    char *text = tsr_format("plugin = \"adam\"; learning_rate = %s;", rate);
    tsr_instance *adam = test_instance(TSR_OPTIMIZER, text);
    training_data data = make_data(side, batch, steps);
    tsr_network *network;
    ck_succeeds(tsr_network_new(model, TSR_SHAPE(3, side, side), 10, 1, &network));
    tsr_instance *loss = test_give_loss(network);
    write_parameters(folder, "initial", network, false);
    write_floats(folder, "images", 5, (size_t[]){ steps, batch, 3, side, side }, data.images);
    write_npy(folder, "labels", "<i4", sizeof(int32_t), 2, (size_t[]){ steps, batch }, data.labels);
    tsr_training training = { .epochs = steps,
                              .batch = batch,
                              .optimizer = adam,
                              .seed = 1,
                              .epoch_done = keep_loss,
                              .context = &data };
    tsr_batches batches = { .context = &data, .steps = 1, .next = next_batch };
    tsr_trained trained;
    ck_succeeds(tsr_train(network, &training, &batches, &trained));
    write_npy(folder, "losses", "<f8", sizeof(double), 1, &steps, data.losses);
    tsr_network_free(network);
    tsr_instance_free(adam);
    tsr_instance_free(loss);
    tsr_instance_free(model);
    free(text);
    free(data.images);
    free(data.labels);
    free(data.losses);
}

/* --- operators --- */

/* A line of standard input: the operator, the input's shape, and what the operator takes. */
typedef struct operator_case {
    char name[32];
    size_t c, h, w;
    int of[11];
} operator_case;

/* Operators on shapes of any number of dimensions; NULL: none of that name. */
static tsr_node *apply_to_tensor(tsr_graph *g, tsr_node *x, const operator_case *work)
{
    size_t a = (size_t)work->of[0], b = (size_t)work->of[1], c = (size_t)work->of[2];
    if (strcmp(work->name, "conv1d") == 0)
        return tsr_conv1d_with(g, tsr_reshape(g, x, TSR_SHAPE(work->c, work->h * work->w)),
                               &(tsr_conv1d_options){ .channels = work->of[0],
                                                      .kernel = work->of[1],
                                                      .stride = work->of[2],
                                                      .padding = work->of[3],
                                                      .bias = true,
                                                      .groups = work->of[4],
                                                      .dilation = work->of[5] });
    if (strcmp(work->name, "linear") == 0)
        return tsr_linear(g, x, work->of[0]);
    if (strcmp(work->name, "matmul") == 0)
        return a ? tsr_matmul(g, x, true, tsr_tanh(g, x), false)
                 : tsr_matmul(g, x, false, tsr_tanh(g, x), true);
    if (strcmp(work->name, "repeated") == 0) /* x times, plus and minus slices of itself */
        return tsr_subtract(
            g, tsr_add(g, tsr_multiply(g, x, tsr_slice(g, x, 0, 0, 1)), tsr_slice(g, x, 1, 0, 1)),
            tsr_slice(g, x, 2, 0, 1));
    if (strcmp(work->name, "smooth") == 0)
        return tsr_multiply(g, tsr_sigmoid(g, x),
                            tsr_add(g, tsr_tanh(g, x), tsr_scale(g, tsr_exp(g, x), 0.25)));
    if (strcmp(work->name, "softmax") == 0)
        return tsr_softmax(g, x, a);
    if (strcmp(work->name, "layer_norm") == 0)
        return tsr_layer_norm(g, x, a, 1e-5);
    if (strcmp(work->name, "group_norm") == 0)
        return tsr_group_norm(g, x, a, 1e-5);
    if (strcmp(work->name, "mean") == 0)
        return tsr_mean(g, x, b == a ? 1 : 2, (size_t[]){ a, b });
    if (strcmp(work->name, "permute") == 0)
        return tsr_permute(g, x, 3, (size_t[]){ a, b, c });
    if (strcmp(work->name, "concat") == 0)
        return tsr_concat(g, a, 3, (tsr_node *[]){ x, tsr_slice(g, x, a, b, c), tsr_tanh(g, x) });
    return NULL;
}

static tsr_node *apply(tsr_graph *g, tsr_node *x, const operator_case *work)
{
    tsr_node *of_tensor = apply_to_tensor(g, x, work);
    if (of_tensor)
        return of_tensor;
    const int *of = work->of;
    tsr_conv2d_options options = { of[0], of[1],      of[2], of[3], of[4], of[5],
                                   of[6], of[7] != 0, of[8], of[9], of[10] };
    if (strcmp(work->name, "conv2d") == 0)
        return tsr_conv2d_with(g, x, &options);
    if (strcmp(work->name, "max_pool") == 0)
        return tsr_max_pool(g, x, of[0], of[1]);
    if (strcmp(work->name, "average_pool") == 0)
        return tsr_average_pool(g, x, of[0], of[1]);
    tsr_pool_options pool = { of[0], of[1], of[2], of[3], of[4], of[5], of[6] != 0 };
    if (strcmp(work->name, "padded_max_pool") == 0)
        return tsr_max_pool_with(g, x, &pool);
    if (strcmp(work->name, "padded_average_pool") == 0)
        return tsr_average_pool_with(g, x, &pool);
    if (strcmp(work->name, "global_average_pool") == 0)
        return tsr_global_average_pool(g, x);
    if (strcmp(work->name, "batch_norm") == 0)
        return tsr_batch_norm(g, x);
    if (strcmp(work->name, "activation") == 0)
        return tsr_activate(g, x);
    if (strcmp(work->name, "norm_activation") == 0)
        return tsr_activate(g, tsr_batch_norm(g, x));
    if (strcmp(work->name, "norm_add_activation") == 0)
        return tsr_activate(g, tsr_add(g, tsr_batch_norm(g, x), x));
    if (strcmp(work->name, "dense") == 0)
        return tsr_dense(g, x, of[0]);
    tsr_graph_fail(g, "there is no operator %s", work->name);
    return x;
}

/* The shape that comes out: known before a network is made, which has to be told its classes. */
static tsr_node *build(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)classes;
    return apply(g, apply_shift(g, x), context);
}

static size_t values_of(const operator_case *work, tsr_instance *model)
{
    size_t n = 0;
    tsr_graph *graph;
    ck_succeeds(tsr_graph_new(model, TSR_SHAPE(work->c, work->h, work->w), &graph));
    n = tsr_shape_size(tsr_node_shape(apply(graph, graph->nodes[0], work)));
    tsr_graph_free(graph);
    return n;
}

static void run_operator(operator_case *work, const char *folder, size_t number)
{
    test_net net = { .model = hook_model_new(build, work) };
    /* The real PReLU in the place of the hooks' activation. */
    hook_model *self = tsr_instance_self(net.model);
    tsr_instance *hooked = self->activation, *prelu = test_instance(TSR_ACTIVATION, "plugin = \"prelu\";");
    self->activation = prelu;
    size_t values = values_of(work, net.model);
    ck_succeeds(
        tsr_network_new(net.model, TSR_SHAPE(work->c, work->h, work->w), (int)values, number, &net.network));
    net.loss = test_give_loss(net.network);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    int32_t *labels = random_batch(&net, BATCH);
    for (size_t i = 1; i < tsr_network_n_tensors(net.network); i++) { /* all but apply_shift's */
        const tsr_network_parameter *tensor = tsr_network_tensor(net.network, i);
        fill_random(tensor->parameter.n, tensor->values, number * 16 + i);
    }
    char *prefix = tsr_format("%zu", number), *name = tsr_format("%zu.x", number);
    write_floats(folder, name, 4, (size_t[]){ BATCH, work->c, work->h, work->w },
                 tsr_network_input_values(net.network));
    tsr_network_gradient(net.network, BATCH, labels, 1, 1, NULL);
    free(name);
    name = tsr_format("%zu.y", number);
    write_floats(folder, name, 2, (size_t[]){ BATCH, values }, tsr_network_logits(net.network));
    free(name);
    name = tsr_format("%zu.labels", number);
    write_npy(folder, name, "<i4", sizeof(int32_t), 1, (size_t[]){ BATCH }, labels);
    write_parameters(folder, prefix, net.network, false);
    free(prefix);
    prefix = tsr_format("%zu.gradient", number);
    write_parameters(folder, prefix, net.network, true);
    free(prefix);
    free(name);
    free(labels);
    self->activation = hooked;
    net_free(&net);
    tsr_instance_free(prelu);
}

static void run_operators(const char *folder)
{
    char line[256];
    for (size_t number = 0; fgets(line, sizeof(line), stdin); number++) {
        operator_case work = { 0 };
        int *of = work.of;
        int n = sscanf(line, "%31s %zu %zu %zu %d %d %d %d %d %d %d %d %d %d %d", work.name, &work.c, &work.h,
                       &work.w, &of[0], &of[1], &of[2], &of[3], &of[4], &of[5], &of[6], &of[7], &of[8],
                       &of[9], &of[10]);
        ck_assert_msg(n >= 4, "what is '%s'?", line);
        run_operator(&work, folder, number);
    }
}

START_TEST(do_as_the_arguments_say)
{
    tsr_flush_subnormals();
    if (n_arguments == 8 && strcmp(arguments[1], "train") == 0)
        train(arguments[2], strtoul(arguments[3], NULL, 10), strtoul(arguments[4], NULL, 10),
              strtoul(arguments[5], NULL, 10), arguments[6], arguments[7]);
    else if (n_arguments == 3 && strcmp(arguments[1], "operators") == 0)
        run_operators(arguments[2]);
    else
        ck_abort_msg("usage: exchange train MODEL SIDE BATCH STEPS RATE FOLDER, or operators FOLDER");
}
END_TEST

int main(int argc, char **argv)
{
    n_arguments = argc;
    arguments = argv;
    Suite *suite = suite_create("exchange");
    TCase *tests = tcase_create("exchange");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, do_as_the_arguments_say);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
