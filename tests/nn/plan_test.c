/* The memory plan: buffers that are live together never share memory, ones that are not do, and a network
   gives the same bits as with every buffer apart. */
#include "nets.h"

#include "nn/plan.h"

#include <stdlib.h>
#include <string.h>

#define MANY 200

static void random_lives(tsr_buffer *buffers, uint64_t seed)
{
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < MANY; i++) {
        size_t first = tsr_rng_below(&rng, 100);
        buffers[i] = (tsr_buffer){ .floats = tsr_rng_below(&rng, 500),
                                   .first = first,
                                   .last = first + tsr_rng_below(&rng, 20) };
    }
}

static bool share_memory(const tsr_buffer *a, const tsr_buffer *b)
{
    return a->floats && b->floats && a->offset < b->offset + b->floats && b->offset < a->offset + a->floats;
}

START_TEST(buffers_that_are_live_together_never_overlap)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        tsr_buffer buffers[MANY];
        random_lives(buffers, seed);
        size_t total, sum = 0, peak = 0;
        ck_succeeds(tsr_place(MANY, buffers, false, &total));
        for (size_t i = 0; i < MANY; i++) {
            ck_assert_uint_eq(buffers[i].offset % 16, 0);
            ck_assert_uint_le(buffers[i].offset + buffers[i].floats, total);
            sum += buffers[i].floats;
            for (size_t j = 0; j < i; j++)
                ck_assert(!share_memory(&buffers[i], &buffers[j]) || buffers[i].last < buffers[j].first ||
                          buffers[j].last < buffers[i].first);
        }
        for (size_t step = 0; step < 120; step++) {
            size_t live = 0;
            for (size_t i = 0; i < MANY; i++)
                live += buffers[i].first <= step && step <= buffers[i].last ? buffers[i].floats : 0;
            peak = live > peak ? live : peak;
        }
        ck_assert_uint_ge(total, peak);
        ck_assert_uint_lt(total,
                          peak + peak / 3); /* no bound is known; this is what greedy placement gives */
        ck_assert_uint_lt(total, sum / 2);
    }
}
END_TEST

START_TEST(apart_buffers_never_overlap_at_all)
{
    tsr_buffer buffers[MANY];
    random_lives(buffers, 1);
    size_t total, sum = 0;
    ck_succeeds(tsr_place(MANY, buffers, true, &total));
    for (size_t i = 0; i < MANY; i++) {
        sum += buffers[i].floats;
        for (size_t j = 0; j < i; j++)
            ck_assert(!share_memory(&buffers[i], &buffers[j]));
    }
    ck_assert_uint_eq(total, sum);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    tsr_buffer buffers[] = { { .floats = SIZE_MAX / 8 }, { .floats = SIZE_MAX / 8 }, { .floats = SIZE_MAX } };
    size_t total;
    ck_fails(tsr_place(2, buffers, false, &total), TSR_NO_MEMORY, "does not fit into memory");
    ck_fails(tsr_place(1, buffers + 2, false, &total), TSR_NO_MEMORY, "does not fit into memory");
}
END_TEST

/* Fan-out, fan-in, dropout's saved mask, learned activations: whatever may go wrong with buffers. */
static tsr_node *tangled(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_dense(g, x, 24);
    for (int i = 0; i < 5; i++) {
        tsr_node *z = tsr_activate(g, tsr_batch_norm(g, tsr_dense(g, y, 24)));
        z = tsr_add(g, tsr_dropout(g, z, 0.2), y);
        y = i % 2 ? tsr_add(g, z, z) : tsr_flatten(g, tsr_add(g, z, tsr_dense(g, x, 24)));
    }
    return tsr_dense(g, tsr_batch_norm(g, y), classes);
}

#define TANGLED_BATCH 13

/* Three steps' gradients, with each parameter moved along them. */
static void run_steps(test_net *net, size_t n, float *gradients)
{
    tsr_flat flat = tsr_network_flat(net->network);
    int32_t *labels = random_batch(net, n);
    for (uint64_t step = 1; step <= 3; step++) {
        tsr_network_gradient(net->network, n, labels, 1, step, NULL);
        for (size_t i = 0; i < flat.count; i++)
            flat.values[i] -= 0.01f * flat.gradients[i];
    }
    memcpy(gradients, flat.gradients, flat.count * sizeof(float));
    free(labels);
}

START_TEST(shared_memory_gives_the_bits_of_memory_apart)
{
    for (size_t n = 1; n <= TANGLED_BATCH; n += 4) {
        test_net apart = net_new(tangled, NULL, TSR_SHAPE(10), 4, 2);
        test_net shared = net_new(tangled, NULL, TSR_SHAPE(10), 4, 2);
        ck_succeeds(tsr_network_plan_apart(apart.network, n)); /* and a plan for more than there is: */
        ck_succeeds(tsr_network_plan(shared.network, TANGLED_BATCH, true));
        size_t bytes = tsr_network_flat(apart.network).count * sizeof(float);
        float *a = malloc(bytes), *b = malloc(bytes);
        run_steps(&apart, n, a);
        run_steps(&shared, n, b);
        ck_assert(memcmp(a, b, bytes) == 0);
        ck_assert(memcmp(tsr_network_flat(apart.network).values, tsr_network_flat(shared.network).values,
                         bytes) == 0);
        free(a);
        free(b);
        net_free(&apart);
        net_free(&shared);
    }
}
END_TEST

START_TEST(inference_in_little_memory_gives_the_bits_of_a_training_plan)
{
    test_net net = net_new(tangled, NULL, TSR_SHAPE(10), 4, 2);
    float logits[2][TANGLED_BATCH * 4];
    for (int training = 0; training < 2; training++) {
        ck_succeeds(tsr_network_plan(net.network, TANGLED_BATCH, training));
        free(random_batch(&net, TANGLED_BATCH));
        tsr_network_forward(net.network, TANGLED_BATCH, NULL, NULL);
        memcpy(logits[training], tsr_network_logits(net.network), sizeof(logits[0]));
    }
    ck_assert(memcmp(logits[0], logits[1], sizeof(logits[0])) == 0);
    net_free(&net);
}
END_TEST

START_TEST(input_and_logits_outlive_a_pass)
{
    test_net net = net_new(tangled, NULL, TSR_SHAPE(10), 4, 2);
    for (int training = 0; training < 2; training++) {
        ck_succeeds(tsr_network_plan(net.network, TANGLED_BATCH, training));
        int32_t *labels = random_batch(&net, TANGLED_BATCH);
        float inputs[TANGLED_BATCH * 10];
        memcpy(inputs, tsr_network_input_values(net.network), sizeof(inputs));
        tsr_network_forward(net.network, TANGLED_BATCH, NULL, NULL);
        double loss = tsr_network_loss(net.network, TANGLED_BATCH, labels, NULL);
        if (training)
            tsr_network_gradient(net.network, TANGLED_BATCH, labels, 1, 1, NULL);
        ck_assert(memcmp(inputs, tsr_network_input_values(net.network), sizeof(inputs)) == 0);
        if (!training)
            ck_assert(loss == tsr_network_loss(net.network, TANGLED_BATCH, labels, NULL));
        free(labels);
    }
    net_free(&net);
}
END_TEST

static tsr_node *deep(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    for (int i = 0; i < *(int *)context; i++)
        x = tsr_activate(g, tsr_dense(g, x, 64));
    return tsr_dense(g, x, classes);
}

/* The arena of a plan for 32 samples; the store's addresses are not used. */
static size_t arena_of(int depth, tsr_plan_kind kind)
{
    tsr_instance *model = hook_model_new(deep, &depth);
    tsr_graph *graph;
    ck_succeeds(tsr_graph_new(model, TSR_SHAPE(64), &graph));
    tsr_node *logits = deep(&depth, graph, graph->nodes[0], 10);
    ck_succeeds(tsr_graph_finish(graph, logits, 10));
    float **none = calloc(graph->n_parameters, sizeof(*none));
    tsr_network_arrays store = { none, none, none };
    tsr_plan *plan;
    ck_succeeds(tsr_plan_new(graph, &store, 32, kind, &plan));
    size_t floats = plan->floats;
    tsr_plan_free(plan);
    free(none);
    tsr_graph_free(graph);
    tsr_instance_free(model);
    return floats;
}

START_TEST(inference_memory_does_not_grow_with_depth)
{
    ck_assert_uint_eq(arena_of(20, TSR_PLAN_INFERENCE), arena_of(3, TSR_PLAN_INFERENCE));
    ck_assert_uint_lt(arena_of(3, TSR_PLAN_INFERENCE), 5 * 64 * 32);
}
END_TEST

START_TEST(training_memory_shares_gradients)
{
    size_t shared = arena_of(20, TSR_PLAN_TRAINING), apart = arena_of(20, TSR_PLAN_APART);
    ck_assert_uint_gt(shared, 40 * 64 * 32); /* the values have to be kept */
    ck_assert_uint_lt(shared, 50 * 64 * 32);
    ck_assert_uint_gt(apart, 80 * 64 * 32);
}
END_TEST

START_TEST(a_plan_that_is_there_is_only_selected)
{
    int depth = 2;
    test_net net = net_new(deep, &depth, TSR_SHAPE(64), 4, 1);
    ck_assert_uint_eq(tsr_network_batch(net.network), 0);
    ck_succeeds(tsr_network_plan(net.network, 8, true));
    float *training = tsr_network_input_values(net.network);
    ck_succeeds(tsr_network_plan(net.network, 32, false));
    ck_assert_uint_eq(tsr_network_batch(net.network), 32);
    ck_assert_ptr_ne(tsr_network_input_values(net.network), training);
    ck_succeeds(tsr_network_plan(net.network, 8, true));
    ck_assert_ptr_eq(tsr_network_input_values(net.network), training);
    ck_assert_uint_eq(tsr_network_batch(net.network), 8);
    ck_fails(tsr_network_plan(net.network, 0, true), TSR_REFUSED,
             "a batch of 0 samples, expected 1 to 2147483647");
    ck_fails(tsr_network_plan(net.network, (size_t)1 << 31, true), TSR_REFUSED,
             "a batch of 2147483648 samples");
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, buffers_that_are_live_together_never_overlap);
    tcase_add_test(tests, apart_buffers_never_overlap_at_all);
    tcase_add_test(tests, sizes_that_overflow_are_refused);
    tcase_add_test(tests, shared_memory_gives_the_bits_of_memory_apart);
    tcase_add_test(tests, inference_in_little_memory_gives_the_bits_of_a_training_plan);
    tcase_add_test(tests, input_and_logits_outlive_a_pass);
    tcase_add_test(tests, inference_memory_does_not_grow_with_depth);
    tcase_add_test(tests, training_memory_shares_gradients);
    tcase_add_test(tests, a_plan_that_is_there_is_only_selected);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
