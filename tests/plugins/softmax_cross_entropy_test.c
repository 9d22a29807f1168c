/* Loss softmax_cross_entropy. */
#include "losses_check.h"

#include "nn/network.h"

#include <math.h>

static tsr_instance *softmax(void)
{
    return test_instance(TSR_LOSS, "plugin = \"softmax_cross_entropy\";");
}

START_TEST(the_loss_agrees_with_double_even_for_large_logits)
{
    float logits[] = { 1, 2, 3, 1000, 0, -1000, -88, -89, -90, 5, 5, 5 };
    int32_t labels[] = { 0, 0, 2, 1 };
    float gradient[12];
    tsr_instance *loss = softmax();
    tsr_loss_batch batch = { .n = 4,
                             .width = 3,
                             .outputs = logits,
                             .classes = 3,
                             .labels = labels,
                             .gradient = gradient,
                             .scale = 0.25f };
    double value = loss_of(loss, &batch), expected = 0;
    for (size_t i = 0; i < 4; i++) {
        const float *row = logits + 3 * i;
        double top = fmax(fmax((double)row[0], (double)row[1]), (double)row[2]), sum = 0;
        for (size_t c = 0; c < 3; c++)
            sum += exp((double)row[c] - top);
        expected += log(sum) + top - (double)row[labels[i]];
        for (size_t c = 0; c < 3; c++) {
            double share = exp((double)row[c] - top) / sum - (labels[i] == (int32_t)c);
            ck_assert_double_eq_tol((double)gradient[3 * i + c], share / 4, 1e-7);
        }
    }
    ck_assert_double_eq_tol(value, expected, 1e-5);
    size_t correct = 99;
    batch.gradient = NULL;
    batch.correct = &correct;
    ck_assert(loss_of(loss, &batch) == value);
    ck_assert_uint_eq(correct, 1); /* the second; of equal logits the first class counts */
    tsr_instance_free(loss);
}
END_TEST

START_TEST(its_gradient_is_that_of_differences)
{
    int32_t labels[] = { 0, 6, 3 };
    tsr_instance *loss = softmax();
    loss_gradient_agrees(loss,
                         (tsr_loss_batch){ .n = 3, .width = 7, .classes = 7, .labels = labels, .scale = 1 });
    tsr_instance_free(loss);
}
END_TEST

START_TEST(a_loss_that_is_not_finite_is_returned_as_it_is)
{
    tsr_instance *loss = softmax();
    for (size_t at = 0; at < 3; at++) {
        float logits[] = { 1, 2, 3 };
        const tsr_loss_batch batch = {
            .n = 1, .width = 3, .outputs = logits, .classes = 3, .labels = (int32_t[]){ 0 }
        };
        logits[at] = NAN;
        ck_assert(!isfinite(loss_of(loss, &batch)));
        logits[at] = INFINITY;
        ck_assert(!isfinite(loss_of(loss, &batch)));
    }
    tsr_instance_free(loss);
}
END_TEST

START_TEST(it_compares_with_labels)
{
    tsr_instance *loss = softmax();
    ck_assert_int_eq(tsr_loss_target(loss), TSR_TARGET_LABELS);
    tsr_instance_free(loss);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("softmax_cross_entropy");
    TCase *tests = tcase_create("softmax_cross_entropy");
    tcase_add_test(tests, the_loss_agrees_with_double_even_for_large_logits);
    tcase_add_test(tests, its_gradient_is_that_of_differences);
    tcase_add_test(tests, a_loss_that_is_not_finite_is_returned_as_it_is);
    tcase_add_test(tests, it_compares_with_labels);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
