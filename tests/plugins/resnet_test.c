/* Model resnet. */
#include "models_check.h"

#include <string.h>

#define OF(depth) "plugin = \"resnet\"; depth = " #depth ";"

/* He et al. 2015, table 6: 0.27, 0.46 and 0.85 million; exactly, those of PyTorch's usual implementations
   with 1 x 1 shortcuts (chenyaofo/pytorch-cifar-models; kuangliu/pytorch-cifar for ResNet-18). */
START_TEST(parameters_are_as_many_as_published)
{
    model_has_parameters(OF(20), 272474);
    model_has_parameters(OF(32), 466906);
    model_has_parameters(OF(56), 855770);
    model_has_parameters(OF(18), 11173962);
}
END_TEST

/* One bit per unit of each activation: with 20 layers, (1 + 6) 16 x 32 x 32 + 6 (32 x 16 x 16 + 64 x 8 x 8).
 */
START_TEST(codes_of_cifar_images_have_the_papers_lengths)
{
    model_has_code_bits(OF(20), 188416);
    model_has_code_bits(OF(32), 16 * 1024 * 11 + 10 * (8192 + 4096));
    model_has_code_bits(OF(56), 16 * 1024 * 19 + 18 * (8192 + 4096));
    model_has_code_bits(OF(18), 65536 * 5 + 4 * (32768 + 16384 + 8192));
}
END_TEST

START_TEST(parameters_are_named_by_stage_and_block)
{
    model_has_parameter(OF(20), "stem.conv.weight 16 3 3 3");
    model_has_parameter(OF(20), "stem.norm.bias 16");
    model_has_parameter(OF(20), "stage.0.block.0.conv1.weight 16 16 3 3");
    model_has_parameter(OF(20), "stage.1.block.0.conv1.weight 32 16 3 3");
    model_has_parameter(OF(20), "stage.1.block.0.shortcut.conv.weight 32 16 1 1");
    model_has_parameter(OF(20), "stage.2.block.2.norm2.weight 64");
    model_has_parameter(OF(20), "output.weight 10 64");
    model_has_parameter(OF(18), "stage.3.block.0.shortcut.conv.weight 512 256 1 1");
    model_has_parameter(OF(18), "output.weight 10 512");
}
END_TEST

START_TEST(shortcuts_are_the_identity_but_where_the_shape_changes)
{
    model_has_tensors(OF(20), 3 * (1 + 18 + 2) + 2, 19);
    model_has_tensors(OF(18), 3 * (1 + 16 + 3) + 2, 17);
}
END_TEST

START_TEST(width_multiplies_the_channels_of_every_stage)
{
    model_has_parameter(OF(20) "width_multiplier = 0.5;", "stem.conv.weight 8 3 3 3");
    model_has_parameter(OF(20) "width_multiplier = 0.5;", "stage.2.block.0.conv2.weight 32 32 3 3");
    model_has_parameter(OF(20) "width_multiplier = 0.001;", "stage.2.block.0.conv2.weight 1 1 3 3");
    model_has_parameter(OF(18) "width_multiplier = 0.1;", "stage.3.block.1.conv2.weight 51 51 3 3");
    model_has_code_bits(OF(20) "width_multiplier = 2.0;", 2 * 188416);
}
END_TEST

START_TEST(the_activation_is_the_configured_one_with_a_slope_per_channel)
{
    model_has_parameter(OF(20) "activation = \"prelu\";", "stem.activation.weight 16");
    model_has_parameter(OF(20) "activation = \"prelu\";", "stage.2.block.2.activation2.weight 64");
    model_has_parameters(OF(20) "activation = \"prelu\";", 272474 + 7 * 16 + 6 * 32 + 6 * 64);
}
END_TEST

START_TEST(a_small_one_learns_a_batch)
{
    model_learns_a_batch(OF(20) "width_multiplier = 0.25;", TSR_SHAPE(3, 8, 8));
    model_learns_a_batch(OF(18) "width_multiplier = 0.0625; activation = \"prelu\";", TSR_SHAPE(1, 9, 7));
}
END_TEST

START_TEST(depths_that_it_has_not_are_refused)
{
    ck_fails(model_try(OF(44), TSR_SHAPE(3, 32, 32)), TSR_REFUSED, "depth is 44, expected 18, 20, 32 or 56");
    tsr_instance *model;
    ck_fails(test_instance_try(TSR_MODEL, OF(17), &model), TSR_REFUSED, "depth");
    ck_fails(test_instance_try(TSR_MODEL, OF(20) "width_multiplier = 0;", &model), TSR_REFUSED,
             "width_multiplier");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resnet");
    TCase *tests = tcase_create("resnet");
    tcase_add_test(tests, parameters_are_as_many_as_published);
    tcase_add_test(tests, codes_of_cifar_images_have_the_papers_lengths);
    tcase_add_test(tests, parameters_are_named_by_stage_and_block);
    tcase_add_test(tests, shortcuts_are_the_identity_but_where_the_shape_changes);
    tcase_add_test(tests, width_multiplies_the_channels_of_every_stage);
    tcase_add_test(tests, the_activation_is_the_configured_one_with_a_slope_per_channel);
    tcase_add_test(tests, a_small_one_learns_a_batch);
    tcase_add_test(tests, depths_that_it_has_not_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
