/* Nearest neighbours' votes and what decides between equals. */
#include "plugins/probe_support.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

START_TEST(knn_tells_separable_classes_apart)
{
    labelled data = blobs(1, 200, 100, 5, 64, 0.05);
    ck_assert(probe_metric("plugin = \"knn\";", &data, "test") == 1);
    labelled_clear(&data);
}
END_TEST

START_TEST(nearest_one_has_the_label_of_an_equal_code)
{
    labelled data = blobs(2, 60, 60, 6, 300, 0.4);
    memcpy(data.test->words, data.train->words, 60 * data.train->stride * sizeof(uint64_t));
    ck_assert(probe_metric("plugin = \"knn\"; k = 1;", &data, "test") == 1);
    data.test_labels[0] = 3;
    ck_assert(probe_metric("plugin = \"knn\"; k = 1;", &data, "test") == 59.0 / 60);
    labelled_clear(&data);
}
END_TEST

/* One test code 0000 whose neighbours are the training codes, in this order. */
static int32_t winner(size_t n, const char *const *train, const int32_t *labels, const char *settings)
{
    static const char *const test[] = { "0000" };
    char *folder = test_folder(), *path = tsr_path_join(folder, "label_predictions.npy"), *file;
    labelled data = { .train = codes_of(n, train), .test = codes_of(1, test), .classes = 3 };
    data.train_labels = malloc(n * sizeof(int32_t));
    memcpy(data.train_labels, labels, n * sizeof(int32_t));
    data.test_labels = calloc(1, sizeof(int32_t));
    tsr_metrics_free(probe_into(settings, &data, folder));
    size_t length;
    ck_succeeds(tsr_read_file(path, 1000, &file, &length));
    int32_t prediction;
    memcpy(&prediction, file + length - 4, 4);
    free(file);
    free(path);
    test_folder_remove(folder);
    labelled_clear(&data);
    return prediction;
}

START_TEST(equal_votes_go_to_the_smaller_distances_then_to_the_smaller_class)
{
    static const char *const near_and_far[] = { "0011", "0000", "0001", "0001" };
    ck_assert_int_eq(winner(4, near_and_far, (const int32_t[]){ 0, 1, 1, 0 },
                            "plugin = \"knn\"; k = 4; predictions = true;"),
                     1);
    static const char *const alike[] = { "0001", "0010", "0100", "1000" };
    ck_assert_int_eq(
        winner(4, alike, (const int32_t[]){ 2, 1, 2, 1 }, "plugin = \"knn\"; k = 4; predictions = true;"), 1);
    ck_assert_int_eq(winner(4, near_and_far, (const int32_t[]){ 2, 1, 2, 2 },
                            "plugin = \"knn\"; k = 4; predictions = true;"),
                     2);
}
END_TEST

START_TEST(neighbours_at_one_distance_come_in_the_order_of_the_training_set)
{
    static const char *const alike[] = { "0001", "0010", "0100", "1000" };
    ck_assert_int_eq(
        winner(4, alike, (const int32_t[]){ 2, 1, 1, 1 }, "plugin = \"knn\"; k = 1; predictions = true;"), 2);
}
END_TEST

START_TEST(knn_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(3, 500, 200, 10, 20, 0.25);
    double accuracy = probe_metric("plugin = \"knn\";", &data, "test");
    ck_assert(accuracy > 0.2 && accuracy < 0.95);
    ck_same_when_masked("plugin = \"knn\";", &data);
    ck_same_with_two_threads("plugin = \"knn\"; k = 12;", &data);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_neighbours_than_examples_are_refused)
{
    ck_fails(probe_check("plugin = \"knn\";", 5, 100, 2), TSR_REFUSED,
             "k = 9 neighbours, but only 5 training examples");
    ck_succeeds(probe_check("plugin = \"knn\";", 9, 1, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("knn");
    TCase *tests = tcase_create("knn");
    tcase_add_test(tests, knn_tells_separable_classes_apart);
    tcase_add_test(tests, nearest_one_has_the_label_of_an_equal_code);
    tcase_add_test(tests, equal_votes_go_to_the_smaller_distances_then_to_the_smaller_class);
    tcase_add_test(tests, neighbours_at_one_distance_come_in_the_order_of_the_training_set);
    tcase_add_test(tests, knn_stays_under_a_mask_and_with_more_threads);
    tcase_add_test(tests, more_neighbours_than_examples_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
