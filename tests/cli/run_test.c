/* tessera run and check, from outside: what a user sees, what the results folder holds, what is refused. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

static char *folder;

/* A small experiment on real digits: under a second. */
static const char small[] =
    "name = \"small\";\n"
    "dataset = { plugin = \"digits\"; };\n"
    "model = { plugin = \"mlp\"; width = 16; activation = { plugin = \"relu\"; }; };\n"
    "regularizers = ( { plugin = \"l2\"; weight = 1e-6; } );\n"
    "training = { epochs = 2; snapshots = [ 0 ]; holdout = 0.2;\n"
    "             optimizer = { plugin = \"adam\"; learning_rate = 0.01; }; };\n"
    "probes = ( { plugin = \"redundancy\"; }, { plugin = \"kmeans\"; restarts = 2; },\n"
    "           { plugin = \"knn\"; k = 9; }, { plugin = \"logistic_regression\"; },\n"
    "           { plugin = \"code_statistics\"; } );\n";

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "small.cfg", small);
}

static void teardown(void)
{
    test_folder_remove(folder);
}

static bool exists(const char *name)
{
    char *path = tsr_path_join(folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static json_t *read_outcome(const char *results)
{
    char *pattern = tsr_format("%s/runs/*/run.json", results), *path = only_file(folder, pattern);
    json_t *outcome = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(outcome);
    free(pattern);
    free(path);
    return outcome;
}

START_TEST(a_run_prints_every_metric_of_the_design_and_leaves_the_layout)
{
    command_result result =
        command(folder, "run small.cfg -s output.save_model=true -s output.save_codes=true -o out");
    ck_assert_msg(result.status == 0, "%s", result.err);
    static const char *const metrics[] = { "model.loss.train",
                                           "model.accuracy.train",
                                           "model.accuracy.test",
                                           "code.bits",
                                           "redundancy.train",
                                           "redundancy.test",
                                           "kmeans.train",
                                           "kmeans.test",
                                           "knn.test",
                                           "kmeans.test_matched",
                                           "logistic_regression.train",
                                           "logistic_regression.test",
                                           "results in out" };
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        ck_assert_msg(strstr(result.out, metrics[i]) != NULL, "'%s' is not in %s", metrics[i], result.out);
    command_free(&result);
    static const char *const files[] = {
        "run.json",       "model.safetensors",      "codes/train.npy",
        "codes/test.npy", "codes/train_labels.npy", "codes/test_labels.npy"
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *pattern = tsr_format("out/runs/*/%s", files[i]);
        free(only_file(folder, pattern));
        free(pattern);
    }
    char *csv = read_text(folder, "out/results.csv");
    ck_assert_msg(strncmp(csv, "run,replicate,seed,epoch,model.loss.train,", 42) == 0, "%s", csv);
    size_t lines = 0;
    for (const char *c = csv; *c; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 3); /* header, untrained, last */
    free(csv);
    ck_assert(exists("out/config.cfg"));
}
END_TEST

START_TEST(kernels_can_be_forced_and_are_recorded)
{
    shell_gives(folder, 0, NULL, NULL, "TESSERA_KERNELS=portable $TESSERA run small.cfg -o out");
    json_t *outcome = read_outcome("out"), *environment = json_object_get(outcome, "environment");
    ck_assert_str_eq(json_string_value(json_object_get(environment, "kernels")), "portable");
    ck_assert_str_eq(json_string_value(json_object_get(environment, "hamming_kernel")), "portable");
    json_decref(outcome);
    shell_gives(folder, 1, NULL, "TESSERA_KERNELS=fast: expected portable, avx2 or avx512",
                "TESSERA_KERNELS=fast $TESSERA run small.cfg -o out");
}
END_TEST

static void holds(const char *name, const char *text)
{
    char *found = read_text(folder, name);
    ck_assert_str_eq(found, text);
    free(found);
}

/* libm's functions with FMA round otherwise. gnuplot's environment is the program's. */
START_TEST(portable_kernels_take_a_libm_without_fma)
{
    write_text(folder, "gnuplot", "#!/bin/sh\nprintenv GLIBC_TUNABLES >>tunables\n");
    shell_gives(folder, 0, NULL, NULL,
                "chmod +x gnuplot && PATH=$PWD:$PATH TESSERA_KERNELS= $TESSERA run small.cfg -o out");
    holds("tunables", "");
    shell_gives(folder, 0, NULL, NULL,
                "PATH=$PWD:$PATH TESSERA_KERNELS=portable $TESSERA run small.cfg -o again");
#if defined(__x86_64__)
    holds("tunables", "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2\n");
#endif
}
END_TEST

START_TEST(run_json_tells_the_machine_and_the_libraries)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    json_t *outcome = read_outcome("out"), *environment = json_object_get(outcome, "environment");
    ck_assert_str_eq(json_string_value(json_object_get(outcome, "status")), "done");
    json_t *blas = json_object_get(environment, "blas");
    ck_assert(strstr(json_string_value(json_object_get(blas, "config")), "OpenBLAS") != NULL);
    ck_assert(json_string_value(json_object_get(blas, "core"))[0] != '\0');
    ck_assert_int_eq(json_integer_value(json_object_get(blas, "threads")), 1);
    ck_assert(json_integer_value(json_object_get(environment, "threads")) >= 1);
    ck_assert(json_is_string(json_object_get(environment, "cpu_features")));
    ck_assert(json_string_value(json_object_get(environment, "hamming_kernel"))[0] != '\0');
    ck_assert_uint_ge(json_array_size(json_object_get(environment, "plugins")), 10);
    ck_assert_int_gt(json_integer_value(json_object_get(outcome, "peak_memory")), 1 << 20);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(outcome, "examples"), "train")),
                     1150);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(outcome, "examples"), "holdout")),
                     287);
    ck_assert_uint_eq(json_array_size(json_object_get(outcome, "epochs")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(outcome, "snapshots")), 2);
    json_decref(outcome);
}
END_TEST

/* Promise 1: the same bytes, whatever the number of jobs and threads. */
START_TEST(jobs_and_threads_do_not_change_a_byte_of_the_results)
{
    static const char *const ways[] = { "-j 1", "-j 2", "-j 1 -s executor.threads=2",
                                        "-j 2 -s executor.threads=1" };
    char *first = NULL;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        command_gives(
            folder, 0, NULL, NULL,
            "run small.cfg -o out%zu %s -s replicates=2 -s model.dropout=0.2 "
            "-s training.label_noise=0.1 -s training.input_noise=0.05 -s training.subtract_mean=true "
            "-s 'training.augment={rotate=15.0; shift=0.1; flip=true;}' -s probes.0.random=300",
            i, ways[i]);
        char *name = tsr_format("out%zu/results.csv", i), *csv = read_text(folder, name);
        if (first)
            ck_assert_str_eq(csv, first);
        else
            first = strdup(csv);
        free(name);
        free(csv);
    }
    free(first);
}
END_TEST

START_TEST(finished_runs_are_kept_and_give_the_same_results)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    char *before = read_text(folder, "out/results.csv"), *path = only_file(folder, "out/runs/*/run.json");
    struct stat first, second;
    stat(path, &first);
    command_gives(folder, 0, "results in out", "all runs are done already", "run small.cfg -o out");
    stat(path, &second);
    ck_assert(first.st_ino == second.st_ino);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out --fresh");
    stat(path, &second);
    ck_assert(first.st_ino != second.st_ino || first.st_mtim.tv_nsec != second.st_mtim.tv_nsec);
    char *after = read_text(folder, "out/results.csv");
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    free(path);
}
END_TEST

START_TEST(more_replicates_do_only_what_is_missing)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    char *path = only_file(folder, "out/runs/*/run.json");
    struct stat first, second;
    stat(path, &first);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out -s replicates=3");
    stat(path, &second);
    ck_assert(first.st_ino == second.st_ino);
    char *csv = read_text(folder, "out/results.csv");
    ck_assert(strstr(csv, ",2,3,2,") != NULL); /* replicate 2 has seed 3; epoch 2 */
    free(csv);
    free(path);
}
END_TEST

START_TEST(the_resolved_config_is_the_same_experiment)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    command_gives(folder, 0, NULL, "all runs are done already", "run out/config.cfg -o out");
}
END_TEST

START_TEST(a_corrupt_run_json_is_done_again_with_a_warning)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    char *before = read_text(folder, "out/results.csv"), *path = only_file(folder, "out/runs/*/run.json");
    ck_assert_int_eq(truncate(path, 1000), 0);
    command_gives(folder, 0, "results in out", "not a whole run.json", "run small.cfg -o out");
    ck_succeeds(tsr_write_file(path, "{\"run\": \"0\", \"status\": \"done\", \"snapshots\": []}", 47));
    command_gives(folder, 0, "results in out", "not the record of run", "run small.cfg -o out");
    char *after = read_text(folder, "out/results.csv");
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    free(path);
}
END_TEST

START_TEST(a_results_folder_of_pipes_and_folders_neither_hangs_nor_crashes)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    shell_gives(folder, 0, "results in out", "expected a run's record file, not a device",
                "mv out/results.csv before; cd out/runs/*; rm run.json; mkfifo run.json; cd ../../..;"
                "$TESSERA run small.cfg -o out");
    same_files(folder, "before", "out/results.csv");
    shell_gives(folder, 2, NULL, "holds 'runs' and is not a results folder of tessera",
                "rm out/config.cfg; mkfifo out/config.cfg; $TESSERA run small.cfg -o out");
    shell_gives(folder, 2, NULL, "holds 'runs' and is not a results folder of tessera",
                "rm out/config.cfg; mkdir out/config.cfg; $TESSERA run small.cfg -o out --fresh");
}
END_TEST

/* The first files opened would take the places of the streams, and get what is printed. */
START_TEST(closed_standard_streams_change_no_result)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    shell_gives(folder, 2, NULL, "standard output cannot be written",
                "$TESSERA run small.cfg -o closed <&- >&-");
    same_files(folder, "out/results.csv", "closed/results.csv");
    shell_gives(folder, 0, NULL, NULL, "$TESSERA run small.cfg -o silent 2>&-");
    same_files(folder, "out/results.csv", "silent/results.csv");
}
END_TEST

START_TEST(one_setting_swaps_a_plugin)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o a -s model.activation.plugin=prelu");
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -o b -s 'model.activation={plugin=\"leaky_relu\"; slope=0.1;}'");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o c -s dataset.plugin=synthetic");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o d -s training.optimizer.plugin=sgd");
    command_gives(folder, 0, "redundancy.train", NULL,
                  "run small.cfg -o e -s 'probes=({plugin=\"redundancy\";})'");
    command_gives(
        folder, 0, "first.test", NULL,
        "run small.cfg -o f -s model.depth=2 -s 'probes=({plugin=\"knn\"; label=\"first\"; layers=[0];})'");
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -o g -s 'regularizers=({plugin=\"l1\"; weight=1e-5;})'");
    json_t *outcome = read_outcome("a");
    json_t *model = json_object_get(json_object_get(outcome, "config"), "model");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(model, "activation"), "plugin")),
                     "prelu");
    json_decref(outcome);
}
END_TEST

START_TEST(a_swapped_plugin_drops_the_keys_of_the_one_before)
{
    write_text(folder, "leaky.cfg",
               "dataset = { plugin = \"synthetic\"; spread = 0.5; };\n"
               "model = { plugin = \"mlp\"; width = 4;\n"
               "          activation = { plugin = \"leaky_relu\"; slope = 0.2; }; };\n"
               "training = { epochs = 1; };\n");
    command_gives(folder, 0, NULL, "leaky.cfg:3: 'slope' is no key of activation relu", "%s",
                  "run leaky.cfg -o out -s model.activation.plugin=relu");
    command_gives(folder, 0, NULL, "leaky.cfg:1: 'spread' is no key of dataset digits", "%s",
                  "run leaky.cfg -o out2 -s dataset.plugin=digits");
}
END_TEST

START_TEST(a_loss_that_is_not_finite_ends_that_run_as_diverged)
{
    command_gives(folder, 3, NULL, "diverged", "%s",
                  "run small.cfg -o out -s 'training.optimizer={plugin=\"sgd\"; learning_rate=1e6;}' "
                  "-s model.batch_norm=false -s model.depth=4");
    json_t *outcome = read_outcome("out");
    ck_assert_str_eq(json_string_value(json_object_get(outcome, "status")), "diverged");
    ck_assert(strstr(json_string_value(json_object_get(outcome, "error")), "epoch 1") != NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(outcome, "snapshots")), 1); /* the untrained one */
    json_decref(outcome);
    char *csv = read_text(folder, "out/results.csv");
    ck_assert_msg(strchr(csv, '\n')[1] == '\0', "%s", csv);
    free(csv);
}
END_TEST

START_TEST(early_stop_ends_the_training)
{
    /* With a learning rate of 0 the loss cannot fall: batch norm's statistics do not enter the training loss.
     */
    command_gives(folder, 0, NULL, NULL, "%s",
                  "run small.cfg -o out -s training.epochs=50 -s training.early_stop=3 -s regularizers='()' "
                  "-s 'training.optimizer={plugin=\"sgd\"; learning_rate=0.0;}' -s training.batch=100000");
    json_t *outcome = read_outcome("out");
    ck_assert(json_is_true(json_object_get(outcome, "early_stopped")));
    json_int_t done = json_integer_value(json_object_get(outcome, "epochs_done"));
    ck_assert_msg(done >= 4 && done < 50, "%d", (int)done);
    json_t *snapshots = json_object_get(outcome, "snapshots");
    json_t *last = json_array_get(snapshots, json_array_size(snapshots) - 1);
    ck_assert_int_eq(json_integer_value(json_object_get(last, "epoch")), done);
    json_decref(outcome);
}
END_TEST

START_TEST(a_small_sample_keeps_the_number_of_steps)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out -s training.samples=30 -s training.epochs=1");
    json_t *outcome = read_outcome("out");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(outcome, "examples"), "train")), 30);
    json_t *snapshots = json_object_get(outcome, "snapshots");
    json_t *metrics = json_object_get(json_array_get(snapshots, 1), "metrics");
    /* 18 steps on 30 examples fit them; one step would not. */
    ck_assert(json_real_value(json_object_get(metrics, "model.loss.train")) <
              0.8 * json_real_value(json_object_get(json_object_get(json_array_get(snapshots, 0), "metrics"),
                                                    "model.loss.train")));
    json_decref(outcome);
}
END_TEST

/* Where codes are kept changes no result, and leaves nothing behind. */
START_TEST(codes_in_a_file_give_the_same_results)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o memory -s output.save_codes=true");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o file -s output.save_codes=true -s codes.memory=0");
    shell_gives(folder, 0, NULL, NULL,
                "cut -d, -f2- memory/results.csv > a; cut -d, -f2- file/results.csv | cmp - a && "
                "cmp memory/runs/*/codes/train.npy file/runs/*/codes/train.npy");
    ck_assert_uint_eq(count_files(folder, "file/runs/*/codes.*"), 0);
}
END_TEST

START_TEST(every_probe_takes_a_projection_and_names_its_metrics_by_it)
{
    command_gives(
        folder, 0, NULL, NULL, "%s",
        "run small.cfg -o out -s model.depth=2 -s 'probes=("
        "{plugin=\"redundancy\"; projection=3;}, {plugin=\"knn\"; projection=1000; label=\"all\";},"
        "{plugin=\"kmeans\"; projection=2; layers=[1];}, {plugin=\"code_statistics\"; projection=5;})'");
    json_t *outcome = read_outcome("out"), *announced = json_object_get(outcome, "metrics");
    json_t *snapshots = json_object_get(outcome, "snapshots");
    json_t *metrics = json_object_get(json_array_get(snapshots, json_array_size(snapshots) - 1), "metrics");
    static const struct {
        const char *name;
        double value;
    } given[] = { { "redundancy.projection", 3 },
                  { "kmeans.projection", 2 },
                  { "code_statistics.projection", 5 } };
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        ck_assert_msg(json_number_value(json_object_get(metrics, given[i].name)) == given[i].value, "%s",
                      given[i].name);
    ck_assert(json_number_value(json_object_get(metrics, "all.projection")) ==
              json_number_value(json_object_get(metrics, "code.bits")));
    static const char *const names[] = { "redundancy.projected_test", "all.projected_test",
                                         "kmeans.projected_train_matched" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(json_object_get(metrics, names[i]) && json_object_get(announced, names[i]), "%s",
                      names[i]);
    ck_assert(!json_object_get(metrics, "redundancy.test") && !json_object_get(announced, "redundancy.test"));
    /* 3 bits have 8 codes at most. */
    ck_assert(json_number_value(json_object_get(metrics, "redundancy.projected_train")) > 0.5);
    json_decref(outcome);
    command_gives(folder, 2, NULL, "probes.0.projection = -1: expected an integer from 0 to 1073741824", "%s",
                  "run small.cfg -o out -s 'probes=({plugin=\"redundancy\"; projection=-1;})'");
    command_gives(folder, 2, NULL, "probe redundancy: random inputs, for which 'random' asks, are of whole layers", "%s",
                  "run small.cfg -o out -s 'probes=({plugin=\"redundancy\"; projection=3; random=5;})'");
}
END_TEST

START_TEST(codes_are_of_the_layers_asked_for)
{
    command_gives(folder, 0, "code.bits                                        16      16", NULL,
                  "run small.cfg -o out -s model.depth=2 -s 'codes={layers=[\"activation.1\"];}' "
                  "-s probes.0.random=50");
    json_t *outcome = read_outcome("out"),
           *layers = json_object_get(json_object_get(outcome, "model"), "code_layers");
    ck_assert_uint_eq(json_array_size(layers), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(layers, 0), "name")), "activation.1");
    json_decref(outcome);
}
END_TEST

START_TEST(check_prints_a_config_with_every_default_and_does_nothing)
{
    command_result result = command(folder, "check -n small.cfg -s training.epochs=7 -s replicates=2");
    ck_assert_int_eq(result.status, 0);
    static const char *const lines[] = { "epochs = 7;",     "subtract_mean = false;",
                                         "augment = [  ];", "pool = \"none\";",
                                         "beta1 = 0.9;",    "jobs = 0;",
                                         "# 2 runs",        "seed 2" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(result.out, lines[i]) != NULL, "'%s' is not in %s", lines[i], result.out);
    write_text(folder, "resolved.cfg", result.out);
    command_result again = command(folder, "check -n resolved.cfg");
    ck_assert_str_eq(again.out, result.out);
    command_free(&again);
    command_free(&result);
    ck_assert(!exists("results"));
}
END_TEST

START_TEST(a_sweep_runs_every_point_and_names_it_in_the_results)
{
    command_gives(
        folder, 0, "model.width", NULL, "%s",
        "run small.cfg -o out -s training.epochs=1 -s replicates=2 -s 'probes=({plugin=\"redundancy\";})' "
        "-s 'sweep=({key=\"model.width\"; values=[3, 20];}, "
        "{key=\"model.activation.plugin\"; values=[\"relu\", \"prelu\"];})'");
    char *csv = read_text(folder, "out/results.csv");
    ck_assert_msg(strncmp(csv, "run,replicate,seed,model.width,model.activation.plugin,epoch,", 61) == 0,
                  "%s", csv);
    size_t lines = 0;
    for (const char *c = csv; *c; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 1 + 2 * 2 * 2 * 2);
    ck_assert(strstr(csv, ",1,2,20,prelu,1,") != NULL);
    free(csv);
}
END_TEST

START_TEST(shards_share_a_folder_and_add_up)
{
    const char *rest = "-s training.epochs=1 -s replicates=3 -s 'probes=({plugin=\"redundancy\";})'";
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o whole %s", rest);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o parts --shard 1/2 %s", rest);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o parts --shard 2/2 %s", rest);
    char *whole = read_text(folder, "whole/results.csv"), *parts = read_text(folder, "parts/results.csv");
    ck_assert_str_eq(whole, parts);
    free(whole);
    free(parts);
    command_gives(folder, 1, NULL, "--shard 3/2: expected I/N", "run small.cfg --shard 3/2");
    command_gives(folder, 1, NULL, "--shard 0/2: expected I/N", "run small.cfg --shard 0/2");
    command_gives(folder, 1, NULL, "--shard 1/-2: expected I/N", "run small.cfg --shard 1/-2");
    command_gives(folder, 1, NULL, "expected I/N", "run small.cfg --shard 2/18446744073709551615");
}
END_TEST

START_TEST(a_folder_of_another_experiment_is_refused_with_the_difference)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out");
    command_gives(folder, 2, NULL, "model.width is 16 there and 17 here",
                  "run small.cfg -o out -s model.width=17");
    command_gives(folder, 2, NULL, "choose another folder with -o", "run small.cfg -o out -s seed=9");
}
END_TEST

START_TEST(a_sweep_can_be_extended_anywhere_and_keeps_what_is_finished)
{
    const char *rest = "-s training.epochs=1 -s 'probes=({plugin=\"redundancy\";})'";
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -o out %s -s 'sweep=({key=\"model.width\"; values=[8];})'", rest);
    char *kept = only_file(folder, "out/runs/*/run.json");
    json_t *before = json_load_file(kept, 0, NULL);
    const char *more = "-s 'sweep=({key=\"model.width\"; values=[4, 8];})'";
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o out %s %s", rest, more);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o whole %s %s", rest, more);
    same_files(folder, "out/results.csv", "whole/results.csv");
    json_t *after = json_load_file(kept, 0, NULL); /* all but its place in the sweep is as it was */
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(after, "place"), "point")), 1);
    json_object_set(after, "place", json_object_get(before, "place"));
    ck_assert(json_equal(before, after));
    json_decref(after);
    json_decref(before);
    free(kept);
    command_gives(folder, 2, NULL, "model.depth is 1 there and 2 here",
                  "run small.cfg -o out %s %s -s model.depth=2", rest, more);
}
END_TEST

START_TEST(two_processes_do_not_share_a_folder)
{
    char *line = tsr_format("cd '%s' && ('%s/tessera' run small.cfg -q -o out -s training.epochs=1000000 "
                            "-s executor.max_seconds=60 "
                            ">/dev/null 2>&1 & echo $! >pid) && sleep 2",
                            folder, test_build());
    ck_assert_int_eq(system(line), 0);
    free(line);
    command_gives(folder, 2, NULL, "another tessera is working in this results folder", "%s",
                  "run small.cfg -o out -s training.epochs=1000000");
    char *pid = read_text(folder, "pid");
    ck_assert_int_eq(kill(atoi(pid), SIGTERM), 0);
    free(pid);
}
END_TEST

/* A shell starts what it runs in the background with SIGINT ignored, for the foreground's sake. */
START_TEST(an_interrupt_that_was_ignored_before_stays_ignored)
{
    shell_gives(folder, 0, "results in out", NULL,
                "trap '' INT; $TESSERA run small.cfg -q -o out -s training.epochs=3000 & sleep 0.3; kill "
                "-INT $!; wait $!");
}
END_TEST

START_TEST(an_interrupt_keeps_what_is_finished)
{
    char *line = tsr_format(
        "cd '%s' && (sh -c 'echo $$ >pid; exec env --default-signal=INT \"%s/tessera\" run small.cfg -q -j 1 "
        "-o out "
        "-s executor.max_seconds=60 "
        "-s training.epochs=1000000 -s \"sweep=({key=\\\"training.epochs\\\"; values=[1, 1000000];})\"' "
        ">/dev/null 2>err; echo $? >status) & "
        "i=0; until ls '%s'/out/runs/*/run.json >/dev/null 2>&1 || [ $i -gt 600 ]; do "
        "sleep 0.1; i=$((i+1)); done; kill -INT $(cat '%s/pid'); wait",
        folder, test_build(), folder, folder);
    ck_assert_int_eq(system(line), 0);
    free(line);
    char *status = read_text(folder, "status"), *err = read_text(folder, "err");
    ck_assert_msg(atoi(status) == 130, "%s: %s", status, err);
    ck_assert_msg(strstr(err, "interrupted; finished runs are kept") != NULL, "%s", err);
    char *csv = read_text(folder, "out/results.csv");
    ck_assert(strchr(strchr(csv, '\n') + 1, '\n') != NULL); /* the first run's row */
    free(csv);
    free(err);
    free(status);
}
END_TEST

START_TEST(an_unwritable_folder_is_told_before_any_training)
{
    write_text(folder, "file", "not a folder");
    command_gives(folder, 2, NULL, "file/out: cannot make the folder", "%s",
                  "run small.cfg -o file/out -s training.epochs=1000000");
    command_gives(folder, 2, NULL, "/proc/tessera",
                  "run small.cfg -o /proc/tessera -s training.epochs=1000000");
}
END_TEST

START_TEST(a_run_that_takes_too_long_is_stopped)
{
    command_gives(folder, 3, NULL, "did not end within max_seconds = 0.5", "%s",
                  "run small.cfg -o out -s training.epochs=1000000 -s executor.max_seconds=0.5");
}
END_TEST

/* The perceptron as an autoencoder: its output is as large as its input. */
START_TEST(a_network_learns_its_input)
{
    command_gives(
        folder, 0, "model.loss.test", NULL,
        "run small.cfg -o out -s training.epochs=6 -s training.snapshots=[0] "
        "-s 'training.loss={plugin=\"mean_squared_error\"; target=\"input\";}' -s output.save_codes=true");
    json_t *outcome = read_outcome("out");
    const json_t *epochs = json_object_get(outcome, "epochs"),
                 *snapshots = json_object_get(outcome, "snapshots");
    ck_assert_uint_eq(json_array_size(epochs), 6);
    double first = json_number_value(json_object_get(json_array_get(epochs, 0), "loss")),
           last = json_number_value(json_object_get(json_array_get(epochs, 5), "loss"));
    ck_assert(last > 0 && last < 0.7 * first);
    ck_assert_ptr_null(json_object_get(json_array_get(epochs, 0), "accuracy"));
    double losses[2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *metrics = json_object_get(json_array_get(snapshots, i), "metrics");
        ck_assert_ptr_null(json_object_get(metrics, "model.accuracy.test"));
        ck_assert_ptr_null(json_object_get(metrics, "model.accuracy.train"));
        losses[i] = json_number_value(json_object_get(metrics, "model.loss.test"));
    }
    ck_assert(losses[1] > 0 && losses[1] < 0.5 * losses[0]);
    json_decref(outcome);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/codes/*_labels.npy"), 2); /* the probes' */
    command_gives(
        folder, 0, NULL, "all runs are done already",
        "run small.cfg -o out -s training.epochs=6 "
        "-s training.snapshots=[0] -s 'training.loss={plugin=\"mean_squared_error\"; target=\"input\";}' "
        "-s output.save_codes=true");
    command_gives(folder, 0, NULL, NULL, "report out");
}
END_TEST

static void write_array(const char *name, size_t n, size_t columns, const float *values)
{
    char *path = tsr_path_join(folder, name);
    ck_succeeds(tsr_npy_write(path, TSR_ELEMENT_FLOAT32, 2, (size_t[]){ n, columns }, values));
    free(path);
}

/* Sums and differences of two numbers: there are no labels. */
START_TEST(a_network_learns_real_valued_targets)
{
    enum { n = 200 };
    float inputs[2 * n], targets[2 * n];
    tsr_rng rng = tsr_rng_stream(6, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, 2 * n, inputs, -1, 1);
    for (size_t i = 0; i < 2 * n; i += 2) {
        targets[i] = inputs[i] + inputs[i + 1];
        targets[i + 1] = inputs[i] - inputs[i + 1];
    }
    write_array("x.npy", n, 2, inputs);
    write_array("y.npy", n, 2, targets);
#define REGRESSION                                                                                           \
    "dataset = { plugin = \"npy\"; train = \"x.npy\"; train_targets = \"y.npy\"; test_fraction = 0.2; };\n"  \
    "model = { plugin = \"mlp\"; width = 16; };\n"
    write_text(folder, "regression.cfg",
               REGRESSION "training = { epochs = 60; batch = 16; optimizer = { plugin = \"adam\"; "
                          "learning_rate = 0.01; }; loss = \"mean_squared_error\"; snapshots = [ 0 ]; "
                          "holdout = 0.1; };\n"
                          "probes = ( { plugin = \"redundancy\"; random = 50; } );\n"
                          "output = { save_codes = true; };\n");
    command_gives(folder, 0, "model.loss.test", NULL, "run regression.cfg -o out");
    json_t *outcome = read_outcome("out");
    const json_t *snapshots = json_object_get(outcome, "snapshots");
    double losses[2];
    for (size_t i = 0; i < 2; i++) {
        const json_t *metrics = json_object_get(json_array_get(snapshots, i), "metrics");
        losses[i] = json_number_value(json_object_get(metrics, "model.loss.test"));
        ck_assert_ptr_nonnull(json_object_get(metrics, "model.loss.holdout"));
    }
    ck_assert(losses[1] > 0 && losses[1] < 0.1 * losses[0]);
    json_decref(outcome);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/codes/*_labels.npy"), 0);
    ck_assert_uint_eq(count_files(folder, "out/runs/*/codes/t*.npy"), 2);
    write_text(folder, "probed.cfg",
               REGRESSION "training = { loss = \"mean_squared_error\"; };\nprobes = ( \"knn\" );\n");
    command_gives(folder, 2, NULL, "probed.cfg:4: probe knn needs labels, and the dataset has none",
                  "run probed.cfg -o none");
    write_text(folder, "labels.cfg", REGRESSION);
    command_gives(
        folder, 2, NULL,
        "training.loss: loss softmax_cross_entropy compares with labels, and dataset npy gives none",
        "run labels.cfg -o none");
    write_text(folder, "noise.cfg",
               REGRESSION "training = { loss = \"mean_squared_error\"; label_noise = 0.1; };\n");
    command_gives(folder, 2, NULL,
                  "noise.cfg:3: training.label_noise = 0.1: expected 0, as the dataset has no labels",
                  "run noise.cfg -o none");
    ck_assert(!exists("none"));
}
END_TEST

START_TEST(labels_may_be_learned_by_squared_distances)
{
    command_gives(
        folder, 0, "model.accuracy.test", NULL,
        "run small.cfg -o out -s 'training.loss={plugin=\"mean_squared_error\"; target=\"label\";}'");
}
END_TEST

/* Keys of the one kind are left over where a sweep takes another. */
START_TEST(kinds_of_schedule_are_swept)
{
    write_text(folder, "kinds.cfg",
               "dataset = \"digits\"; model = { plugin = \"mlp\"; width = 4; };\n"
               "training = { epochs = 3; schedule = { kind = \"step\"; every = 1; }; };\n");
    command_gives(folder, 0, "cosine", "'every' is no key of schedule cosine",
                  "run kinds.cfg -o out -s "
                  "'sweep=({key=\"training.schedule.kind\"; values=(\"step\", \"cosine\");})'");
    ck_assert_uint_eq(count_files(folder, "out/runs/*"), 2);
}
END_TEST

START_TEST(swept_schedules_are_called_by_their_names)
{
    command_gives(folder, 0, "step(every=1)", NULL,
                  "run small.cfg -o out -s 'probes=()' -s "
                  "'sweep=({key=\"training.schedule\"; values=({kind=\"step\"; every=1;}, \"cosine\");})'");
    command_gives(folder, 0, NULL, NULL, "report out");
}
END_TEST

START_TEST(a_list_of_augmentations_does_what_its_short_form_does)
{
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -o short -s 'training.augment={rotate=15.0; shift=0.1; flip=true;}'");
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -o list -s 'training.augment=({plugin=\"rotate\"; rotate=15.0;}, "
                  "{plugin=\"shift\"; shift=0.1;}, {plugin=\"flip\"; flip=true;})'");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -o none");
    shell_gives(folder, 0, NULL, NULL,
                "for name in short list none; do cut -d, -f2- $name/results.csv >$name.csv; done; "
                "cmp short.csv list.csv && ! cmp -s short.csv none.csv");
}
END_TEST

/* What bad input gets: exit status 2, its place, what was expected, and nothing written. */
static const struct {
    const char *config, *message;
} refused[] = {
    { "model = { plugin = \"mlp\"; };", "bad.cfg:1: 'dataset' is missing: expected dataset = { plugin" },
    { "dataset = { plugin = \"digits\"; };", "bad.cfg:1: 'model' is missing" },
    { "dataset = { plugin = \"digits\"; }\nmodel = = 3;", "bad.cfg:2: syntax error" },
    { "dataset = { plugin = \"digits\"; };\nmodle = { };", "bad.cfg:2: unknown key 'modle'" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; widht = 3; };",
      "did you mean 'width'?" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\";\n width = \"ten\"; };",
      "bad.cfg:3: model.width = \"ten\": expected an integer from 1 to" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\";\n width = 0; };",
      "bad.cfg:3: model.width = 0: expected an integer from 1 to" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlpp\"; };", "did you mean 'mlp'?" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlpp\"; };", "/plugins" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ntraining = { epochs = -1; };",
      "bad.cfg:3: training.epochs = -1: expected an integer from 0" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = { epochs = 5;\n snapshots = [ 1, 6 ]; };",
      "bad.cfg:4: training.snapshots: epoch 6 is after the last one" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = { schedule = { kind = \"linear\"; }; };",
      "bad.cfg:3: no schedule is called 'linear'; searched: " },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ntraining = { holdout = 1.5; };",
      "bad.cfg:3: training.holdout = 1.5: expected" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = { shift = 0.1; zoom = 2.0; }; };",
      "bad.cfg:4: unknown key 'zoom' in training.augment" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = { shift = 1.5; }; };",
      "bad.cfg:4: training.augment.shift = 1.5: expected" },
    { "dataset = { plugin = \"synthetic\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = { flip = true; }; };",
      "bad.cfg:4: training.augment: augmentation flip: samples of shape 20 cannot be augmented, expected "
      "images" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n schedule = { kind = \"constant\"; every = 20; }; };",
      "bad.cfg:4: unknown key 'every' in schedule constant" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n schedule = { kind = \"step\"; plugin = \"cosine\"; }; };",
      "bad.cfg:4: the plugin is named twice, by 'plugin' and by 'kind'" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n schedule = { kind = \"milestones\"; epochs = [ 4, 2 ]; }; };",
      "milestones.so): epochs: 2 follows 4, expected ascending epochs" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n schedule = { kind = \"warm_up\"; then = { kind = \"step\"; every = 0; }; }; };",
      "bad.cfg:4: training.schedule.then.every = 0: expected" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = ( { plugin = \"rotate\"; rotate = 200.0; } ); };",
      "bad.cfg:4: training.augment.0.rotate = 200.0: expected" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = 3; };",
      "bad.cfg:4: training.augment = 3: expected a list of augmentations" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n augment = ( \"turn\" ); };",
      "bad.cfg:4: no augmentation is called 'turn'" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n loss = { plugin = \"squared\"; }; };",
      "bad.cfg:4: no loss is called 'squared'" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n loss = { plugin = \"mean_squared_error\"; }; };",
      "bad.cfg:4: training.loss: loss mean_squared_error compares with targets, the values that a sample "
      "should give, and dataset digits gives none" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "training = {\n loss = { plugin = \"mean_squared_error\"; target = \"output\"; }; };",
      "bad.cfg:4: training.loss.target = \"output\": expected one of" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; depth = 2; };\n"
      "codes = {\n layers = [ \"activation.2\" ]; };",
      "bad.cfg:4: codes.layers: no layer of the code is called 'activation.2', expected of: activation.0, "
      "activation.1" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ncodes = { layers = [ 0 ]; };",
      "bad.cfg:3: codes.layers.0: expected a layer's name" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ncodes = { layers = "
      "\"activation.0\"; };",
      "bad.cfg:3: codes.layers: expected a list of layers' names" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ncodes = { pool = \"max\"; };",
      "bad.cfg:3: codes.pool = \"max\": expected one of" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ncodes = { memroy = 1.0; };",
      "bad.cfg:3: unknown key 'memroy' in codes; did you mean 'memory'?" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ntraining = { samples = 5000; };",
      "bad.cfg:3: training: " },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\nprobes = { plugin = \"knn\"; };",
      "bad.cfg:3: probes: expected a list of groups" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ntraining = { samples = 5; };\n"
      "probes = ( { plugin = \"knn\"; k = 9; } );",
      "bad.cfg:4: probe knn: k = 9 neighbours, but only 5 training examples" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\ntraining = { samples = 5; };\n"
      "probes = ( { plugin = \"kmeans\"; k = 10; } );",
      "bad.cfg:4: probe kmeans: k = 10 clusters, but only 5 training examples" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "probes = ( { plugin = \"knn\"; },\n { plugin = \"knn\"; k = 3; } );",
      "bad.cfg:4: two probes are called knn" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "probes = ( { plugin = \"knn\";\n label = \"../../x\"; } );",
      "bad.cfg:4: label = \"../../x\": expected at most 64 letters, digits" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "probes = ( { plugin = \"knn\"; label = \"near,far\"; } );",
      "bad.cfg:3: label = \"near,far\": expected at most 64 letters, digits" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "sweep = ( { key = \"model.widht\"; values = [ 1 ]; } );",
      "bad.cfg:3 (sweep of model.widht)" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "sweep = ( { key = \"model.width\";\n values = [ 1, 0 ]; } );",
      "bad.cfg:4 (sweep of model.width): model.width = 0: expected" },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\n"
      "sweep = ( { key = \"model.width\"; values = [ 5, 5 ]; } );",
      "bad.cfg:3: two points of the sweep are the same run" },
    { "name = \"a\\nb\";\ndataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };",
      "bad.cfg:1: name: expected a name that a folder can have, one line" },
    { "name = \"a/b\";\ndataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };",
      "bad.cfg:1: name = \"a/b\": expected a name that a folder can have" },
    { "dataset = { plugin = \"relu\"; };\nmodel = { plugin = \"mlp\"; };", "bad.cfg:1: " },
    { "dataset = { plugin = \"idx\"; path = \"nowhere\"; };\nmodel = { plugin = \"mlp\"; };",
      "bad.cfg:1: dataset idx: " },
    { "dataset = { plugin = \"digits\"; };\nmodel = { plugin = \"mlp\"; };\nplugin_path = [ 3 ];",
      "bad.cfg:3: plugin_path: expected" },
};

START_TEST(bad_configs_are_refused_and_nothing_is_written)
{
    write_text(folder, "bad.cfg", refused[_i].config);
    command_gives(folder, 2, NULL, refused[_i].message, "run bad.cfg -o out");
    command_gives(folder, 2, NULL, refused[_i].message, "check bad.cfg");
    ck_assert(!exists("out"));
}
END_TEST

START_TEST(wrong_usage_has_exit_status_1)
{
    command_gives(folder, 1, NULL, "expected one CONFIG", "run");
    command_gives(folder, 1, NULL, "expected one CONFIG", "run a b");
    command_gives(folder, 1, NULL, "see tessera run --help", "run --bogus small.cfg");
    command_gives(folder, 1, NULL, "expected KEY=VALUE", "run small.cfg -s model.width");
    command_gives(folder, 1, NULL, "expected a folder behind -o", "run small.cfg -o ''");
    command_gives(folder, 1, NULL, "did you mean 'check'", "chek small.cfg");
    command_gives(folder, 1, NULL, "Usage", "%s", "");
    command_gives(folder, 0, "--shard", NULL, "run --help");
    command_gives(folder, 2, NULL, "missing.cfg: cannot read the config: No such file", "run missing.cfg");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    TCase *tests = tcase_create("run");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, a_run_prints_every_metric_of_the_design_and_leaves_the_layout);
    tcase_add_test(tests, kernels_can_be_forced_and_are_recorded);
    tcase_add_test(tests, portable_kernels_take_a_libm_without_fma);
    tcase_add_test(tests, run_json_tells_the_machine_and_the_libraries);
    tcase_add_test(tests, jobs_and_threads_do_not_change_a_byte_of_the_results);
    tcase_add_test(tests, finished_runs_are_kept_and_give_the_same_results);
    tcase_add_test(tests, more_replicates_do_only_what_is_missing);
    tcase_add_test(tests, the_resolved_config_is_the_same_experiment);
    tcase_add_test(tests, a_corrupt_run_json_is_done_again_with_a_warning);
    tcase_add_test(tests, a_results_folder_of_pipes_and_folders_neither_hangs_nor_crashes);
    tcase_add_test(tests, closed_standard_streams_change_no_result);
    tcase_add_test(tests, one_setting_swaps_a_plugin);
    tcase_add_test(tests, a_swapped_plugin_drops_the_keys_of_the_one_before);
    tcase_add_test(tests, a_loss_that_is_not_finite_ends_that_run_as_diverged);
    tcase_add_test(tests, early_stop_ends_the_training);
    tcase_add_test(tests, a_small_sample_keeps_the_number_of_steps);
    tcase_add_test(tests, codes_in_a_file_give_the_same_results);
    tcase_add_test(tests, every_probe_takes_a_projection_and_names_its_metrics_by_it);
    tcase_add_test(tests, codes_are_of_the_layers_asked_for);
    tcase_add_test(tests, check_prints_a_config_with_every_default_and_does_nothing);
    tcase_add_test(tests, a_sweep_runs_every_point_and_names_it_in_the_results);
    tcase_add_test(tests, shards_share_a_folder_and_add_up);
    tcase_add_test(tests, a_folder_of_another_experiment_is_refused_with_the_difference);
    tcase_add_test(tests, a_sweep_can_be_extended_anywhere_and_keeps_what_is_finished);
    tcase_add_test(tests, two_processes_do_not_share_a_folder);
    tcase_add_test(tests, an_interrupt_that_was_ignored_before_stays_ignored);
    tcase_add_test(tests, an_interrupt_keeps_what_is_finished);
    tcase_add_test(tests, an_unwritable_folder_is_told_before_any_training);
    tcase_add_test(tests, a_run_that_takes_too_long_is_stopped);
    tcase_add_test(tests, a_network_learns_its_input);
    tcase_add_test(tests, a_network_learns_real_valued_targets);
    tcase_add_test(tests, labels_may_be_learned_by_squared_distances);
    tcase_add_test(tests, kinds_of_schedule_are_swept);
    tcase_add_test(tests, swept_schedules_are_called_by_their_names);
    tcase_add_test(tests, a_list_of_augmentations_does_what_its_short_form_does);
    tcase_add_loop_test(tests, bad_configs_are_refused_and_nothing_is_written, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tests, wrong_usage_has_exit_status_1);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
