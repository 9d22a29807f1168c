/* Feature maps through whole networks: which chains are run as one operator, that this changes nothing that
   can be seen, and that the number of threads does not either. */
#include "nets.h"

#include "base/machine.h"
#include "nn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE (TSR_SHAPE(3, 16, 16))
#define CLASSES 4

/* Every operator on maps, with chains of each kind; what goes to the activations is named. */
static tsr_node *mixed(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_named(g, tsr_batch_norm(g, tsr_conv2d(g, x, 32, 3, 1, 1)), "alone");
    x = tsr_named(g, tsr_activate(g, x), "stem");
    tsr_node *shortcut = tsr_named(g, tsr_batch_norm(g, tsr_conv2d(g, x, 32, 1, 1, 0)), "shortcut");
    tsr_node *y = tsr_named(g, tsr_batch_norm(g, tsr_conv2d(g, x, 32, 3, 1, 1)), "main");
    x = tsr_named(g, tsr_activate(g, tsr_named(g, tsr_add(g, y, shortcut), "sum")), "block");
    x = tsr_named(g, tsr_activate(g, tsr_average_pool(g, tsr_dropout(g, x, 0.1), 2, 1)), "bare");
    y = tsr_named(g, tsr_batch_norm(g, x), "shared");
    x = tsr_add(g, tsr_named(g, tsr_activate(g, y), "late"), y);
    x = tsr_named(g, tsr_batch_norm(g, tsr_flatten(g, tsr_max_pool(g, x, 3, 2))), "vector");
    return tsr_dense(g, tsr_named(g, tsr_activate(g, x), "last"), classes);
}

static const tsr_node *node_named(const tsr_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n; i++)
        if (strcmp(graph->nodes[i]->name, name) == 0)
            return graph->nodes[i];
    ck_abort_msg("no node is named %s", name);
    return NULL;
}

static tsr_graph *graph_of(tsr_instance *model, build_function *build)
{
    tsr_graph *graph;
    ck_succeeds(tsr_graph_new(model, SHAPE, &graph));
    tsr_node *logits = build(NULL, graph, graph->nodes[0], CLASSES);
    ck_succeeds(tsr_graph_finish(graph, logits, CLASSES));
    return graph;
}

START_TEST(batch_norm_is_fused_with_what_follows_where_nobody_else_reads_it)
{
    tsr_instance *model = hook_model_new(mixed, NULL);
    tsr_graph *graph = graph_of(model, mixed);
    ck_assert(node_named(graph, "alone")->absorbed && node_named(graph, "stem")->fused);
    ck_assert(node_named(graph, "main")->absorbed && node_named(graph, "sum")->absorbed);
    ck_assert(node_named(graph, "block")->fused->inputs[1] == node_named(graph, "shortcut"));
    const char *themselves[] = { "shortcut", "bare", "shared", "late", "vector", "last" };
    for (size_t i = 0; i < sizeof(themselves) / sizeof(themselves[0]); i++)
        ck_assert(!node_named(graph, themselves[i])->absorbed && !node_named(graph, themselves[i])->fused);
    tsr_graph_free(graph);
    tsr_instance_free(model);
}
END_TEST

/* The activation learns, and a convolution's weight lies between: one operator would not find its slopes. */
static tsr_node *conv_between(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *norm = tsr_named(g, tsr_batch_norm(g, tsr_conv2d(g, x, 2, 3, 1, 1)), "norm");
    tsr_node *y = tsr_conv2d(g, x, 2, 1, 1, 0);
    return tsr_dense(g, tsr_named(g, tsr_activate(g, tsr_add(g, norm, y)), "end"), classes);
}

START_TEST(parameters_that_do_not_lie_together_keep_a_chain_apart)
{
    tsr_instance *model = hook_model_new(conv_between, NULL);
    tsr_graph *graph = graph_of(model, conv_between);
    ck_assert(!node_named(graph, "norm")->absorbed && !node_named(graph, "end")->fused);
    tsr_graph_free(graph);
    tsr_instance_free(model);
}
END_TEST

/* --- what taps see --- */

#define N 6

typedef struct seen {
    size_t n, n_values;
    float *values; /* of all layers, one after another */
} seen;

static void see(void *context, const tsr_layer_values *layer)
{
    seen *all = context;
    ck_assert_uint_eq(layer->number, all->n++);
    size_t n = layer->n * layer->width;
    all->values = realloc(all->values, (all->n_values + n) * sizeof(float));
    memcpy(all->values + all->n_values, layer->x, n * sizeof(float));
    all->n_values += n;
}

/* Running statistics and parameters that are not what they were at first. */
static void train_a_little(test_net *net)
{
    ck_succeeds(tsr_network_plan(net->network, N, true));
    int32_t *labels = random_batch(net, N);
    tsr_flat flat = tsr_network_flat(net->network);
    for (uint64_t step = 1; step <= 3; step++) {
        free(random_batch(net, N));
        tsr_network_gradient(net->network, N, labels, 1, step, NULL);
        for (size_t i = 0; i < flat.count; i++)
            flat.values[i] -= 0.1f * flat.gradients[i];
    }
    free(labels);
}

START_TEST(inference_gives_the_same_whether_a_tap_sees_it_or_not)
{
    test_net net = net_new(mixed, NULL, SHAPE, CLASSES, 1);
    train_a_little(&net);
    ck_succeeds(tsr_network_plan(net.network, N, false));
    free(random_batch(&net, N));
    float logits[N * CLASSES];
    seen taps = { 0 };
    tsr_network_forward(net.network, N, NULL, NULL);
    memcpy(logits, tsr_network_logits(net.network), sizeof(logits));
    tsr_network_forward(net.network, N, see, &taps);
    ck_assert_uint_eq(taps.n, 5);
    ck_assert_uint_eq(taps.n_values, N * (2 * 32 * 256 + 2 * 32 * 225 + 32 * 49));
    for (size_t i = 0; i < N * CLASSES; i++)
        ck_assert_float_eq_tol(tsr_network_logits(net.network)[i], logits[i], 1e-5f);
    free(taps.values);
    net_free(&net);
}
END_TEST

/* conv - norm - activation by hand: the tap's values are batch norm's of the running statistics. */
static tsr_node *norm_of_input(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_batch_norm(g, x)), classes);
}

START_TEST(taps_see_what_the_activation_gets)
{
    test_net net = net_new(norm_of_input, NULL, SHAPE, CLASSES, 1);
    train_a_little(&net);
    ck_succeeds(tsr_network_plan(net.network, N, false));
    free(random_batch(&net, N));
    seen taps = { 0 };
    tsr_network_forward(net.network, N, see, &taps);
    const float *mean = tsr_network_get_state(net.network, 0)->values;
    const float *variance = tsr_network_get_state(net.network, 1)->values;
    const float *scale = tsr_network_tensor(net.network, 0)->values;
    const float *shift = tsr_network_tensor(net.network, 1)->values;
    ck_assert(mean[0] != 0 && scale[0] != 1);
    for (size_t i = 0; i < N * 3 * 256; i++) {
        size_t c = i / 256 % 3;
        double x = (double)tsr_network_input_values(net.network)[i];
        double y =
            (x - (double)mean[c]) / sqrt((double)variance[c] + 1e-3) * (double)scale[c] + (double)shift[c];
        ck_assert_double_eq_tol((double)taps.values[i], y, 1e-5);
    }
    free(taps.values);
    net_free(&net);
}
END_TEST

/* --- threads --- */

#define MANY 24 /* samples: enough for every operator to be shared */

static void run_with(int threads, bool apart, float **gradients, float **state, float *logits)
{
    tsr_set_threads(threads);
    test_net net = net_new(mixed, NULL, SHAPE, CLASSES, 1);
    if (apart)
        ck_succeeds(tsr_network_plan_apart(net.network, MANY));
    else
        ck_succeeds(tsr_network_plan(net.network, MANY, true));
    int32_t *labels = random_batch(&net, MANY);
    tsr_network_gradient(net.network, MANY, labels, 1, 1, NULL);
    tsr_flat flat = tsr_network_flat(net.network);
    *gradients = malloc(flat.count * sizeof(float));
    memcpy(*gradients, flat.gradients, flat.count * sizeof(float));
    size_t n = 0;
    *state = NULL;
    for (size_t i = 0; i < tsr_network_n_states(net.network); i++) {
        const tsr_network_state *s = tsr_network_get_state(net.network, i);
        *state = realloc(*state, (n + s->n) * sizeof(float));
        memcpy(*state + n, s->values, s->n * sizeof(float));
        n += s->n;
    }
    ck_succeeds(tsr_network_plan(net.network, MANY, false));
    free(random_batch(&net, MANY));
    tsr_network_forward(net.network, MANY, NULL, NULL);
    memcpy(logits, tsr_network_logits(net.network), MANY * CLASSES * sizeof(float));
    free(labels);
    net_free(&net);
}

START_TEST(no_bit_depends_on_the_number_of_threads_or_on_where_buffers_lie)
{
    float *gradients[4], *state[4], logits[4][MANY * CLASSES];
    const int threads[] = { 1, 2, 3, 1 };
    for (size_t k = 0; k < 4; k++)
        run_with(threads[k], k == 3, &gradients[k], &state[k], logits[k]);
    test_net net = net_new(mixed, NULL, SHAPE, CLASSES, 1);
    size_t n = tsr_network_flat(net.network).count;
    net_free(&net);
    for (size_t k = 1; k < 4; k++) {
        ck_assert(memcmp(gradients[0], gradients[k], n * sizeof(float)) == 0);
        ck_assert(memcmp(logits[0], logits[k], sizeof(logits[0])) == 0);
        ck_assert(memcmp(state[0], state[k], 4 * 2 * 32 * sizeof(float)) == 0);
    }
    for (size_t k = 0; k < 4; k++) {
        free(gradients[k]);
        free(state[k]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maps");
    TCase *tests = tcase_create("maps");
    tcase_add_test(tests, batch_norm_is_fused_with_what_follows_where_nobody_else_reads_it);
    tcase_add_test(tests, parameters_that_do_not_lie_together_keep_a_chain_apart);
    tcase_add_test(tests, inference_gives_the_same_whether_a_tap_sees_it_or_not);
    tcase_add_test(tests, taps_see_what_the_activation_gets);
    tcase_add_test(tests, no_bit_depends_on_the_number_of_threads_or_on_where_buffers_lie);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
