/* The order of training examples and its batches. */
#include "data/batches.h"
#include "data/fixture.h"

#include "base/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64 /* examples of an epoch here */

/* A training part of `n` examples, of which `samples` train, and its source. */
typedef struct scene {
    tsr_data *data;
    tsr_parts parts;
    tsr_batch_source *source;
    tsr_batches batches;
} scene;

static void make_scene(scene *s, size_t samples, size_t batch, bool constant_steps, uint64_t seed)
{
    s->data = counted_open("train = 50;");
    ck_succeeds(tsr_parts_new(s->data, &(tsr_split_options){ .samples = samples }, &s->parts));
    tsr_batch_options options = { .batch = batch,
                                  .epoch_size = constant_steps ? s->parts.epoch_size : 0,
                                  .seed = seed };
    ck_succeeds(tsr_batch_source_new(&s->parts.train, &options, &s->source));
    s->batches = tsr_batch_source_batches(s->source);
}

static void free_scene(scene *s)
{
    tsr_batch_source_free(s->source);
    tsr_parts_clear(&s->parts);
    counted_close(s->data);
}

/* The examples of an epoch in order, told by their inputs; the sizes of its batches are checked on the way.
 */
static size_t epoch_order(const scene *s, size_t epoch, size_t batch, int *order)
{
    size_t n = 0;
    s->batches.begin_epoch(s->batches.context, epoch);
    for (size_t step = 0; step < s->batches.steps; step++) {
        float inputs[2 * MOST];
        int32_t labels[MOST];
        size_t got = s->batches.next(s->batches.context, epoch, step, inputs, labels, NULL);
        ck_assert(got >= 1 && got <= batch && (step + 1 == s->batches.steps || got == batch));
        for (size_t i = 0; i < got; i++) {
            ck_assert_float_eq(inputs[2 * i + 1], inputs[2 * i] + 0.5f);
            ck_assert_int_eq(labels[i], (int)inputs[2 * i] % 3);
            order[n++] = (int)inputs[2 * i];
        }
    }
    return n;
}

START_TEST(an_epoch_has_every_example_once)
{
    scene s;
    make_scene(&s, 0, 8, false, 1);
    ck_assert_uint_eq(s.batches.steps, 7); /* six of 8 and one of 2 */
    int order[MOST], seen[50] = { 0 }, moved = 0;
    ck_assert_uint_eq(epoch_order(&s, 1, 8, order), 50);
    for (int i = 0; i < 50; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_gt(moved, 40);
    free_scene(&s);
}
END_TEST

START_TEST(the_order_depends_on_seed_and_epoch_and_not_on_what_came_before)
{
    scene s, fresh, other;
    make_scene(&s, 0, 8, false, 1);
    make_scene(&fresh, 0, 8, false, 1);
    make_scene(&other, 0, 8, false, 2);
    int first[MOST], second[MOST], again[MOST], otherwise[MOST];
    epoch_order(&s, 1, 8, first);
    epoch_order(&s, 2, 8, second);
    epoch_order(&fresh, 2, 8, again);
    epoch_order(&other, 2, 8, otherwise);
    ck_assert_mem_ne(first, second, 50 * sizeof(int));
    ck_assert_mem_eq(second, again, 50 * sizeof(int));
    ck_assert_mem_ne(second, otherwise, 50 * sizeof(int));
    free_scene(&s);
    free_scene(&fresh);
    free_scene(&other);
}
END_TEST

START_TEST(the_order_does_not_depend_on_the_batch_size)
{
    scene s, whole;
    make_scene(&s, 0, 8, false, 1);
    make_scene(&whole, 0, 50, false, 1);
    int order[MOST], as_one[MOST];
    epoch_order(&s, 3, 8, order);
    ck_assert_uint_eq(whole.batches.steps, 1);
    epoch_order(&whole, 3, 50, as_one);
    ck_assert_mem_eq(order, as_one, 50 * sizeof(int));
    free_scene(&s);
    free_scene(&whole);
}
END_TEST

START_TEST(with_constant_steps_fewer_samples_are_repeated_evenly)
{
    scene s;
    make_scene(&s, 7, 8, true, 1);
    ck_assert_uint_eq(s.batches.steps, 7);
    int order[MOST], seen[7] = { 0 };
    ck_assert_uint_eq(epoch_order(&s, 1, 8, order), 50);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_lt(order[i], 7);
        seen[order[i]]++;
    }
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(seen[i], i == 0 ? 8 : 7); /* 50 = 7 * 7 + 1 */
    free_scene(&s);
}
END_TEST

START_TEST(without_constant_steps_fewer_samples_make_a_shorter_epoch)
{
    scene s;
    make_scene(&s, 7, 8, false, 1);
    ck_assert_uint_eq(s.batches.steps, 1);
    int order[MOST];
    ck_assert_uint_eq(epoch_order(&s, 1, 8, order), 7);
    free_scene(&s);
}
END_TEST

START_TEST(a_batch_larger_than_the_epoch_is_the_epoch)
{
    scene s;
    make_scene(&s, 0, SIZE_MAX, false, 1);
    ck_assert_uint_eq(s.batches.steps, 1);
    int order[MOST];
    ck_assert_uint_eq(epoch_order(&s, 1, SIZE_MAX, order), 50);
    free_scene(&s);
}
END_TEST

START_TEST(batches_hold_the_noise_that_is_trained_on)
{
    tsr_data *data = counted_open("train = 50; classes = 1048576;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .label_noise = 1, .seed = 4 }, &parts));
    tsr_batch_source *source = NULL;
    ck_succeeds(tsr_batch_source_new(&parts.train, &(tsr_batch_options){ .batch = 50 }, &source));
    tsr_batches batches = tsr_batch_source_batches(source);
    float inputs[100];
    int32_t labels[50];
    batches.begin_epoch(batches.context, 1);
    ck_assert_uint_eq(batches.next(batches.context, 1, 0, inputs, labels, NULL), 50);
    for (size_t i = 0; i < 50; i++)
        ck_assert_int_eq(labels[i], parts.train.noisy[(size_t)inputs[2 * i]]);
    tsr_batch_source_free(source);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

/* Images of the built-in digits. */
typedef struct gallery {
    tsr_instance *instance;
    tsr_data *data;
    tsr_parts parts;
} gallery;

#define DIGIT 64 /* pixels */

static gallery open_gallery(size_t samples)
{
    gallery g = { .instance = test_instance(TSR_DATASET, "plugin = \"digits\";") };
    ck_succeeds(tsr_data_open(g.instance, &g.data));
    ck_succeeds(tsr_parts_new(g.data, &(tsr_split_options){ .samples = samples }, &g.parts));
    return g;
}

static void close_gallery(gallery *g)
{
    tsr_parts_clear(&g->parts);
    tsr_data_close(g->data);
    tsr_instance_free(g->instance);
}

/* Augmentations of images. */
typedef struct changes {
    tsr_instance *instances[3];
    tsr_augmentations all;
} changes;

static void make_changes(changes *c, const char *rotate, const char *shift, const char *flip)
{
    const char *const settings[] = { rotate, shift, flip };
    static const char *const names[] = { "rotate", "shift", "flip" };
    c->all = (tsr_augmentations){ .instances = c->instances };
    for (size_t i = 0; i < 3; i++) {
        char text[100];
        snprintf(text, sizeof(text), "plugin = \"%s\"; %s = %s;", names[i], names[i], settings[i]);
        c->instances[c->all.n++] = test_instance(TSR_AUGMENTATION, text);
    }
}

static void free_changes(changes *c)
{
    for (size_t i = 0; i < c->all.n; i++)
        tsr_instance_free(c->instances[i]);
}

/* The inputs of epochs 1 and 2 and of epoch 1 up to its third batch, one after the other, made by so many
   threads; `inputs` has room for three epochs. Returns how many there are. */
static size_t draw_epochs(const gallery *g, int threads, size_t batch, float *inputs, int32_t *labels)
{
    tsr_batch_source *source = NULL;
    changes c;
    make_changes(&c, "15.0", "0.1", "true");
    tsr_set_threads(threads);
    ck_succeeds(tsr_batch_source_new(
        &g->parts.train, &(tsr_batch_options){ .batch = batch, .seed = 5, .augment = c.all }, &source));
    tsr_batches batches = tsr_batch_source_batches(source);
    size_t n = 0;
    for (size_t pass = 0; pass < 3; pass++) {
        size_t epoch = pass == 1 ? 2 : 1, steps = pass < 2 ? batches.steps : 3;
        batches.begin_epoch(batches.context, epoch);
        for (size_t step = 0; step < steps; step++)
            n += batches.next(batches.context, epoch, step, inputs + n * DIGIT, labels + n, NULL);
    }
    tsr_batch_source_free(source);
    free_changes(&c);
    return n;
}

START_TEST(augmented_batches_do_not_depend_on_who_makes_them)
{
    enum { samples = 100 };
    gallery g = open_gallery(samples);
    float *alone = calloc(3 * samples, DIGIT * sizeof(float)),
          *ahead = calloc(3 * samples, DIGIT * sizeof(float));
    int32_t labels[2][3 * samples];
    size_t n = draw_epochs(&g, 1, 16, alone, labels[0]);
    ck_assert_uint_eq(n, 2 * samples + 48);
    ck_assert_uint_eq(draw_epochs(&g, 2, 16, ahead, labels[1]), n);
    ck_assert_mem_eq(alone, ahead, n * DIGIT * sizeof(float));
    ck_assert_mem_eq(labels[0], labels[1], n * sizeof(int32_t));
    ck_assert_mem_eq(alone, alone + 2 * samples * DIGIT, 48 * DIGIT * sizeof(float)); /* epoch 1 again */
    free(alone);
    free(ahead);
    close_gallery(&g);
}
END_TEST

START_TEST(an_example_is_changed_anew_in_each_epoch)
{
    gallery g = open_gallery(1);
    float inputs[3 * DIGIT], plain[DIGIT];
    int32_t labels[3];
    tsr_batch_source *source = NULL;
    changes c;
    make_changes(&c, "0.0", "0.1", "false");
    ck_succeeds(
        tsr_batch_source_new(&g.parts.train, &(tsr_batch_options){ .batch = 1, .augment = c.all }, &source));
    tsr_batches batches = tsr_batch_source_batches(source);
    for (size_t epoch = 1; epoch <= 3; epoch++) {
        batches.begin_epoch(batches.context, epoch);
        batches.next(batches.context, epoch, 0, inputs + (epoch - 1) * DIGIT, labels, NULL);
    }
    tsr_samples_read_true(&g.parts.train, 0, 1, &(size_t){ 0 }, plain, NULL);
    ck_assert_mem_ne(inputs, plain, sizeof(plain));
    ck_assert_mem_ne(inputs, inputs + DIGIT, sizeof(plain));
    ck_assert_mem_ne(inputs + DIGIT, inputs + 2 * DIGIT, sizeof(plain));
    tsr_batch_source_free(source);
    free_changes(&c);
    close_gallery(&g);
}
END_TEST

START_TEST(batches_hold_the_targets_of_their_examples)
{
    tsr_data *data = counted_open("train = 50; targets = 2;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ 0 }, &parts));
    tsr_batch_source *source = NULL;
    ck_succeeds(
        tsr_batch_source_new(&parts.train, &(tsr_batch_options){ .batch = 50, .targets = true }, &source));
    tsr_batches batches = tsr_batch_source_batches(source);
    float inputs[100], targets[100];
    int32_t labels[50];
    batches.begin_epoch(batches.context, 1);
    ck_assert_uint_eq(batches.next(batches.context, 1, 0, inputs, labels, targets), 50);
    for (size_t i = 0; i < 50; i++)
        ck_assert(targets[2 * i] == 10 * inputs[2 * i] && targets[2 * i + 1] == targets[2 * i] + 1);
    tsr_batch_source_free(source);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(what_is_no_image_is_not_augmented)
{
    tsr_data *data = counted_open("");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ 0 }, &parts));
    tsr_batch_source *source = NULL;
    changes c;
    make_changes(&c, "0.0", "0.0", "true");
    ck_fails(
        tsr_batch_source_new(&parts.train, &(tsr_batch_options){ .batch = 1, .augment = c.all }, &source),
        TSR_REFUSED, "augmentation flip: samples of shape 2 x 1 x 1 cannot be augmented");
    ck_assert_ptr_null(source);
    free_changes(&c);
    counted_close(data);
}
END_TEST

START_TEST(batches_of_nothing_are_refused)
{
    tsr_data *data = counted_open("");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ 0 }, &parts));
    tsr_batch_source *source = NULL;
    ck_fails(tsr_batch_source_new(&parts.train, &(tsr_batch_options){ 0 }, &source), TSR_REFUSED,
             "batch is 0, expected at least 1");
    ck_assert_ptr_null(source);
    tsr_batch_source_free(source);
    counted_close(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batches");
    TCase *tests = tcase_create("batches");
    tcase_add_test(tests, an_epoch_has_every_example_once);
    tcase_add_test(tests, the_order_depends_on_seed_and_epoch_and_not_on_what_came_before);
    tcase_add_test(tests, the_order_does_not_depend_on_the_batch_size);
    tcase_add_test(tests, with_constant_steps_fewer_samples_are_repeated_evenly);
    tcase_add_test(tests, without_constant_steps_fewer_samples_make_a_shorter_epoch);
    tcase_add_test(tests, a_batch_larger_than_the_epoch_is_the_epoch);
    tcase_add_test(tests, batches_hold_the_noise_that_is_trained_on);
    tcase_add_test(tests, augmented_batches_do_not_depend_on_who_makes_them);
    tcase_add_test(tests, an_example_is_changed_anew_in_each_epoch);
    tcase_add_test(tests, batches_hold_the_targets_of_their_examples);
    tcase_add_test(tests, what_is_no_image_is_not_augmented);
    tcase_add_test(tests, batches_of_nothing_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
