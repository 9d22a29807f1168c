/* Samples without data: their shape, their distribution, and that reading twice reads the same. */
#include "data/samples.h"
#include "support.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An opened instance with its first n training samples. */
typedef struct scene {
    tsr_instance *instance;
    tsr_data *data;
    size_t n, dimension;
    float *inputs;
    int32_t *labels;
} scene;

static void read_first(const tsr_data *data, tsr_split split, size_t n, float *inputs, int32_t *labels)
{
    size_t *index = tsr_alloc(n, sizeof(*index));
    for (size_t i = 0; i < n; i++)
        index[i] = i;
    data->ops->read(data->self, split, n, index, inputs, labels);
    free(index);
}

static scene new_scene(const char *settings)
{
    scene s = { 0 };
    char *text = tsr_format("plugin = \"synthetic\"; %s", settings);
    s.instance = test_instance(TSR_DATASET, text);
    free(text);
    ck_succeeds(tsr_data_open(s.instance, &s.data));
    s.n = s.data->info.n[TSR_TRAIN];
    s.dimension = tsr_shape_size(s.data->info.shape);
    s.inputs = tsr_alloc(s.n * s.dimension, sizeof(*s.inputs));
    s.labels = tsr_alloc(s.n, sizeof(*s.labels));
    read_first(s.data, TSR_TRAIN, s.n, s.inputs, s.labels);
    return s;
}

static void free_scene(scene *s)
{
    free(s->inputs);
    free(s->labels);
    tsr_data_close(s->data);
    tsr_instance_free(s->instance);
}

START_TEST(sizes_are_the_parameters)
{
    scene s = new_scene("train = 30; test = 7; dimension = 5; classes = 4;");
    ck_assert_uint_eq(s.data->info.n[TSR_TRAIN], 30);
    ck_assert_uint_eq(s.data->info.n[TSR_TEST], 7);
    ck_assert_uint_eq(s.dimension, 5);
    ck_assert_int_eq(s.data->info.classes, 4);
    free_scene(&s);
}
END_TEST

START_TEST(a_sample_is_the_same_whenever_and_wherever_it_is_read)
{
    static const char *const settings[] = { "train = 200; dimension = 3;",
                                            "train = 200; dimension = 3; kind = \"uniform\";" };
    static const char *const more[] = { "train = 300; dimension = 3;",
                                        "train = 300; dimension = 3; kind = \"uniform\";" };
    scene s = new_scene(settings[_i]), longer = new_scene(more[_i]);
    ck_assert_mem_eq(s.inputs, longer.inputs, 600 * sizeof(float));
    size_t index[] = { 199, 0, 42, 42 };
    float inputs[12];
    int32_t labels[4], alone[4];
    s.data->ops->read(s.data->self, TSR_TRAIN, 4, index, inputs, labels);
    s.data->ops->read(s.data->self, TSR_TRAIN, 4, index, NULL, alone);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_mem_eq(inputs + 3 * i, s.inputs + 3 * index[i], 3 * sizeof(float));
        ck_assert_int_eq(labels[i], s.labels[index[i]]);
    }
    ck_assert_mem_eq(labels, alone, sizeof(labels));
    free_scene(&s);
    free_scene(&longer);
}
END_TEST

START_TEST(seeds_and_parts_give_other_samples)
{
    scene s = new_scene("train = 50; test = 50; dimension = 4;");
    scene other = new_scene("train = 50; test = 50; dimension = 4; seed = 1;");
    float test[200];
    read_first(s.data, TSR_TEST, 50, test, NULL);
    for (size_t i = 0; i < 200; i++)
        ck_assert(s.inputs[i] != other.inputs[i] && s.inputs[i] != test[i]);
    free_scene(&s);
    free_scene(&other);
}
END_TEST

START_TEST(classes_are_equally_likely)
{
    scene s = new_scene("train = 20000; dimension = 1; classes = 5;");
    int count[5] = { 0 };
    for (size_t i = 0; i < s.n; i++)
        count[s.labels[i]]++;
    for (int i = 0; i < 5; i++)
        ck_assert_int_lt(abs(count[i] - 4000), 283); /* five standard deviations */
    free_scene(&s);
}
END_TEST

/* Means and the pooled standard deviation of each class's first feature. */
static double class_moments(const scene *s, double *means)
{
    double sums[4] = { 0 }, squares[4] = { 0 }, counts[4] = { 0 }, within = 0;
    for (size_t i = 0; i < s->n; i++) {
        double x = s->inputs[i * s->dimension];
        counts[s->labels[i]]++;
        sums[s->labels[i]] += x;
        squares[s->labels[i]] += x * x;
    }
    for (int c = 0; c < 4; c++) {
        means[c] = sums[c] / counts[c];
        within += squares[c] - sums[c] * means[c];
    }
    return sqrt(within / (double)s->n);
}

START_TEST(clusters_have_their_spread_and_the_test_part_shares_their_centres)
{
    scene s =
        new_scene("train = 20000; test = 20000; dimension = 2; classes = 4; spread = 0.5; separation = 3;");
    double means[4], test_means[4];
    ck_assert_double_eq_tol(class_moments(&s, means), 0.5, 0.02);
    read_first(s.data, TSR_TEST, s.n, s.inputs, s.labels);
    ck_assert_double_eq_tol(class_moments(&s, test_means), 0.5, 0.02);
    for (int c = 0; c < 4; c++) {
        ck_assert_double_eq_tol(means[c], test_means[c], 0.06);
        for (int other = 0; other < c; other++)
            ck_assert_double_gt(fabs(means[c] - means[other]), 0.01);
    }
    free_scene(&s);
}
END_TEST

START_TEST(separation_is_the_standard_deviation_of_the_centres)
{
    /* Without spread a sample is its class's centre. */
    scene s = new_scene("train = 10; dimension = 5000; spread = 0; separation = 3;");
    double squares = 0;
    for (size_t j = 0; j < s.dimension; j++)
        squares += (double)s.inputs[j] * s.inputs[j];
    ck_assert_double_eq_tol(sqrt(squares / (double)s.dimension), 3, 0.15);
    for (size_t i = 1; i < s.n; i++) {
        bool same = memcmp(s.inputs, s.inputs + i * s.dimension, s.dimension * sizeof(float)) == 0;
        ck_assert_int_eq(same, s.labels[i] == s.labels[0]);
    }
    free_scene(&s);
}
END_TEST

START_TEST(uniform_samples_fill_the_unit_interval_whatever_their_label)
{
    scene s = new_scene("kind = \"uniform\"; train = 20000; dimension = 2; classes = 4;");
    double means[4];
    ck_assert_double_eq_tol(class_moments(&s, means), sqrt(1.0 / 12), 0.01);
    for (int c = 0; c < 4; c++)
        ck_assert_double_eq_tol(means[c], 0.5, 0.02);
    for (size_t i = 0; i < 2 * s.n; i++)
        ck_assert(s.inputs[i] >= 0 && s.inputs[i] < 1);
    free_scene(&s);
}
END_TEST

START_TEST(sizes_that_make_no_dataset_are_refused)
{
    static const char *const settings[] = { "train = 0;",    "test = 0;",      "dimension = 0;",
                                            "classes = -1;", "spread = -1.0;", "kind = \"moon\";",
                                            "seed = -1;" };
    char *text = tsr_format("plugin = \"synthetic\"; %s", settings[_i]);
    char *key = strndup(settings[_i], strcspn(settings[_i], " "));
    tsr_instance *instance = NULL;
    ck_fails(test_instance_try(TSR_DATASET, text, &instance), TSR_REFUSED, key);
    free(key);
    free(text);
}
END_TEST

/* The distance of a point to the curve that its class lies on without noise. */
static double off_curve(const char *kind, int32_t label, int classes, double x, double y)
{
    double part = (double)label / classes, radius = hypot(x, y);
    if (strcmp(kind, "moons") == 0)
        return label ? fabs(hypot(x - 0.5, y - 0.25) - 1) + fmax(y - 0.25, 0)
                     : fabs(hypot(x + 0.5, y + 0.25) - 1) + fmax(-0.25 - y, 0);
    if (strcmp(kind, "circles") == 0)
        return fabs(radius - (1 - part));
    if (strcmp(kind, "spirals") == 0)
        return hypot(x - radius * cos(2 * M_PI * (radius + part)),
                     y - radius * sin(2 * M_PI * (radius + part)));
    return hypot(x - cos(2 * M_PI * part), y - sin(2 * M_PI * part));
}

START_TEST(patterns_in_the_plane_lie_on_their_curves_but_for_noise)
{
    static const struct {
        const char *kind;
        int classes, by_default;
    } all[] = { { "moons", 2, 2 }, { "circles", 4, 2 }, { "spirals", 5, 3 }, { "blobs", 6, 3 } };
    char *text =
        tsr_format("kind = \"%s\"; train = 4000; classes = %d; noise = 0;", all[_i].kind, all[_i].classes);
    char *noisy = tsr_format("kind = \"%s\"; train = 4000; noise = 0.05;", all[_i].kind);
    scene s = new_scene(text), n = new_scene(noisy);
    double squares = 0;
    int classes = 0;
    ck_assert_uint_eq(s.dimension, 2);
    ck_assert_int_eq(s.data->info.classes, all[_i].classes);
    ck_assert_int_eq(n.data->info.classes, all[_i].by_default);
    for (size_t i = 0; i < s.n; i++) {
        double x = s.inputs[2 * i], y = s.inputs[2 * i + 1];
        ck_assert_double_lt(off_curve(all[_i].kind, s.labels[i], all[_i].classes, x, y), 1e-6);
        classes |= 1 << s.labels[i];
    }
    ck_assert_int_eq(classes, (1 << all[_i].classes) - 1);
    for (size_t i = 0; i < n.n; i++)
        squares += pow(
            off_curve(all[_i].kind, n.labels[i], all[_i].by_default, n.inputs[2 * i], n.inputs[2 * i + 1]),
            2);
    ck_assert_double_gt(sqrt(squares / (double)n.n), 0.03);
    ck_assert_double_lt(sqrt(squares / (double)n.n), 0.5);
    free(text);
    free(noisy);
    free_scene(&s);
    free_scene(&n);
}
END_TEST

static void check_not_opened(const char *settings, const char *message)
{
    tsr_instance *instance = test_instance(TSR_DATASET, settings);
    tsr_data *data = NULL;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, message);
    tsr_instance_free(instance);
}

START_TEST(classes_that_a_kind_cannot_have_are_refused)
{
    check_not_opened("plugin = \"synthetic\"; classes = 1;", "classes is 1, expected at least 2");
    check_not_opened("plugin = \"synthetic\"; kind = \"moons\"; classes = 3;",
                     "there are two moons, and classes is 3");
}
END_TEST

START_TEST(more_centres_than_fit_are_refused)
{
    tsr_instance *instance = test_instance(TSR_DATASET, "plugin = \"synthetic\"; classes = 1048576; "
                                                        "dimension = 16777216;");
    tsr_data *data = NULL;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "1048576 classes of dimension 16777216 have");
    tsr_instance_free(instance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("synthetic");
    TCase *tests = tcase_create("synthetic");
    tcase_add_test(tests, sizes_are_the_parameters);
    tcase_add_loop_test(tests, a_sample_is_the_same_whenever_and_wherever_it_is_read, 0, 2);
    tcase_add_test(tests, seeds_and_parts_give_other_samples);
    tcase_add_test(tests, classes_are_equally_likely);
    tcase_add_test(tests, clusters_have_their_spread_and_the_test_part_shares_their_centres);
    tcase_add_test(tests, separation_is_the_standard_deviation_of_the_centres);
    tcase_add_test(tests, uniform_samples_fill_the_unit_interval_whatever_their_label);
    tcase_add_loop_test(tests, sizes_that_make_no_dataset_are_refused, 0, 7);
    tcase_add_loop_test(tests, patterns_in_the_plane_lie_on_their_curves_but_for_noise, 0, 4);
    tcase_add_test(tests, classes_that_a_kind_cannot_have_are_refused);
    tcase_add_test(tests, more_centres_than_fit_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
