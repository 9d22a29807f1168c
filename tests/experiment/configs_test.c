/* Every config that is shipped can be run. A data set that is not on this machine is stood in for by a
   synthetic one of no fewer examples, or, where images are wanted, by black ones, so that everything else of
   its configs is validated everywhere. */
#include "base/file.h"
#include "base/text.h"
#include "experiment/experiment.h"
#include "support.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

/* Validating a point is enough: its replicates differ in their seed alone. */
static const char *const as_it_is[] = { "replicates=1" };
static const char *const stood_in[] = { "replicates=1",
                                        "dataset={plugin=\"synthetic\"; train=50000; test=10000;}" };

/* Files of CIFAR-10's names and sizes, full of zeros: black images of class 0. The caller removes the folder.
 */
static char *black_images(void)
{
    static const char *const files[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin" };
    char *folder = test_folder();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = tsr_path_join(folder, files[i]);
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(truncate(path, 10000 * 3073), 0);
        free(path);
    }
    return folder;
}

static tsr_status *read_stood_in(const char *path, tsr_experiment **experiment)
{
    if (strstr(path, "monitor")) { /* it sweeps, and its probes compare, two data sets that are downloaded */
        const char *const settings[] = { stood_in[0], stood_in[1], "probes=()", "sweep=()" };
        return tsr_experiment_read(path, 4, settings, experiment);
    }
    if (!strstr(path, "resnet") && !strstr(path, "vgg") && !strstr(path, "tiny-imagenet"))
        return tsr_experiment_read(path, 2, stood_in, experiment);
    char *folder = black_images();
    char *setting = tsr_format("dataset={plugin=\"cifar\"; path=\"%s\";}", folder);
    tsr_status *status =
        tsr_experiment_read(path, 2, (const char *const[]){ as_it_is[0], setting }, experiment);
    free(setting);
    test_folder_remove(folder);
    return status;
}

static glob_t shipped(const char *pattern)
{
    char *whole = tsr_path_join(test_source(), pattern);
    glob_t found;
    ck_assert_msg(glob(whole, 0, NULL, &found) == 0, "there is no %s", whole);
    free(whole);
    return found;
}

/* Whether it was validated with its own data. */
static bool check(const char *path)
{
    tsr_experiment *experiment;
    tsr_status *status = tsr_experiment_read(path, 1, as_it_is, &experiment);
    bool missing = status && strstr(tsr_status_message(status), "tools/get-data") != NULL;
    ck_assert_msg(!status || missing, "%s", tsr_status_message(status));
    if (missing) {
        tsr_status_free(status);
        ck_succeeds(read_stood_in(path, &experiment));
    }
    ck_assert_uint_ge(experiment->n_runs, 1);
    tsr_experiment_free(experiment);
    return !missing;
}

START_TEST(every_config_of_one_experiment_can_be_run)
{
    glob_t found = shipped("configs/*.cfg");
    ck_assert_uint_ge(found.gl_pathc, 3);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check(found.gl_pathv[i]);
    globfree(&found);
}
END_TEST

START_TEST(every_quick_study_can_be_run_without_any_download)
{
    glob_t found = shipped("configs/quick/*.cfg");
    ck_assert_uint_ge(found.gl_pathc, 7);
    for (size_t i = 0; i < found.gl_pathc; i++)
        ck_assert_msg(check(found.gl_pathv[i]), "%s wants data that is not there", found.gl_pathv[i]);
    globfree(&found);
}
END_TEST

static const char *const figures[] = { "model-size",     "training-time",    "sample-size",
                                       "regularization", "label-noise",      "activation",
                                       "phase-chart",    "phase-chart-time", "phase-chart-samples-time" };
static const char *const later_figures[] = { "label-noise-permuted", "instance-noise", "classes",
                                             "pruned-codes", "random-inputs" };
static const char *const data_sets[] = { "mnist", "fashion-mnist", "cifar10" };

START_TEST(every_figure_of_the_paper_has_a_config_for_each_data_set)
{
    for (size_t i = 0; i < sizeof(data_sets) / sizeof(data_sets[0]); i++)
        for (size_t j = 0; j < sizeof(figures) / sizeof(figures[0]); j++) {
            char *pattern = tsr_format("configs/paper/%s-%s.cfg", data_sets[i], figures[j]);
            glob_t found = shipped(pattern);
            globfree(&found);
            free(pattern);
        }
}
END_TEST

START_TEST(every_figure_of_the_later_code_has_a_config_for_each_of_its_data_sets)
{
    static const char *const sets[] = { "mnist", "cifar10" };
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        for (size_t j = 0; j < sizeof(later_figures) / sizeof(later_figures[0]); j++) {
            char *pattern = tsr_format("configs/paper/%s-%s.cfg", sets[i], later_figures[j]);
            glob_t found = shipped(pattern);
            globfree(&found);
            free(pattern);
        }
}
END_TEST

START_TEST(every_config_of_the_paper_says_what_differs)
{
    glob_t found = shipped("configs/paper/*.cfg");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text;
        size_t length;
        ck_succeeds(tsr_read_file(found.gl_pathv[i], 1 << 16, &text, &length));
        const char *said = strstr(text, "# Known to differ from the authors' protocol: ");
        ck_assert_msg(said && said < strstr(text, "\nname = "), "%s", found.gl_pathv[i]);
        free(text);
    }
    globfree(&found);
}
END_TEST

/* What each of them is for: the keys that make it that study. */
START_TEST(studies_of_the_later_code_have_what_they_vary)
{
    static const struct {
        const char *file, *key;
        size_t values;
    } studies[] = { { "mnist-classes", "dataset.class_count", 4 },
                    { "mnist-instance-noise", "training.instance_noise", 7 },
                    { "mnist-label-noise-permuted", "training.label_noise", 7 },
                    { "mnist-phase-chart-samples-time", "training.samples", 8 } };
    for (size_t i = 0; i < sizeof(studies) / sizeof(studies[0]); i++) {
        char *pattern = tsr_format("configs/paper/%s.cfg", studies[i].file);
        glob_t found = shipped(pattern);
        tsr_experiment *experiment;
        ck_succeeds(tsr_experiment_read(found.gl_pathv[0], 2, stood_in, &experiment));
        ck_assert_str_eq(experiment->swept[0], studies[i].key);
        size_t widths = experiment->n_swept > 1 ? 3 : 1;
        ck_assert_uint_eq(experiment->n_runs, studies[i].values * widths);
        if (strstr(studies[i].file, "permuted"))
            ck_assert_int_eq(experiment->runs[0].training.label_noise_kind, TSR_LABELS_PERMUTED);
        tsr_experiment_free(experiment);
        globfree(&found);
        free(pattern);
    }
}
END_TEST

static const char *const networks[] = { "resnet18", "resnet20", "resnet32", "resnet56", "vgg16", "vgg19" };

START_TEST(every_convolutional_network_of_the_paper_has_a_config)
{
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        char *pattern = tsr_format("configs/paper/cifar10-%s.cfg", networks[i]);
        glob_t found = shipped(pattern);
        tsr_experiment *experiment;
        ck_succeeds(read_stood_in(found.gl_pathv[0], &experiment));
        ck_assert_uint_eq(experiment->runs[0].training.epochs, 200);
        ck_assert(experiment->runs[0].training.subtract_mean);
        ck_assert_uint_eq(experiment->runs[0].training_plugins.n_augmentations, 3); /* rotate, shift, flip */
        tsr_experiment_free(experiment);
        globfree(&found);
        free(pattern);
    }
}
END_TEST

static const char *const studies_of_real_data[] = { "configs/paper/*.cfg", "configs/findings/*.cfg" };

START_TEST(every_study_of_real_data_can_be_run)
{
    glob_t found = shipped(studies_of_real_data[_i]);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check(found.gl_pathv[i]);
    globfree(&found);
}
END_TEST

/* A results folder is named after its experiment: two configs of one name would be refused each other's. */
START_TEST(every_config_is_named_as_its_file)
{
    glob_t found = shipped(studies_of_real_data[_i]);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        tsr_experiment *experiment;
        ck_succeeds(read_stood_in(found.gl_pathv[i], &experiment));
        const char *slash = strrchr(found.gl_pathv[i], '/');
        char *file = tsr_format("%s.cfg", experiment->name);
        ck_assert_str_eq(file, slash + 1);
        free(file);
        tsr_experiment_free(experiment);
    }
    globfree(&found);
}
END_TEST

START_TEST(the_figures_have_ten_replicates)
{
    glob_t found = shipped("configs/paper/mnist-training-time.cfg");
    tsr_experiment *experiment;
    ck_succeeds(tsr_experiment_read(found.gl_pathv[0], 1, &stood_in[1], &experiment));
    ck_assert_uint_eq(experiment->n_runs, 3 * 10);
    ck_assert_uint_eq(experiment->runs[0].training.snapshots.n, 16);
    tsr_experiment_free(experiment);
    globfree(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("configs");
    TCase *tests = tcase_create("configs");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, every_config_of_one_experiment_can_be_run);
    tcase_add_test(tests, every_quick_study_can_be_run_without_any_download);
    tcase_add_test(tests, every_figure_of_the_paper_has_a_config_for_each_data_set);
    tcase_add_test(tests, every_figure_of_the_later_code_has_a_config_for_each_of_its_data_sets);
    tcase_add_test(tests, every_config_of_the_paper_says_what_differs);
    tcase_add_test(tests, studies_of_the_later_code_have_what_they_vary);
    tcase_add_test(tests, every_convolutional_network_of_the_paper_has_a_config);
    tcase_add_loop_test(tests, every_study_of_real_data_can_be_run, 0, 2);
    tcase_add_loop_test(tests, every_config_is_named_as_its_file, 0, 2);
    tcase_add_test(tests, the_figures_have_ten_replicates);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
