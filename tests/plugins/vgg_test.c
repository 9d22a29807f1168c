/* Model vgg. */
#include "models_check.h"

#include <string.h>

#define OF(depth) "plugin = \"vgg\"; depth = " #depth ";"
#define PLAIN "batch_norm = false;"

/* Two dense layers of 512 and one of 10, as the paper's for CIFAR-10 have behind their convolutions. */
#define DENSE (2 * (512 * 512 + 512) + 512 * 10 + 10)
#define DENSE_NORMS (2 * 2 * 512)

/* The convolutions of torchvision's vgg16 and vgg19 (`features`). */
#define FEATURES_16 14714688
#define FEATURES_19 20024384

START_TEST(parameters_are_as_many_as_published)
{
    model_has_parameters(OF(16) PLAIN, FEATURES_16 + DENSE);
    model_has_parameters(OF(19) PLAIN, FEATURES_19 + DENSE);
}
END_TEST

/* Batch norm's two per channel stand where the convolutions' one bias did. */
START_TEST(batch_norm_takes_the_place_of_the_convolutions_biases)
{
    size_t channels_16 = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512, channels_19 = channels_16 + 256 + 2 * 512;
    model_has_parameters(OF(16), FEATURES_16 + channels_16 + DENSE + DENSE_NORMS);
    model_has_parameters(OF(19), FEATURES_19 + channels_19 + DENSE + DENSE_NORMS);
}
END_TEST

START_TEST(codes_of_cifar_images_have_the_papers_lengths)
{
    model_has_code_bits(OF(16), 277504);
    model_has_code_bits(OF(19), 277504 + 256 * 64 + 512 * 16 + 512 * 4);
}
END_TEST

START_TEST(parameters_are_named_by_stage)
{
    model_has_parameter(OF(16), "stage.0.conv1.weight 64 3 3 3");
    model_has_parameter(OF(16), "stage.2.conv3.weight 256 256 3 3");
    model_has_parameter(OF(19), "stage.4.conv4.weight 512 512 3 3");
    model_has_parameter(OF(16), "stage.4.norm3.weight 512");
    model_has_parameter(OF(16) PLAIN, "stage.4.conv3.bias 512");
    model_has_parameter(OF(16), "hidden.0.weight 512 512");
    model_has_parameter(OF(16), "norm.1.weight 512");
    model_has_parameter(OF(16), "output.weight 10 512");
    model_has_tensors(OF(16), 13 * 3 + 2 * 4 + 2, 15);
    model_has_tensors(OF(19), 16 * 3 + 2 * 4 + 2, 18);
}
END_TEST

START_TEST(width_multiplies_every_hidden_layer)
{
    model_has_parameter(OF(16) "width_multiplier = 0.25;", "stage.0.conv1.weight 16 3 3 3");
    model_has_parameter(OF(16) "width_multiplier = 0.25;", "hidden.0.weight 128 128");
    model_has_code_bits(OF(16) "width_multiplier = 0.25;", 277504 / 4);
    model_has_parameter(OF(16) "width_multiplier = 0.001;", "stage.4.conv3.weight 1 1 3 3");
}
END_TEST

START_TEST(the_activation_is_the_configured_one_with_a_slope_per_channel)
{
    model_has_parameter(OF(16) "activation = \"prelu\"; width_multiplier = 0.25;",
                        "stage.1.activation2.weight 32");
    model_has_parameter(OF(16) "activation = \"prelu\"; width_multiplier = 0.25;", "activation.1.weight 128");
}
END_TEST

START_TEST(a_small_one_learns_a_batch)
{
    model_learns_a_batch(OF(16) "width_multiplier = 0.0625; dropout = 0.0;", TSR_SHAPE(3, 32, 32));
}
END_TEST

START_TEST(images_too_small_for_its_poolings_are_refused)
{
    tsr_shape mnist = TSR_SHAPE(1, 28, 28);
    ck_fails(
        model_try(OF(16), mnist), TSR_REFUSED,
        "max_pool4: its input, 'stage.4.activation3', is 512 x 1 x 1, smaller than its windows of 2 x 2");
}
END_TEST

START_TEST(depths_that_it_has_not_are_refused)
{
    ck_fails(model_try(OF(17), TSR_SHAPE(3, 32, 32)), TSR_REFUSED, "depth is 17, expected 16 or 19");
    tsr_instance *model;
    ck_fails(test_instance_try(TSR_MODEL, OF(11), &model), TSR_REFUSED, "depth");
    ck_fails(test_instance_try(TSR_MODEL, OF(16) "dropout = 1.0;", &model), TSR_REFUSED, "dropout");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vgg");
    TCase *tests = tcase_create("vgg");
    tcase_add_test(tests, parameters_are_as_many_as_published);
    tcase_add_test(tests, batch_norm_takes_the_place_of_the_convolutions_biases);
    tcase_add_test(tests, codes_of_cifar_images_have_the_papers_lengths);
    tcase_add_test(tests, parameters_are_named_by_stage);
    tcase_add_test(tests, width_multiplies_every_hidden_layer);
    tcase_add_test(tests, the_activation_is_the_configured_one_with_a_slope_per_channel);
    tcase_add_test(tests, a_small_one_learns_a_batch);
    tcase_add_test(tests, images_too_small_for_its_poolings_are_refused);
    tcase_add_test(tests, depths_that_it_has_not_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
