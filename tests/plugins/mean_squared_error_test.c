/* Loss mean_squared_error. */
#include "losses_check.h"

#include "nn/network.h"

#include <stdio.h>

static tsr_instance *squared(const char *target)
{
    char text[100];
    snprintf(text, sizeof(text), "plugin = \"mean_squared_error\"; target = \"%s\";", target);
    return test_instance(TSR_LOSS, text);
}

static float outputs[] = { 1, 2, 0, -1 };

START_TEST(it_is_the_mean_over_an_examples_values)
{
    float targets[] = { 0, 4, 0, 1 }, gradient[4];
    tsr_instance *loss = squared("values");
    const tsr_loss_batch batch = { .n = 2,
                                   .width = 2,
                                   .outputs = outputs,
                                   .target_width = 2,
                                   .targets = targets,
                                   .gradient = gradient,
                                   .scale = 0.5f };
    ck_assert_double_eq(loss_of(loss, &batch), (1.0 + 4.0) / 2 + (0.0 + 4.0) / 2);
    static const float expected[] = { 0.5f, -1, 0, -1 }; /* 2 (output - target) / width / n */
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq(gradient[i], expected[i]);
    tsr_instance_free(loss);
}
END_TEST

START_TEST(a_labels_target_is_one_at_its_class)
{
    int32_t labels[] = { 1, 0 };
    float gradient[4];
    tsr_instance *loss = squared("label");
    const tsr_loss_batch batch = { .n = 2,
                                   .width = 2,
                                   .outputs = outputs,
                                   .classes = 2,
                                   .labels = labels,
                                   .gradient = gradient,
                                   .scale = 1 };
    ck_assert_double_eq(loss_of(loss, &batch), (1.0 + 1.0) / 2 + (1.0 + 1.0) / 2);
    ck_assert(gradient[0] == 1 && gradient[1] == 1 && gradient[2] == -1 && gradient[3] == -1);
    tsr_instance_free(loss);
}
END_TEST

START_TEST(its_gradients_are_those_of_differences)
{
    float targets[21];
    int32_t labels[] = { 0, 6, 3 };
    tsr_rng rng = tsr_rng_stream(5, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, 21, targets, -1, 1);
    tsr_instance *values = squared("values"), *label = squared("label");
    loss_gradient_agrees(
        values, (tsr_loss_batch){ .n = 3, .width = 7, .target_width = 7, .targets = targets, .scale = 0.5f });
    loss_gradient_agrees(
        label, (tsr_loss_batch){ .n = 3, .width = 7, .classes = 7, .labels = labels, .scale = 0.5f });
    tsr_instance_free(values);
    tsr_instance_free(label);
}
END_TEST

START_TEST(it_compares_with_what_the_config_says)
{
    static const struct {
        const char *word;
        tsr_target target;
    } cases[] = { { "values", TSR_TARGET_VALUES },
                  { "input", TSR_TARGET_INPUT },
                  { "label", TSR_TARGET_LABELS } };
    for (size_t i = 0; i < 3; i++) {
        tsr_instance *loss = squared(cases[i].word);
        ck_assert_int_eq(tsr_loss_target(loss), cases[i].target);
        tsr_instance_free(loss);
    }
    tsr_instance *loss;
    ck_fails(test_instance_try(TSR_LOSS, "plugin = \"mean_squared_error\"; target = \"output\";", &loss),
             TSR_REFUSED, "target");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mean_squared_error");
    TCase *tests = tcase_create("mean_squared_error");
    tcase_add_test(tests, it_is_the_mean_over_an_examples_values);
    tcase_add_test(tests, a_labels_target_is_one_at_its_class);
    tcase_add_test(tests, its_gradients_are_those_of_differences);
    tcase_add_test(tests, it_compares_with_what_the_config_says);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
