/* What belongs together in a results folder: the same experiment is taken up again however it is written, a
   study grows, and what was made with something else, or by somebody else, is told apart. */
#include "command.h"

#include "base/file.h"
#include "base/text.h"
#include "support.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 300 /* seconds; the sanitizers slow everything down */
/* The paper's configs differ in their settings alone: under the sanitizers one in so many is tried. */
#ifdef __SANITIZE_ADDRESS__
#define PAPER_STEP 6
#else
#define PAPER_STEP 1
#endif

enum { CLASSES = 10, TRAIN = 80, TEST = 40 };

static char *folder;

/* Under a tenth of a second. */
static const char small[] = "dataset = \"synthetic\";\nmodel = { plugin = \"mlp\"; width = 4; };\n"
                            "training = { epochs = 1; };\nprobes = ( \"redundancy\" );\n";
#define SHRINK "-s 'dataset={plugin=\"synthetic\"; train=40; test=20;}'"

static void setup(void)
{
    folder = test_folder();
    write_text(folder, "small.cfg", small);
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* Data that look like anything but are the same each time; `version` tells two sets apart. */
static unsigned char noise(size_t i, int version)
{
    return (unsigned char)((i * 2654435761u + (size_t)version * 40503u) >> 13);
}

static FILE *create(const char *name)
{
    char *path = tsr_path_join(folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    free(path);
    return file;
}

static void put_size(FILE *file, unsigned size)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(size >> shift & 255), file);
}

static void write_idx(const char *name, unsigned n, unsigned side, int version)
{
    FILE *file = create(name);
    put_size(file, side ? 0x803 : 0x801);
    put_size(file, n);
    if (side) {
        put_size(file, side);
        put_size(file, side);
    }
    for (size_t i = 0; i < (side ? (size_t)n * side * side : n); i++)
        fputc(side ? noise(i, version) : (int)(i % CLASSES), file);
    ck_assert_int_eq(fclose(file), 0);
}

/* MNIST's four files, in `name` below the folder. */
static void write_mnist(const char *name, int version)
{
    static const struct {
        const char *file;
        unsigned n, side;
    } files[] = { { "train-images-idx3-ubyte", TRAIN, 28 },
                  { "train-labels-idx1-ubyte", TRAIN, 0 },
                  { "t10k-images-idx3-ubyte", TEST, 28 },
                  { "t10k-labels-idx1-ubyte", TEST, 0 } };
    char *whole = tsr_path_join(folder, name);
    ck_succeeds(tsr_make_folder(whole));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = tsr_path_join(name, files[i].file);
        write_idx(path, files[i].n, files[i].side, version);
        free(path);
    }
    free(whole);
}

/* CIFAR-10's six files, with few images in each. */
static void write_cifar(const char *name)
{
    static const char *const files[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin" };
    char *whole = tsr_path_join(folder, name);
    ck_succeeds(tsr_make_folder(whole));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = tsr_path_join(name, files[i]);
        FILE *file = create(path);
        for (size_t j = 0; j < 20; j++) {
            fputc((int)(j % CLASSES), file);
            for (size_t k = 0; k < 3072; k++)
                fputc(noise(j * 3072 + k, (int)i), file);
        }
        ck_assert_int_eq(fclose(file), 0);
        free(path);
    }
    free(whole);
}

static void line_counts_are(const char *name, size_t lines)
{
    char *text = read_text(folder, name);
    size_t n = 0;
    for (const char *c = text; *c; c++)
        n += *c == '\n';
    ck_assert_msg(n == lines, "%s has %zu lines, not %zu: %s", name, n, lines, text);
    free(text);
}

/* Once, again, with more replicates in two shards, and all at once elsewhere. */
static void take_up_again(const char *config, const char *settings)
{
    static const char line[] =
        "rm -rf out whole; c='%s'; set -- -q %s -s 'sweep=({key=\"training.batch\"; values=[16, 32];})'\n"
        "$TESSERA run \"$c\" -o out \"$@\" -s replicates=1 || exit 10\n"
        "$TESSERA run \"$c\" -o out \"$@\" -s replicates=1 || exit 11\n"
        "$TESSERA run \"$c\" -o out \"$@\" -s replicates=2 --shard 1/2 || exit 12\n"
        "$TESSERA run \"$c\" -o out \"$@\" -s replicates=2 --shard 2/2 || exit 13\n"
        "$TESSERA run \"$c\" -o whole \"$@\" -s replicates=2 || exit 14\n"
        "cmp out/results.csv whole/results.csv || exit 15\n"
        "cmp out/summary.csv whole/summary.csv || exit 16\n";
    shell_gives(folder, 0, NULL, NULL, line, config, settings);
    line_counts_are("out/results.csv", 5);
}

/* What makes a config small; its data are this test's. */
static char *shrunk(const char *path)
{
    bool other_data =
        strstr(path, "monitor") != NULL; /* its probes compare two data sets that are downloaded */
    bool convolutional = strstr(path, "resnet") || strstr(path, "vgg") || strstr(path, "tiny-imagenet");
    const char *data = strstr(path, "cifar10") ? "cifar" : strstr(path, "mnist") ? "mnist" : NULL;
    /* Data that only their owners may give away: stood in for, but for the network's needs. */
    const char *stood_in = strstr(path, "tiny-imagenet") ? "-s 'dataset={plugin=\"cifar\"; path=\"cifar\";}'"
                           : strstr(path, "adult") || strstr(path, "imdb") || strstr(path, "svhn")
                               ? "-s 'dataset={plugin=\"synthetic\"; train=100; test=40; dimension=8;}'"
                               : "";
    char *place = data ? tsr_format("-s dataset.path=%s", data) : strdup(stood_in);
    char *settings = tsr_format("%s -s training.epochs=1 -s training.snapshots=[] -s training.samples=20 "
                                "-s training.constant_steps=false %s",
                                place,
                                convolutional ? "-s model.width_multiplier=0.0625 -s 'probes=()'"
                                : other_data  ? "-s 'probes=()'"
                                              : "");
    free(place);
    return settings;
}

/* Each config is a test of its own, with its own time: `number` is its place among those that match. */
static const char *const patterns[] = { "configs/*.cfg", "configs/quick/*.cfg", "configs/paper/*.cfg",
                                        "configs/findings/*.cfg" };
enum { OWN, QUICK, PAPER, FINDINGS };

static glob_t find_configs(int which)
{
    char *whole = tsr_path_join(test_source(), patterns[which]);
    glob_t found;
    ck_assert_int_eq(glob(whole, 0, NULL, &found), 0);
    free(whole);
    return found;
}

static void config_is_taken_up_again(int which, int number)
{
    glob_t found = find_configs(which);
    write_mnist("mnist", 1);
    write_cifar("cifar");
    char *settings = shrunk(found.gl_pathv[number]);
    take_up_again(found.gl_pathv[number], settings);
    free(settings);
    globfree(&found);
}

START_TEST(every_config_is_taken_up_again_sharded_and_grown)
{
    config_is_taken_up_again(OWN, _i);
}
END_TEST

START_TEST(every_quick_config_is_taken_up_again_sharded_and_grown)
{
    config_is_taken_up_again(QUICK, _i);
}
END_TEST

START_TEST(every_config_of_the_paper_is_taken_up_again_sharded_and_grown)
{
    config_is_taken_up_again(PAPER, _i * PAPER_STEP);
}
END_TEST

START_TEST(every_config_of_the_findings_is_taken_up_again_sharded_and_grown)
{
    config_is_taken_up_again(FINDINGS, _i);
}
END_TEST

START_TEST(no_folder_of_configs_is_empty)
{
    static const size_t least[] = { [OWN] = 4, [QUICK] = 7, [PAPER] = 30, [FINDINGS] = 6 };
    for (int which = OWN; which <= FINDINGS; which++) {
        glob_t found = find_configs(which);
        ck_assert_uint_ge(found.gl_pathc, least[which]);
        globfree(&found);
    }
}
END_TEST

/* A key without a value is written as nothing, and nothing is what it is read as. */
START_TEST(keys_without_a_default_do_not_part_an_experiment_from_itself)
{
    char *settings = tsr_format(
        "-s 'plugin_path=[\"%s/tests/cli/fixtures\"]' -s 'probes=(\"absent\")' " SHRINK, test_build());
    take_up_again("small.cfg", settings);
    command_gives(folder, 2, NULL, "probes.0.text is missing there and \"x\" here",
                  "run small.cfg -o out %s -s replicates=2 -s probes.0.text=x "
                  "-s 'sweep=({key=\"training.batch\"; values=[16, 32];})'",
                  settings);
    free(settings);
}
END_TEST

START_TEST(a_study_that_gets_another_swept_key_keeps_its_runs_in_every_table)
{
    const char *first = "-s 'sweep=({key=\"model.width\"; values=[3, 5];})'";
    const char *both =
        "-s 'sweep=({key=\"model.width\"; values=[5, 3];}, {key=\"training.batch\"; values=[16, 64];})'";
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK " %s", first);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK " %s", both);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o whole " SHRINK " %s", both);
    same_files(folder, "out/results.csv", "whole/results.csv");
    same_files(folder, "out/summary.csv", "whole/summary.csv");
    line_counts_are("out/summary.csv", 5);
    command_result page = command(folder, "report out -o page.html");
    ck_assert_int_eq(page.status, 0);
    command_free(&page);
    char *text = read_text(folder, "page.html");
    ck_assert_ptr_null(strstr(text, "no part of this sweep"));
    free(text);
}
END_TEST

START_TEST(a_plain_run_becomes_the_first_of_a_sweep_and_back)
{
    const char *sweep = "-s 'sweep=({key=\"model.width\"; values=[4, 5];})'";
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK " %s -s replicates=2", sweep);
    line_counts_are("out/summary.csv", 3);
    line_counts_are("out/results.csv", 5);
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out " SHRINK);
    line_counts_are("out/results.csv", 2);
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out " SHRINK " %s", sweep);
    line_counts_are("out/summary.csv", 3);
}
END_TEST

START_TEST(values_that_end_alike_are_two_points)
{
    char *sets = tsr_path_join(folder, "a");
    ck_succeeds(tsr_make_folder(sets));
    free(sets);
    write_mnist("x", 1);
    write_mnist("a/x", 2);
    command_gives(folder, 0, NULL, NULL,
                  "run small.cfg -q -o out -s 'dataset={plugin=\"idx\"; path=\"x\";}' "
                  "-s 'sweep=({key=\"dataset.path\"; values=[\"x\", \"../%s/a/x\"];})'",
                  strrchr(folder, '/') + 1);
    line_counts_are("out/summary.csv", 3);
    line_counts_are("out/results.csv", 3);
}
END_TEST

/* config.cfg can be run again from anywhere: it gives the same runs. */
static void runs_again_from_elsewhere(const char *settings)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o first %s", settings);
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p far/away && cd far/away && $TESSERA run ../../first/config.cfg -q -o ../../second "
                "&& cd ../.. && "
                "cut -d, -f1 first/results.csv >ids && cut -d, -f1 second/results.csv | cmp - ids && "
                "cmp first/config.cfg second/config.cfg");
    shell_gives(folder, 0, NULL, NULL, "rm -r first second far");
}

START_TEST(the_resolved_config_can_be_run_again_from_anywhere)
{
    write_mnist("one", 1);
    write_mnist("two", 2);
    runs_again_from_elsewhere("-s 'dataset={plugin=\"idx\"; path=\"one\";}' "
                              "-s 'sweep=({key=\"dataset.path\"; values=[\"one\", \"two\"];})'");
    runs_again_from_elsewhere(
        "-s 'sweep=({key=\"dataset\"; values=(\"digits\", {plugin=\"idx\"; path=\"two\";});})'");
    runs_again_from_elsewhere(
        SHRINK " -s 'sweep=({key=\"probes\"; values=((\"redundancy\"), (\"redundancy\", \"knn\"));})'");
    runs_again_from_elsewhere(SHRINK " -s 'sweep=({key=\"model.widths\"; values=([3], [5, 4]);})'");
    runs_again_from_elsewhere(SHRINK " -s 'sweep=({key=\"seed\"; values=(1, 3000000000L);})'");
    runs_again_from_elsewhere(SHRINK " -s 'regularizers=(\"l2\")' "
                                     "-s 'sweep=({key=\"regularizers.0.weight\"; values=(0, 0.5);})'");
    runs_again_from_elsewhere(SHRINK " -s 'sweep=({key=\"training.constant_steps\"; values=[true, false];})' "
                                     "-s training.samples=10");
}
END_TEST

START_TEST(one_experiment_written_in_two_ways_is_one)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    static const char *const ways[] = {
        "-s training.input_noise=-0.0",
        "-s training.input_noise=0",
        "-s 'probes=({plugin=\"redundancy\";})'",
        "-s 'model.widths=[]'",
        "-s 'codes.memory=1.5'",
        "-s 'model={plugin=\"mlp\"; width=4; activation=\"relu\";}'",
        "-s allow_unsafe_plugins=true",
        "-s name=other",
        "-s report.under_expressive=0.4",
        "-s 'training.snapshots=()'",
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out " SHRINK " %s",
                      ways[i]);
}
END_TEST

START_TEST(a_file_that_is_wanted_of_a_finished_run_is_made_of_its_network_or_by_training_again)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    command_gives(folder, 0, NULL,
                  "is trained again: ", "run small.cfg -o out " SHRINK " -s output.save_model=true");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/model.safetensors"), 1);
    command_gives(folder, 0, NULL, "files of 1 finished run are made without training",
                  "run small.cfg -o out " SHRINK " -s output.save_codes=true");
    command_gives(folder, 0, NULL, "all runs are done already",
                  "run small.cfg -o out " SHRINK " -s output.save_codes=true");
}
END_TEST

START_TEST(data_that_have_changed_are_noticed)
{
    const char *settings = "-s 'dataset={plugin=\"idx\"; path=\"data\";}'";
    write_mnist("data", 1);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out %s", settings);
    char *before = read_text(folder, "out/results.csv");
    write_mnist("data", 2);
    command_gives(folder, 2, NULL,
                  "1 finished run was made with other data or plugins than there are now: run ",
                  "run small.cfg -o out %s", settings);
    command_gives(folder, 2, NULL, "the data of dataset idx(", "run small.cfg -o out %s -s replicates=2",
                  settings);
    char *after = read_text(folder, "out/results.csv");
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    command_gives(folder, 0, NULL,
                  "1 finished run was made with other data or plugins than there are now and kept",
                  "run small.cfg -o out %s --keep", settings);
    command_gives(folder, 0, NULL, "1 finished run is done again: ", "run small.cfg -o out %s --redo-changed",
                  settings);
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o new %s", settings);
    same_files(folder, "out/results.csv", "new/results.csv");
    write_mnist("data", 2); /* the same again, at another time */
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out %s", settings);
    command_gives(folder, 1, NULL, "--redo-changed and --keep", "run small.cfg -o out --keep --redo-changed");
}
END_TEST

START_TEST(a_plugin_that_was_rebuilt_is_noticed)
{
    const char *settings = SHRINK " -s 'plugin_path=[\"own\"]' -s 'probes=(\"absent\")'";
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p own/probes && cp '%s/tests/cli/fixtures/probes/.libs/absent.so' own/probes",
                test_build());
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out %s", settings);
    shell_gives(folder, 0, NULL, NULL, "printf x >>own/probes/absent.so");
    command_gives(folder, 2, NULL, "probe absent has changed: ", "run small.cfg -o out %s -s replicates=2",
                  settings);
    command_gives(folder, 0, NULL, "is done again", "run small.cfg -o out %s --redo-changed", settings);
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out %s", settings);
}
END_TEST

START_TEST(a_plugin_that_took_no_part_may_change)
{
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p own/executors && cp '%s/plugins/executors/.libs/local.so' own/executors",
                test_build());
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK " -s 'plugin_path=[\"own\"]'");
    shell_gives(folder, 0, NULL, NULL, "printf x >>own/executors/local.so");
    command_gives(folder, 0, NULL, "all runs are done already",
                  "run small.cfg -o out " SHRINK " -s 'plugin_path=[\"own\"]'");
}
END_TEST

START_TEST(a_folder_of_somebody_else_is_left_alone)
{
    static const char *const names[] = { "runs", "results.csv", "summary.csv", "report.html", "config.cfg" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bool is_folder = i == 0;
        shell_gives(folder, 0, NULL, NULL,
                    is_folder ? "mkdir -p theirs/%s/exp1 && echo precious >theirs/%s/exp1/events"
                              : "mkdir theirs && echo precious >theirs/%s",
                    names[i], names[i]);
        char *expected = tsr_format("theirs: holds '%s' and is not a results folder of tessera", names[i]);
        command_gives(folder, 2, NULL, expected, "run small.cfg -o theirs " SHRINK);
        command_gives(folder, 2, NULL, expected, "run small.cfg -o theirs --fresh " SHRINK);
        shell_gives(folder, 0, "precious\n", NULL, is_folder ? "cat theirs/%s/exp1/events" : "cat theirs/%s",
                    names[i]);
        shell_gives(folder, 0, "", NULL, "test $(ls -A theirs | wc -l) = 1; rm -r theirs");
        free(expected);
    }
    shell_gives(folder, 0, NULL, NULL, "mkdir theirs; echo notes >theirs/notes.txt");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o theirs " SHRINK);
}
END_TEST

START_TEST(fresh_removes_what_tessera_wrote_and_nothing_else)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    shell_gives(
        folder, 0, NULL, NULL,
        "mkdir out/runs/mine out/notes linked; echo precious | tee out/runs/mine/x out/notes/x >linked/x; "
        "ln -s ../../linked out/runs/0123456789abcdef");
    command_gives(folder, 0, NULL, "out/runs/mine: is not a run of tessera and stays",
                  "run small.cfg -o out --fresh -s model.width=5 " SHRINK);
    shell_gives(folder, 0, "precious\nprecious\nprecious\n", NULL,
                "cat out/runs/mine/x out/notes/x linked/x");
    ck_assert_uint_eq(count_files(folder, "out/runs/*/run.json"), 1);
    line_counts_are("out/results.csv", 2);
}
END_TEST

/* But the results folder itself, which the user names. */
START_TEST(nothing_is_written_through_a_link)
{
    shell_gives(folder, 0, NULL, NULL, "mkdir far; ln -s far out; echo precious >precious; mkdir theirs");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out/new " SHRINK);
    shell_gives(folder, 0, NULL, NULL, "test -e far/new/results.csv && cp -a far/new whole");
    shell_gives(folder, 0, NULL, NULL, "mv whole/runs moved; ln -s ../theirs whole/runs");
    command_gives(folder, 2, NULL,
                  "whole/runs: cannot make the folder: a link is on the way: expected a folder",
                  "run small.cfg -o whole " SHRINK);
    shell_gives(folder, 0, NULL, NULL,
                "rm whole/runs; mkdir whole/runs; ln -s ../../theirs whole/runs/$(ls moved | head -n 1)");
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o whole " SHRINK); /* the link gives way */
    ck_assert_uint_eq(count_files(folder, "theirs/*"), 0);
    shell_gives(folder, 0, NULL, NULL,
                "rm -r whole/runs; mv moved whole/runs; cd whole; rm -f .lock results.csv; "
                "ln -s ../precious .lock; ln -s ../precious results.csv");
    command_gives(folder, 2, NULL,
                  "whole: cannot write the results folder: .lock: a link is there, expected a file",
                  "run small.cfg -o whole " SHRINK);
    shell_gives(folder, 0, NULL, NULL, "rm whole/.lock; mkfifo whole/.lock");
    command_gives(folder, 2, NULL,
                  "whole: cannot write the results folder: .lock: ", "run small.cfg -o whole " SHRINK);
    shell_gives(folder, 0, NULL, NULL, "rm whole/.lock");
    command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o whole " SHRINK);
    shell_gives(folder, 0, "precious\n", NULL,
                "cat precious; cmp whole/results.csv far/new/results.csv && test ! -L whole/results.csv");
}
END_TEST

START_TEST(nothing_is_removed_through_a_link)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    shell_gives(folder, 0, NULL, NULL, "mv out/runs far; ln -s ../far out/runs");
    command_gives(folder, 2, NULL, "out/runs: cannot make the folder: a link is on the way",
                  "run small.cfg -o out " SHRINK);
    command_gives(folder, 2, NULL, "out/runs: is a link, and nothing is removed through it",
                  "run small.cfg -o out --fresh " SHRINK);
    shell_gives(folder, 0, NULL, NULL,
                "mkdir -p theirs/runs/0123456789abcdef; echo precious >theirs/runs/0123456789abcdef/x; "
                "ln -s ../out/config.cfg theirs/config.cfg");
    command_gives(folder, 2, NULL, "theirs: holds 'runs' and is not a results folder of tessera",
                  "run small.cfg -o theirs --fresh " SHRINK);
    shell_gives(folder, 0, "precious\n", NULL,
                "cat theirs/runs/0123456789abcdef/x; ls far/*/run.json out/config.cfg >/dev/null");
}
END_TEST

START_TEST(the_config_given_is_never_replaced_by_the_resolved_one)
{
    shell_gives(
        folder, 0, NULL, NULL,
        "mkdir b; (echo '# my notes'; cat small.cfg) >b/config.cfg; ln -s b c; ln b/config.cfg b/other.cfg");
    static const char *const ways[] = { "cd b && $TESSERA run config.cfg -o .",
                                        "cd b && $TESSERA run config.cfg -o . --fresh",
                                        "$TESSERA run b/config.cfg -o c",
                                        "$TESSERA run b/other.cfg -o b --fresh" };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        shell_gives(folder, 2, NULL, "its config.cfg is the config that is to be run", "%s", ways[i]);
    shell_gives(folder, 0, "# my notes\n", NULL, "head -n 1 b/config.cfg; test $(ls -A b | wc -l) = 2");
}
END_TEST

START_TEST(a_record_that_cannot_be_read_is_not_a_run_that_was_not_done)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    shell_gives(folder, 2, NULL, "run.json: cannot read the run's record: ",
                "cd out/runs/*; mv run.json kept; ln -s run.json run.json; cd ../../..; $TESSERA run "
                "small.cfg -o out " SHRINK);
    shell_gives(folder, 0, NULL, "all runs are done already",
                "cd out/runs/*; mv kept run.json; cd ../../..; $TESSERA run small.cfg -o out " SHRINK);
}
END_TEST

/* Where a word stands last. */
static const char *last(const char *text, const char *word)
{
    const char *found = strstr(text, word);
    ck_assert_msg(found, "%s is not in %s", word, text);
    for (const char *next = found; next; next = strstr(next + 1, word))
        found = next;
    return found;
}

START_TEST(a_whole_but_wrong_record_is_named_and_its_run_done_again)
{
    command_gives(folder, 0, NULL, NULL, "run small.cfg -q -o out " SHRINK);
    char *path = only_file(folder, "out/runs/*/run.json"), *whole = read_text("", path);
    static const struct {
        const char *from, *to, *message;
    } edits[] = {
        { "\"width\": 4", "\"width\": 5", "its config is that of run" },
        { "\"code.bits\": ", "\"code.bits\": \"4\", \"x\": ", "the metric code.bits is not a number" },
        { "\"code.bits\"", "\"code.bats\"", "the metric code.bits is missing" },
        { "\"status\": \"done\"", "\"status\": \"well\"", "not the record of run" },
        { "\"snapshots\": [", "\"snapshots\": [], \"then\": [", "a finished run without snapshots" },
        { "\"snapshots\": [", "\"snapshots\": [", "not a whole run.json" },
    };
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        const char *at = last(whole, edits[i].from);
        char *text =
            tsr_format("%.*s%s%s", (int)(at - whole), whole, edits[i].to, at + strlen(edits[i].from));
        size_t length = strlen(text) / (strstr(edits[i].message, "whole run") ? 2 : 1);
        ck_succeeds(tsr_write_file(path, text, length));
        free(text);
        command_gives(folder, 0, NULL, edits[i].message, "run small.cfg -o out " SHRINK);
        command_gives(folder, 0, NULL, "all runs are done already", "run small.cfg -o out " SHRINK);
    }
    free(whole);
    free(path);
}
END_TEST

START_TEST(two_points_that_are_one_run_are_both_named)
{
    command_gives(
        folder, 2, NULL, "two points of the sweep are the same run, { model.activation = \"relu\"; }", "%s",
        "check -n small.cfg -s 'sweep=({key=\"model.activation\"; values=(\"relu\", {plugin=\"relu\";});})'");
}
END_TEST

/* Before any test: how many of the tests above there are. */
static int count_configs(int which)
{
    char *whole = tsr_path_join(test_source(), patterns[which]);
    glob_t found;
    int n = glob(whole, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    free(whole);
    return n;
}

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *tests = tcase_create("identity");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_loop_test(tests, every_config_is_taken_up_again_sharded_and_grown, 0, count_configs(OWN));
    tcase_add_loop_test(tests, every_quick_config_is_taken_up_again_sharded_and_grown, 0,
                        count_configs(QUICK));
    tcase_add_loop_test(tests, every_config_of_the_paper_is_taken_up_again_sharded_and_grown, 0,
                        (count_configs(PAPER) + PAPER_STEP - 1) / PAPER_STEP);
    tcase_add_loop_test(tests, every_config_of_the_findings_is_taken_up_again_sharded_and_grown, 0,
                        count_configs(FINDINGS));
    tcase_add_test(tests, no_folder_of_configs_is_empty);
    tcase_add_test(tests, keys_without_a_default_do_not_part_an_experiment_from_itself);
    tcase_add_test(tests, a_study_that_gets_another_swept_key_keeps_its_runs_in_every_table);
    tcase_add_test(tests, a_plain_run_becomes_the_first_of_a_sweep_and_back);
    tcase_add_test(tests, values_that_end_alike_are_two_points);
    tcase_add_test(tests, the_resolved_config_can_be_run_again_from_anywhere);
    tcase_add_test(tests, one_experiment_written_in_two_ways_is_one);
    tcase_add_test(tests,
                   a_file_that_is_wanted_of_a_finished_run_is_made_of_its_network_or_by_training_again);
    tcase_add_test(tests, data_that_have_changed_are_noticed);
    tcase_add_test(tests, a_plugin_that_was_rebuilt_is_noticed);
    tcase_add_test(tests, a_plugin_that_took_no_part_may_change);
    tcase_add_test(tests, a_folder_of_somebody_else_is_left_alone);
    tcase_add_test(tests, fresh_removes_what_tessera_wrote_and_nothing_else);
    tcase_add_test(tests, nothing_is_written_through_a_link);
    tcase_add_test(tests, nothing_is_removed_through_a_link);
    tcase_add_test(tests, the_config_given_is_never_replaced_by_the_resolved_one);
    tcase_add_test(tests, a_record_that_cannot_be_read_is_not_a_run_that_was_not_done);
    tcase_add_test(tests, a_whole_but_wrong_record_is_named_and_its_run_done_again);
    tcase_add_test(tests, two_points_that_are_one_run_are_both_named);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
