/* Building graphs: what sticks, what is refused and in which words, names, and what a finished graph knows.
 */
#include "nets.h"

#include "base/text.h"
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tsr_graph *graph_of(tsr_shape shape)
{
    tsr_graph *graph;
    ck_succeeds(tsr_graph_new(NULL, shape, &graph));
    return graph;
}

/* The graph fails to finish with just this message, behind which the inputs may stand; frees it. */
static void refuses(tsr_graph *graph, tsr_node *logits, int classes, const char *message)
{
    tsr_status *status = tsr_graph_finish(graph, logits, classes);
    ck_assert_msg(status != NULL, "finished, where '%s' was expected", message);
    const char *said = tsr_status_message(status), *inputs = strstr(said, " (input");
    size_t length = inputs ? (size_t)(inputs - said) : strlen(said);
    ck_assert_msg(length == strlen(message) && strncmp(said, message, length) == 0, "'%s' is not '%s'", said,
                  message);
    ck_assert_int_eq(tsr_status_error(status), TSR_REFUSED);
    tsr_status_free(status);
    tsr_graph_free(graph);
}

#define VECTOR (TSR_SHAPE(4))

START_TEST(an_error_sticks_and_the_first_is_told)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *x = tsr_dense(g, g->nodes[0], 0);
    tsr_shape shape = tsr_node_shape(x);
    ck_assert(shape.n_dims == 1 && shape.dims[0] == 1);
    x = tsr_dropout(g, tsr_batch_norm(g, tsr_flatten(g, x)), 7);
    x = tsr_named(g, tsr_add(g, x, g->nodes[0]), "sum");
    tsr_graph_fail(g, "later");
    refuses(g, x, 4, "dense0: width is 0, expected at least 1");
}
END_TEST

START_TEST(a_builders_own_error_sticks)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_graph_fail(g, "an odd number of %s", "blocks");
    refuses(g, tsr_dense(g, g->nodes[0], -3), 2, "an odd number of blocks");
}
END_TEST

START_TEST(nodes_that_are_null_or_of_another_graph_are_refused)
{
    tsr_graph *g = graph_of(VECTOR), *other = graph_of(VECTOR);
    refuses(g, tsr_dense(g, NULL, 2), 2, "dense0: input 0 is NULL");
    g = graph_of(VECTOR);
    tsr_add(g, g->nodes[0], other->nodes[0]);
    refuses(g, g->nodes[0], 4, "add0: input 1 is a node of another graph");
    g = graph_of(VECTOR);
    tsr_named(g, NULL, "a");
    refuses(g, g->nodes[0], 4, "the node to be named 'a' is NULL");
    g = graph_of(VECTOR);
    tsr_named(g, other->nodes[0], "a");
    refuses(g, g->nodes[0], 4, "the node to be named 'a' is of another graph");
    tsr_graph_free(other);
}
END_TEST

START_TEST(calls_without_a_graph_do_nothing)
{
    tsr_node *x = tsr_named(NULL, tsr_activate(NULL, tsr_dense(NULL, NULL, 3)), "x");
    tsr_graph_fail(NULL, "nothing");
    ck_assert_ptr_nonnull(x);
    ck_assert(tsr_shape_size(tsr_node_shape(NULL)) == 1);
}
END_TEST

START_TEST(adding_different_shapes_names_nodes_and_shapes)
{
    tsr_graph *g = graph_of(TSR_SHAPE(2, 3, 3));
    tsr_node *a = tsr_named(g, tsr_dense(g, g->nodes[0], 5), "hidden.0");
    tsr_add(g, a, g->nodes[0]);
    refuses(g, a, 5,
            "add0: 'hidden.0' is 5 and 'input' is 2 x 3 x 3, expected one shape, or 1 where one is "
            "repeated");
}
END_TEST

START_TEST(rates_and_momenta_outside_their_range_are_refused)
{
    static const struct {
        double rate;
        const char *message;
    } cases[] = {
        { 1, "dropout0: rate is 1, expected 0 or more and less than 1" },
        { -0.5, "dropout0: rate is -0.5, expected 0 or more and less than 1" },
    };
    for (size_t i = 0; i < 2; i++) {
        tsr_graph *g = graph_of(VECTOR);
        refuses(g, tsr_dropout(g, g->nodes[0], cases[i].rate), 4, cases[i].message);
    }
    tsr_graph *g = graph_of(VECTOR);
    tsr_dropout(g, g->nodes[0], NAN);
    ck_fails(tsr_graph_finish(g, g->nodes[0], 4), TSR_REFUSED, "dropout0: rate is ");
    tsr_graph_free(g);
    g = graph_of(VECTOR);
    refuses(g, tsr_batch_norm_with(g, g->nodes[0], &(tsr_batch_norm_options){ 0, 0.9 }), 4,
            "batch_norm0: epsilon is 0, expected 1e-30 to 1000");
    g = graph_of(VECTOR);
    refuses(g, tsr_batch_norm_with(g, g->nodes[0], &(tsr_batch_norm_options){ 1e-3, 1.5 }), 4,
            "batch_norm0: momentum is 1.5, expected 0 to 1");
    g = graph_of(VECTOR);
    refuses(g, tsr_batch_norm_with(g, g->nodes[0], NULL), 4, "the options of a batch norm are NULL");
}
END_TEST

/* An operator of a plugin's own with two constants, of which the second's name is the config. */
static void set_up_constants(tsr_setup *setup)
{
    const char *const *second = tsr_setup_config(setup);
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
    tsr_setup_constant(setup,
                       &(tsr_constant_spec){ .name = "scale", .value = 3, .minimum = 0, .maximum = 4 });
    tsr_setup_constant(setup,
                       &(tsr_constant_spec){ .name = *second, .value = 5, .minimum = 0, .maximum = 5 });
}

static void scale(const tsr_pass *pass)
{
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->output[i] = pass->inputs[0][i] * (float)pass->constants[0] + (float)pass->constants[1];
}

static const tsr_op scaler = { .size = sizeof(tsr_op),
                               .name = "scaler",
                               .config_size = sizeof(char *),
                               .setup = set_up_constants,
                               .forward = scale,
                               .backward = scale };

START_TEST(constants_are_named_apart_and_keep_their_range)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *x = g->nodes[0];
    refuses(g, tsr_apply(g, &scaler, &(const char *){ "scale" }, 1, &x), 4,
            "scaler0: two parameters are named 'scale'");
    g = graph_of(VECTOR);
    x = g->nodes[0];
    refuses(g, tsr_apply(g, &scaler, &(const char *){ "no name" }, 1, &x), 4,
            "scaler0: a parameter's name is 'no name', expected letters, digits and _.-");
    g = graph_of(VECTOR);
    x = tsr_dense(g, g->nodes[0], 4);
    x = tsr_apply(g, &scaler, &(const char *){ "shift" }, 1, &x);
    x = tsr_apply(g, &scaler, &(const char *){ "shift" }, 1, &x);
    ck_succeeds(tsr_graph_finish(g, x, 4));
    ck_assert_uint_eq(g->n_constants, 4);
    ck_assert_uint_eq(x->first_constant, 2);
    ck_succeeds(tsr_graph_set_constant(g, 2, 4));
    ck_assert_double_eq(g->constant_values[0], 3);
    ck_assert_double_eq(g->constant_values[2], 4);
    ck_fails(tsr_graph_set_constant(g, 2, 4.5), TSR_REFUSED, "scaler1: scale is 4.5, expected 0 to 4");
    ck_fails(tsr_graph_set_constant(g, 2, NAN), TSR_REFUSED, "expected 0 to 4");
    tsr_graph_free(g);
}
END_TEST

START_TEST(sizes_beyond_memory_are_refused)
{
    tsr_graph *g;
    ck_fails(tsr_graph_new(NULL, TSR_SHAPE(3, 0, 2), &g), TSR_REFUSED,
             "an input of 3 x 0 x 2 is not possible");
    ck_fails(tsr_graph_new(NULL, TSR_SHAPE(SIZE_MAX, SIZE_MAX, 2), &g), TSR_REFUSED, "is not possible");
    ck_fails(tsr_graph_new(NULL, TSR_SHAPE(SIZE_MAX / 4), &g), TSR_REFUSED, "is not possible");
    g = graph_of(TSR_SHAPE((size_t)INT_MAX + 1));
    refuses(g, tsr_dense(g, g->nodes[0], 2), 2, "dense0: 2147483648 inputs are more than BLAS can count");
}
END_TEST

START_TEST(nodes_are_named_by_operator_and_number)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *a = tsr_dense(g, g->nodes[0], 4), *b = tsr_batch_norm(g, a), *c = tsr_dense(g, b, 4);
    ck_assert_str_eq(a->name, "dense0");
    ck_assert_str_eq(b->name, "batch_norm0");
    ck_assert_str_eq(c->name, "dense1");
    ck_assert_ptr_eq(tsr_named(g, b, "norm.%d", 7), b);
    ck_assert_str_eq(b->name, "norm.7");
    tsr_named(g, b, "dense2");
    tsr_node *d = tsr_dense(g, c, 4);
    ck_assert_str_eq(d->name, "dense3"); /* dense2 is taken */
    ck_succeeds(tsr_graph_finish(g, d, 4));
    tsr_graph_free(g);
}
END_TEST

START_TEST(names_are_unique_and_plain)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *a = tsr_named(g, tsr_flatten(g, g->nodes[0]), "a");
    tsr_named(g, a, "a"); /* its own name again is fine */
    tsr_named(g, tsr_flatten(g, a), "a");
    refuses(g, a, 4, "flatten1: cannot be named 'a', another node is");
    g = graph_of(VECTOR);
    refuses(g, tsr_named(g, tsr_flatten(g, g->nodes[0]), "a b"), 4,
            "flatten0: cannot be named 'a b', expected letters, digits and _.-");
    g = graph_of(VECTOR);
    refuses(g, tsr_named(g, tsr_flatten(g, g->nodes[0]), "%s", ""), 4,
            "flatten0: cannot be named '', expected letters, digits and _.-");
}
END_TEST

START_TEST(what_build_returns_is_checked)
{
    tsr_graph *g = graph_of(VECTOR), *other = graph_of(VECTOR);
    refuses(g, NULL, 4, "build returned NULL, expected the node of the logits");
    g = graph_of(VECTOR);
    refuses(g, other->nodes[0], 4, "build returned a node of another graph");
    g = graph_of(VECTOR);
    refuses(g, tsr_named(g, tsr_dense(g, g->nodes[0], 3), "output"), 10,
            "build returned 'output' of 3 values, expected 10, as many as it was asked for");
    g = graph_of(VECTOR);
    tsr_dense(g, g->nodes[0], 3);
    refuses(g, tsr_named(g, tsr_dense(g, g->nodes[0], 2), "output"), 2,
            "'dense0' is not used: neither the logits, 'output', nor a term of the loss depends on it");
    tsr_graph_free(other);
}
END_TEST

static void refuses_term(double weight, size_t values, const char *message)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *output = tsr_named(g, tsr_dense(g, g->nodes[0], (int)values), "output");
    tsr_add_loss_term(g, values ? output : NULL, weight);
    refuses(g, output, 4, message);
}

START_TEST(terms_of_the_loss_are_checked)
{
    refuses_term(1, 4,
                 "'output', a term of the loss, is 4, expected one value for a sample, as tsr_mean gives it");
    refuses_term(NAN, 1, "the weight of 'output', a term of the loss, is nan, expected a finite number");
    tsr_graph *g = graph_of(VECTOR), *other = graph_of(VECTOR);
    tsr_add_loss_term(g, other->nodes[0], 1);
    refuses(g, g->nodes[0], 4, "a term of the loss is a node of another graph");
    g = graph_of(VECTOR);
    tsr_add_loss_term(g, NULL, 1);
    refuses(g, g->nodes[0], 4, "a term of the loss is NULL");
    tsr_graph_free(other);
}
END_TEST

static tsr_node *activates(void *context, tsr_graph *graph, tsr_node *input, int classes)
{
    (void)context;
    return tsr_dense(graph, tsr_activate(graph, input), classes);
}

START_TEST(a_model_without_an_activation_cannot_activate)
{
    tsr_instance *model = hook(TSR_MODEL, "");
    ((hook_model *)tsr_instance_self(model))->build = activates;
    tsr_network *network;
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED,
             "model hook_model: no activation is configured");
    tsr_instance_free(model);
}
END_TEST

static tsr_node *activates_with(void *context, tsr_graph *graph, tsr_node *input, int classes)
{
    return tsr_dense(graph, tsr_activate_with(graph, input, context), classes);
}

START_TEST(only_an_activation_with_sane_breakpoints_activates)
{
    tsr_instance *optimizer = hook(TSR_OPTIMIZER, ""), *activation = hook(TSR_ACTIVATION, "");
    tsr_instance *model = hook_model_new(activates_with, optimizer);
    hook_model *self = tsr_instance_self(model);
    tsr_network *network;
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED,
             "plugin hook_optimizer cannot activate: it is no activation");
    self->context = NULL;
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED, "an activation is NULL");
    self->context = activation;
    hook_activation *f = tsr_instance_self(activation);
    f->n_breakpoints = 65;
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED,
             "activation0: activation hook_activation has 65 breakpoints, expected at most 64");
    *f = (hook_activation){ 2, { 1, 1 } };
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED,
             "breakpoint 1 is 1, expected finite and ascending ones");
    *f = (hook_activation){ 1, { INFINITY } };
    ck_fails(tsr_network_new(model, VECTOR, 3, 1, &network), TSR_REFUSED, "breakpoint 0 is inf");
    tsr_instance_free(model);
    tsr_instance_free(optimizer);
    tsr_instance_free(activation);
}
END_TEST

/* --- operators of a plugin's own --- */

static void nothing(const tsr_pass *pass)
{
    (void)pass;
}

static void setup_nothing(tsr_setup *setup)
{
    (void)setup;
}

static void setup_same(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

static void setup_empty_output(tsr_setup *setup)
{
    tsr_setup_output(setup, TSR_SHAPE(4, 0, 1));
}

static void setup_fails(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_fail(setup, "%zu inputs, expected 3", tsr_setup_n_inputs(setup));
}

static void setup_two_names(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "w", .n_dims = 1, .dims = { 2 } });
    tsr_setup_state(setup, "w", 2, 0);
}

static void setup_bad_name(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_state(setup, "a/b", 2, 0);
}

static void setup_no_dims(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "w" });
}

static void setup_huge(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "w", .n_dims = 2, .dims = { SIZE_MAX, 2 } });
}

static void setup_no_fans(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_parameter(
        setup,
        &(tsr_parameter_spec){ .name = "w", .n_dims = 1, .dims = { 2 }, .init = TSR_INIT_GLOROT_UNIFORM });
}

static void setup_nan(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_parameter(setup,
                        &(tsr_parameter_spec){ .name = "w", .n_dims = 1, .dims = { 2 }, .constant = NAN });
}

static void setup_empty_state(tsr_setup *setup)
{
    setup_same(setup);
    tsr_setup_state(setup, "s", 0, 0);
}

START_TEST(an_operator_that_asks_for_nonsense_is_refused)
{
    static const struct {
        void (*setup)(tsr_setup *setup);
        const char *message;
    } cases[] = {
        { setup_nothing, "own0: its setup gives no output shape" },
        { setup_empty_output,
          "own0: an output of 4 x 0 x 1 cannot be: each must be at least 1, and a sample fit in memory" },
        { setup_fails, "own0: 1 inputs, expected 3" },
        { setup_two_names, "own0: two parameters are named 'w'" },
        { setup_bad_name, "own0: a parameter's name is 'a/b', expected letters, digits and _.-" },
        { setup_no_dims,
          "own0: parameter 'w': needs 1 to 6 dimensions, each at least 1, that fit in memory" },
        { setup_huge, "own0: parameter 'w': needs 1 to 6 dimensions, each at least 1, that fit in memory" },
        { setup_no_fans, "own0: parameter 'w': Glorot initialisation needs fan_in and fan_out" },
        { setup_nan, "own0: parameter 'w': its initial value is not finite" },
        { setup_empty_state, "own0: state 's': needs at least 1 value, and to fit in memory" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tsr_graph *g = graph_of(VECTOR);
        tsr_op op = { .size = sizeof(op),
                      .name = "own",
                      .setup = cases[i].setup,
                      .forward = nothing,
                      .backward = nothing };
        refuses(g, tsr_apply(g, &op, NULL, 1, g->nodes), 4, cases[i].message);
    }
}
END_TEST

START_TEST(an_operator_that_is_incomplete_is_refused)
{
    static const tsr_op whole = { .size = sizeof(tsr_op),
                                  .name = "own",
                                  .config_size = 8,
                                  .setup = setup_same,
                                  .forward = nothing,
                                  .backward = nothing };
    tsr_op cut = whole;
    tsr_graph *g = graph_of(VECTOR);
    refuses(g, tsr_apply(g, NULL, NULL, 1, g->nodes), 4, "an operator is NULL");
    g = graph_of(VECTOR);
    refuses(g, tsr_apply(g, &whole, NULL, 1, g->nodes), 4,
            "own0: the configuration is NULL, expected 8 bytes");
    g = graph_of(VECTOR);
    refuses(g, tsr_apply(g, &whole, "1234567", 0, g->nodes), 4, "own0: no inputs, expected at least 1");
    g = graph_of(VECTOR);
    cut.backward = NULL;
    refuses(g, tsr_apply(g, &cut, "1234567", 1, g->nodes), 4,
            "operator own: setup, forward or backward is NULL");
    g = graph_of(VECTOR);
    cut.name = "no name";
    refuses(g, tsr_apply(g, &cut, "1234567", 1, g->nodes), 4,
            "an operator's name is 'no name', expected letters, digits and _.-");
    g = graph_of(VECTOR);
    cut.size = 8;
    tsr_apply(g, &cut, "1234567", 1, g->nodes);
    ck_fails(tsr_graph_finish(g, g->nodes[0], 4), TSR_REFUSED,
             "an operator's size is 8, expected sizeof(tsr_op)");
    tsr_graph_free(g);
}
END_TEST

START_TEST(a_configuration_is_copied)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_op op = { .size = sizeof(op),
                  .name = "own",
                  .config_size = 4,
                  .setup = setup_same,
                  .forward = nothing,
                  .backward = nothing };
    char config[4] = "abc";
    tsr_node *x = tsr_apply(g, &op, config, 1, g->nodes);
    memset(config, 'z', 3);
    memset(&op, 0, sizeof(op));
    ck_assert_str_eq(x->config, "abc");
    ck_assert_str_eq(x->op.name, "own");
    ck_succeeds(tsr_graph_finish(g, x, 4));
    tsr_graph_free(g);
}
END_TEST

START_TEST(a_thousand_layers_can_be_built)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *x = g->nodes[0];
    for (int i = 0; i < 1000; i++)
        x = tsr_named(g, tsr_batch_norm(g, tsr_dense(g, x, 4)), "norm.%d", i);
    ck_succeeds(tsr_graph_finish(g, x, 4));
    ck_assert_uint_eq(g->n, 2001);
    ck_assert_uint_eq(g->n_parameters, 4000);
    tsr_graph_free(g);
}
END_TEST

static void refuse(tsr_setup *setup)
{
    tsr_setup_fail(setup, "'%s' is odd", tsr_setup_input_name(setup, 1));
}

START_TEST(a_refusal_ends_with_the_inputs_that_it_does_not_name)
{
    static const tsr_op picky =
        TSR_OP(.name = "picky", .setup = refuse, .forward = nothing, .backward = nothing);
    tsr_graph *g = graph_of(TSR_SHAPE(3, 5, 7));
    tsr_node *flat = tsr_named(g, tsr_flatten(g, g->nodes[0]), "flat");
    tsr_apply(g, &picky, NULL, 3, (tsr_node *[]){ g->nodes[0], flat, flat });
    tsr_status *status = tsr_graph_finish(g, flat, 105);
    ck_assert_str_eq(tsr_status_message(status), "picky0: 'flat' is odd (inputs: 'input', 3 x 5 x 7)");
    tsr_status_free(status);
    tsr_graph_free(g);
    g = graph_of(TSR_SHAPE(2, 4));
    tsr_dense(g, g->nodes[0], 0);
    status = tsr_graph_finish(g, g->nodes[0], 8);
    ck_assert_str_eq(tsr_status_message(status),
                     "dense0: width is 0, expected at least 1 (input: 'input', 2 x 4)");
    tsr_status_free(status);
    tsr_graph_free(g);
}
END_TEST

/* --- scopes of names --- */

START_TEST(names_in_scopes_begin_with_theirs)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_node *before = tsr_dense(g, g->nodes[0], 4);
    tsr_scope(g, "stage.%d", 2);
    tsr_node *first = tsr_dense(g, before, 4);
    tsr_scope(g, "shortcut");
    tsr_node *named = tsr_named(g, tsr_dense(g, first, 4), "dense%d", 7), *second = tsr_dense(g, named, 4);
    tsr_scope_end(g);
    tsr_node *third = tsr_dense(g, second, 4);
    tsr_scope_end(g);
    tsr_node *after = tsr_dense(g, third, 4);
    ck_assert_str_eq(tsr_node_name(before), "dense0");
    ck_assert_str_eq(tsr_node_name(first), "stage.2.dense0");
    ck_assert_str_eq(tsr_node_name(named), "stage.2.shortcut.dense7");
    ck_assert_str_eq(tsr_node_name(second), "stage.2.shortcut.dense1");
    ck_assert_str_eq(tsr_node_name(third), "stage.2.dense3");
    ck_assert_str_eq(tsr_node_name(after), "dense5");
    ck_succeeds(tsr_graph_finish(g, after, 4));
    tsr_graph_free(g);
}
END_TEST

START_TEST(scopes_that_do_not_end_or_begin_are_refused)
{
    tsr_graph *g = graph_of(VECTOR);
    tsr_scope(g, "a");
    tsr_scope(g, "b");
    tsr_scope_end(g);
    tsr_scope(g, "c");
    refuses(g, tsr_dense(g, g->nodes[0], 4), 4,
            "the scope of names 'a.c.' is not ended: a tsr_scope_end is missing");
    g = graph_of(VECTOR);
    tsr_scope(g, "a");
    tsr_scope_end(g);
    tsr_scope_end(g);
    refuses(g, g->nodes[0], 4, "a scope of names is ended that was not begun");
    g = graph_of(VECTOR);
    tsr_scope(g, "a/b");
    tsr_scope_end(g);
    refuses(g, g->nodes[0], 4, "a scope is named 'a/b', expected letters, digits and _.-");
    g = graph_of(VECTOR);
    tsr_scope(g, "%s", "");
    refuses(g, g->nodes[0], 4, "a scope is named '', expected letters, digits and _.-");
    g = graph_of(VECTOR);
    tsr_scope(g, "a");
    tsr_named(g, tsr_dense(g, g->nodes[0], 4), "same");
    refuses(g, tsr_named(g, tsr_dense(g, g->nodes[0], 4), "same"), 4,
            "a.dense1: cannot be named 'a.same', another node is");
    tsr_scope(NULL, "nothing");
    tsr_scope_end(NULL);
}
END_TEST

static const tsr_instance *inner; /* that the outer model nests */

static tsr_node *build_outer(const void *self, tsr_graph *graph, tsr_node *x, int classes)
{
    (void)self;
    (void)classes;
    return tsr_activate(graph, tsr_build_model(graph, inner, tsr_activate(graph, x), 4));
}

/* The names of the activations' plugins, in order. */
static void activations_of(const tsr_graph *graph, tsr_text *out)
{
    for (size_t i = 0; i < graph->n; i++)
        if (graph->nodes[i]->identity == &tsr_op_activation)
            tsr_text_add(out, "%s ", ((const tsr_activation_config *)graph->nodes[i]->config)->name);
}

START_TEST(a_nested_model_keeps_its_own_activation)
{
    static const tsr_model_ops ops = { .build = build_outer };
    tsr_instance *outer = test_instance(TSR_MODEL, "plugin = \"mlp\"; activation = { plugin = \"relu\"; };");
    tsr_instance *nested = test_instance(TSR_MODEL, "plugin = \"mlp\"; width = 3; batch_norm = false; "
                                                    "activation = { plugin = \"leaky_relu\"; };");
    tsr_graph *g;
    tsr_text names = { 0 };
    inner = nested;
    ck_succeeds(tsr_graph_new(outer, VECTOR, &g));
    tsr_node *logits = ops.build(NULL, g, g->nodes[0], 4);
    ck_succeeds(tsr_graph_finish(g, logits, 4));
    activations_of(g, &names);
    ck_assert_str_eq(names.chars, "relu leaky_relu relu ");
    free(names.chars);
    tsr_graph_free(g);
    tsr_instance_free(nested);
    tsr_instance_free(outer);
}
END_TEST

START_TEST(only_a_model_can_be_nested)
{
    tsr_graph *g = graph_of(VECTOR);
    refuses(g, tsr_build_model(g, NULL, g->nodes[0], 4), 4, "a nested model is NULL");
    tsr_instance *activation = test_instance(TSR_ACTIVATION, "plugin = \"relu\";");
    g = graph_of(VECTOR);
    refuses(g, tsr_build_model(g, activation, g->nodes[0], 4), 4, "a nested model is no model");
    tsr_instance_free(activation);
    tsr_build_model(NULL, NULL, NULL, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *tests = tcase_create("graph");
    tcase_add_test(tests, an_error_sticks_and_the_first_is_told);
    tcase_add_test(tests, a_builders_own_error_sticks);
    tcase_add_test(tests, nodes_that_are_null_or_of_another_graph_are_refused);
    tcase_add_test(tests, calls_without_a_graph_do_nothing);
    tcase_add_test(tests, adding_different_shapes_names_nodes_and_shapes);
    tcase_add_test(tests, rates_and_momenta_outside_their_range_are_refused);
    tcase_add_test(tests, constants_are_named_apart_and_keep_their_range);
    tcase_add_test(tests, sizes_beyond_memory_are_refused);
    tcase_add_test(tests, nodes_are_named_by_operator_and_number);
    tcase_add_test(tests, names_are_unique_and_plain);
    tcase_add_test(tests, what_build_returns_is_checked);
    tcase_add_test(tests, terms_of_the_loss_are_checked);
    tcase_add_test(tests, a_model_without_an_activation_cannot_activate);
    tcase_add_test(tests, only_an_activation_with_sane_breakpoints_activates);
    tcase_add_test(tests, an_operator_that_asks_for_nonsense_is_refused);
    tcase_add_test(tests, an_operator_that_is_incomplete_is_refused);
    tcase_add_test(tests, a_configuration_is_copied);
    tcase_add_test(tests, a_thousand_layers_can_be_built);
    tcase_add_test(tests, a_refusal_ends_with_the_inputs_that_it_does_not_name);
    tcase_add_test(tests, names_in_scopes_begin_with_theirs);
    tcase_add_test(tests, scopes_that_do_not_end_or_begin_are_refused);
    tcase_add_test(tests, a_nested_model_keeps_its_own_activation);
    tcase_add_test(tests, only_a_model_can_be_nested);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
