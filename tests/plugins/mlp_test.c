/* Model mlp. */
#include "support.h"

#include "nn/network.h"

#include <stdio.h>
#include <string.h>

#define SHAPE (TSR_SHAPE(1, 8, 8))

typedef struct built {
    tsr_instance *model, *loss;
    tsr_network *network;
} built;

static built build(const char *settings)
{
    char text[256];
    snprintf(text, sizeof(text), "plugin = \"mlp\"; %s", settings);
    built all = { .model = test_instance(TSR_MODEL, text) };
    ck_succeeds(tsr_network_new(all.model, SHAPE, 10, 1, &all.network));
    all.loss = test_give_loss(all.network);
    return all;
}

static void free_built(built *all)
{
    tsr_network_free(all->network);
    tsr_instance_free(all->model);
    tsr_instance_free(all->loss);
}

/* The parameters' names, each followed by its first dimension: "a 3 b 4 ". */
static void parameters_are(const char *settings, const char *expected)
{
    built all = build(settings);
    char text[1024] = "";
    for (size_t i = 0; i < tsr_network_n_tensors(all.network); i++) {
        const tsr_parameter *p = &tsr_network_tensor(all.network, i)->parameter;
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %zu ", p->name, p->dims[0]);
    }
    ck_assert_str_eq(text, expected);
    free_built(&all);
}

START_TEST(by_default_it_has_one_hidden_layer_of_100_with_batch_norm_and_relu)
{
    parameters_are("",
                   "hidden.0.weight 100 hidden.0.bias 100 norm.0.weight 100 norm.0.bias 100 output.weight 10 "
                   "output.bias 10 ");
    built all = build("");
    ck_assert_uint_eq(tsr_network_parameters(all.network), 64 * 100 + 100 + 200 + 1000 + 10);
    ck_assert_uint_eq(tsr_network_n_layers(all.network), 1);
    ck_assert_str_eq(tsr_network_code_source(all.network, 0)->name, "activation.0");
    ck_assert_uint_eq(tsr_network_code_source(all.network, 0)->units, 100);
    free_built(&all);
}
END_TEST

START_TEST(depth_zero_is_a_linear_model)
{
    parameters_are("depth = 0;", "output.weight 10 output.bias 10 ");
}
END_TEST

START_TEST(width_and_depth_shape_it)
{
    parameters_are("depth = 2; width = 7; batch_norm = false; dropout = 0.5;",
                   "hidden.0.weight 7 hidden.0.bias 7 hidden.1.weight 7 hidden.1.bias 7 output.weight 10 "
                   "output.bias 10 ");
}
END_TEST

START_TEST(widths_go_before_width_and_depth)
{
    parameters_are("depth = 5; width = 7; widths = [ 4, 3 ]; batch_norm = false;",
                   "hidden.0.weight 4 hidden.0.bias 4 hidden.1.weight 3 hidden.1.bias 3 output.weight 10 "
                   "output.bias 10 ");
}
END_TEST

START_TEST(the_activation_is_the_configured_one)
{
    parameters_are(
        "width = 5; batch_norm = false; activation = { plugin = \"prelu\"; };",
        "hidden.0.weight 5 hidden.0.bias 5 activation.0.weight 5 output.weight 10 output.bias 10 ");
}
END_TEST

START_TEST(dropout_changes_training_and_not_inference)
{
    const char *settings[] = { "batch_norm = false;", "batch_norm = false; dropout = 0.5;" };
    float trained[2], inferred[2];
    for (int i = 0; i < 2; i++) {
        built all = build(settings[i]);
        ck_succeeds(tsr_network_plan(all.network, 1, true));
        for (size_t k = 0; k < 64; k++)
            tsr_network_input_values(all.network)[k] = 0.5f;
        tsr_network_forward(all.network, 1, NULL, NULL);
        inferred[i] = tsr_network_logits(all.network)[0];
        tsr_network_gradient(all.network, 1, (int32_t[]){ 3 }, 1, 1, NULL);
        trained[i] = tsr_network_logits(all.network)[0];
        free_built(&all);
    }
    ck_assert(inferred[0] == inferred[1]);
    ck_assert(trained[0] == inferred[0]);
    ck_assert(trained[1] != inferred[1]);
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    tsr_instance *model;
    ck_fails(test_instance_try(TSR_MODEL, "plugin = \"mlp\"; width = 0;", &model), TSR_REFUSED, "width");
    ck_fails(test_instance_try(TSR_MODEL, "plugin = \"mlp\"; widths = [ 3, 0 ];", &model), TSR_REFUSED,
             "widths");
    ck_fails(test_instance_try(TSR_MODEL, "plugin = \"mlp\"; depth = 1001;", &model), TSR_REFUSED, "depth");
    ck_fails(test_instance_try(TSR_MODEL, "plugin = \"mlp\"; dropout = 1.0;", &model), TSR_REFUSED,
             "dropout");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp");
    TCase *tests = tcase_create("mlp");
    tcase_add_test(tests, by_default_it_has_one_hidden_layer_of_100_with_batch_norm_and_relu);
    tcase_add_test(tests, depth_zero_is_a_linear_model);
    tcase_add_test(tests, width_and_depth_shape_it);
    tcase_add_test(tests, widths_go_before_width_and_depth);
    tcase_add_test(tests, the_activation_is_the_configured_one);
    tcase_add_test(tests, dropout_changes_training_and_not_inference);
    tcase_add_test(tests, values_out_of_range_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
