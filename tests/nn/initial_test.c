/* Initial values: each kind has its mean, its spread and, where it says so, its orthogonality; and each
   parameter its own stream. */
#include "nets.h"

#include "nn/initial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000 };
static float values[N];

static void draw(tsr_init init, double constant, size_t fan_in, size_t fan_out)
{
    tsr_parameter_spec spec = { .name = "w",
                                .n_dims = 2,
                                .dims = { 100, N / 100 },
                                .init = init,
                                .constant = (float)constant,
                                .fan_in = fan_in,
                                .fan_out = fan_out };
    ck_succeeds(tsr_initial_values(&spec, N, 3, 5, values));
}

static void moments(double *mean, double *deviation, double *largest)
{
    double sum = 0, squares = 0;
    *largest = 0;
    for (size_t i = 0; i < N; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
        *largest = fmax(*largest, fabs((double)values[i]));
    }
    *mean = sum / N;
    *deviation = sqrt(squares / N - *mean * *mean);
}

START_TEST(spreads_are_those_of_the_papers)
{
    static const struct {
        tsr_init init;
        double constant, deviation, limit; /* of uniform ones */
    } kinds[] = {
        { TSR_INIT_GLOROT_UNIFORM, 0, 0.25, 0.4330127 }, /* sqrt(6 / 32) */
        { TSR_INIT_HE_NORMAL, 0, 0.5, 0 },
        { TSR_INIT_FAN_UNIFORM, 0, 0.2041241, 0.3535534 },
        { TSR_INIT_NORMAL, 0.02, 0.02, 0 },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        double mean, deviation, largest;
        draw(kinds[i].init, kinds[i].constant, 8, 24);
        moments(&mean, &deviation, &largest);
        ck_assert_double_lt(fabs(mean), 4 * kinds[i].deviation / sqrt(N));
        ck_assert_double_lt(fabs(deviation / kinds[i].deviation - 1), 0.03);
        ck_assert(kinds[i].limit == 0 ||
                  (largest <= kinds[i].limit * 1.000001 && largest > kinds[i].limit * 0.99));
    }
    draw(TSR_INIT_CONSTANT, 0.75, 0, 0);
    for (size_t i = 0; i < N; i++)
        ck_assert(values[i] == 0.75f);
}
END_TEST

static void rows_are_orthogonal(size_t rows, size_t columns, double length)
{
    tsr_parameter_spec spec = { .name = "w",
                                .n_dims = 3,
                                .dims = { rows, columns / 2, 2 },
                                .init = TSR_INIT_ORTHOGONAL,
                                .constant = (float)length };
    ck_succeeds(tsr_initial_values(&spec, rows * columns, 3, 5, values));
    bool wide = rows <= columns;
    size_t n = wide ? rows : columns, along = wide ? columns : rows;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            double dot = 0;
            for (size_t j = 0; j < along; j++)
                dot += (double)values[wide ? i * columns + j : j * columns + i] *
                       (double)values[wide ? k * columns + j : j * columns + k];
            ck_assert_double_eq_tol(dot, i == k ? length * length : 0, 1e-5);
        }
}

START_TEST(orthogonal_values_are_orthogonal_either_way)
{
    rows_are_orthogonal(20, 64, 1);
    rows_are_orthogonal(64, 20, 2);
    rows_are_orthogonal(30, 30, 0.5);
    rows_are_orthogonal(1, 2, 1);
}
END_TEST

START_TEST(the_stream_is_the_parameters_own)
{
    tsr_parameter_spec spec = {
        .name = "w", .n_dims = 1, .dims = { 100 }, .init = TSR_INIT_NORMAL, .constant = 1
    };
    float again[100];
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 5, values));
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 5, again));
    ck_assert_mem_eq(values, again, sizeof(again));
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 6, again));
    ck_assert_mem_ne(values, again, sizeof(again));
    ck_succeeds(tsr_initial_values(&spec, 100, 4, 5, again));
    ck_assert_mem_ne(values, again, sizeof(again));
}
END_TEST

/* --- values that a model gives --- */

static const float weight[] = { 1, 2, 3, 4, 5, 6 }, mean[] = { 7, 8 }, other_mean[] = { -1, 0.5f },
                   not_finite[] = { 0, NAN };

/* Two units with batch norm, whose weight and running mean are given. */
static tsr_node *give_values(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    float weight_for_a_moment[6];
    memcpy(weight_for_a_moment, weight, sizeof(weight));
    x = tsr_initial(g, tsr_dense(g, x, 2), "weight", 6, weight_for_a_moment);
    memset(weight_for_a_moment, 0, sizeof(weight_for_a_moment));
    x = tsr_initial(g, tsr_batch_norm(g, x), "running_mean", 2, other_mean);
    return tsr_dense(g, tsr_initial(g, x, "running_mean", 2, mean), classes);
}

static tsr_node *give_nothing(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_batch_norm(g, tsr_dense(g, x, 2)), classes);
}

START_TEST(values_that_are_given_are_what_the_network_begins_with)
{
    test_net given = net_new(give_values, NULL, TSR_SHAPE(3), 4, 1),
             drawn = net_new(give_nothing, NULL, TSR_SHAPE(3), 4, 1);
    ck_assert_mem_eq(tsr_network_tensor(given.network, 0)->values, weight, sizeof(weight));
    ck_assert_mem_eq(tsr_network_get_state(given.network, 0)->values, mean, sizeof(mean));
    for (size_t i = 1; i < tsr_network_n_tensors(drawn.network); i++) {
        const tsr_network_parameter *a = tsr_network_tensor(given.network, i),
                                    *b = tsr_network_tensor(drawn.network, i);
        ck_assert_mem_eq(a->values, b->values, b->parameter.n * sizeof(float));
    }
    ck_assert(tsr_network_get_state(given.network, 1)->values[1] == 1);
    net_free(&given);
    net_free(&drawn);
}
END_TEST

typedef struct wrong_values {
    const char *parameter;
    size_t n;
    const float *values;
    bool again, of_nothing;
    const char *expected;
} wrong_values;

static tsr_node *give_wrongly(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const wrong_values *wrong = context;
    tsr_node *dense = tsr_named(g, tsr_dense(g, x, 3), "hidden"),
             *used = wrong->again ? tsr_again(g, dense, dense) : dense;
    tsr_initial(g, wrong->of_nothing ? NULL : used, wrong->parameter, wrong->n, wrong->values);
    return tsr_dense(g, used, classes);
}

START_TEST(values_that_do_not_fit_are_refused_by_the_layers_name)
{
    static const wrong_values cases[] = {
        { "weight", 6, weight, false, false, "hidden: 6 initial values of its weight, expected 9" },
        { "slope", 6, weight, false, false, "hidden: has no 'slope'" },
        { "bias", 2, mean, false, false, "hidden: 2 initial values of its bias, expected 3" },
        { "bias", 3, NULL, false, false, "hidden: the array of initial values is NULL" },
        { NULL, 3, weight, false, false, "hidden: the parameter of initial values is NULL" },
        { "bias", 3, weight, true, false, "to be given to 'hidden', which it applies again" },
        { "bias", 3, weight, false, true, "initial values are given to NULL" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wrong_values wrong = cases[i];
        tsr_instance *model = hook_model_new(give_wrongly, &wrong);
        tsr_network *network;
        ck_fails(tsr_network_new(model, TSR_SHAPE(3), 4, 1, &network), TSR_REFUSED, wrong.expected);
        tsr_instance_free(model);
    }
}
END_TEST

static tsr_node *give_nan(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    return tsr_initial(g, tsr_named(g, tsr_dense(g, x, 2), "hidden"), "bias", 2, not_finite);
}

START_TEST(a_given_value_that_is_not_finite_is_refused_by_its_number)
{
    tsr_instance *model = hook_model_new(give_nan, NULL);
    tsr_network *network;
    ck_fails(tsr_network_new(model, TSR_SHAPE(3), 2, 1, &network), TSR_REFUSED,
             "hidden: initial value 1 of its bias is nan");
    tsr_instance_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("initial");
    TCase *tests = tcase_create("initial");
    tcase_add_test(tests, spreads_are_those_of_the_papers);
    tcase_add_test(tests, orthogonal_values_are_orthogonal_either_way);
    tcase_add_test(tests, the_stream_is_the_parameters_own);
    tcase_add_test(tests, values_that_are_given_are_what_the_network_begins_with);
    tcase_add_test(tests, values_that_do_not_fit_are_refused_by_the_layers_name);
    tcase_add_test(tests, a_given_value_that_is_not_finite_is_refused_by_its_number);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
